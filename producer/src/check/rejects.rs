//! The rows that can't be sent, written beside the list.

use std::io;
use std::path::{Path, PathBuf};

use fanline_core::campaign::{Campaign, Recipients};
use fanline_core::recipient::Recipient;
use fanline_core::s3_uri::S3Uri;

use crate::list::rows::RowNumber;
use crate::list::store::ListStore;

/// A file of rejected rows is written when it has this many bytes, and another one begins. What is
/// not written yet is held in memory.
const PART_BYTES: usize = 8 * 1024 * 1024;

/// The columns of the file.
const COLUMNS: [&str; 5] = ["row", "line", "column", "reason", "recipient"];

/// How many rows go to the log where there is no place for a file.
const MAX_LOGGED_ROWS: u64 = 20;

/// A row that is not sent, as it is written down.
#[derive(Debug)]
pub(crate) struct RejectedRow<'a> {
    pub(crate) number: RowNumber,
    /// The column at fault, or nothing.
    pub(crate) column: &'a str,
    pub(crate) reason: &'a str,
    /// The recipient, where the row has a valid one.
    pub(crate) recipient: Option<&'a Recipient>,
}

/// Writes down the rejected rows of one slice. The same slice writes the same files.
pub(crate) struct RejectsWriter<'a> {
    lists: &'a ListStore,
    place: RejectsPlace,
    /// The name of the file, which no other file of the run has.
    name: String,
    csv: Vec<u8>,
    rows: u64,
    written: Vec<String>,
}

/// Where rejected rows are written.
#[derive(Debug, Clone, PartialEq, Eq)]
enum RejectsPlace {
    /// As objects whose keys begin so.
    S3(S3Uri),
    /// As files in this directory.
    Directory(PathBuf),
    /// In the log: the rows came with the campaign, and no setting names a place.
    Log,
}

/// The rejected rows could not be written down.
#[derive(Debug, thiserror::Error)]
#[error("the rejected rows can't be written to `{place}`: {problem}")]
pub struct RejectsError {
    /// The file or object.
    pub place: String,
    /// What went wrong.
    pub problem: String,
}

impl<'a> RejectsWriter<'a> {
    /// For rows of this campaign's list, in files of this name.
    pub(crate) fn new(
        lists: &'a ListStore,
        prefix: Option<&S3Uri>,
        campaign: &Campaign,
        name: String,
    ) -> Self {
        Self {
            lists,
            place: RejectsPlace::new(prefix, &campaign.recipients, &campaign.run()),
            name,
            csv: Vec::new(),
            rows: 0,
            written: Vec::new(),
        }
    }

    /// Adds a row.
    pub(crate) async fn add(&mut self, rejected: &RejectedRow<'_>) -> Result<(), RejectsError> {
        let RejectedRow {
            number: RowNumber { row, line },
            column,
            reason,
            recipient,
        } = rejected;
        self.rows += 1;
        if self.place == RejectsPlace::Log {
            if self.rows <= MAX_LOGGED_ROWS {
                tracing::warn!(row, column, reason, "the producer rejected a row");
            }
            return Ok(());
        }
        if self.csv.is_empty() {
            push_record(&mut self.csv, COLUMNS);
        }
        let (row, line) = (row.to_string(), line.to_string());
        let recipient = recipient.map_or_else(String::new, readable_name);
        push_record(&mut self.csv, [&row, &line, column, reason, &recipient]);
        if self.csv.len() >= PART_BYTES {
            self.write_part().await?;
        }
        Ok(())
    }

    /// Writes what is left. Returns the names of all files.
    pub(crate) async fn finish(mut self) -> Result<Vec<String>, RejectsError> {
        if !self.csv.is_empty() {
            self.write_part().await?;
        }
        Ok(self.written)
    }

    async fn write_part(&mut self) -> Result<(), RejectsError> {
        let name = match self.written.len() + 1 {
            1 => format!("{}.csv", self.name),
            part => format!("{}.{part}.csv", self.name),
        };
        let csv = std::mem::take(&mut self.csv);
        let (place, result) = match &self.place {
            RejectsPlace::Log => return Ok(()),
            RejectsPlace::S3(prefix) => {
                let object = prefix.join(&name);
                (object.to_string(), self.lists.put_csv(&object, csv).await)
            }
            RejectsPlace::Directory(directory) => {
                let path = directory.join(name);
                let written = write_file(directory, &path, csv).await;
                let written = written.map_err(|error| error.to_string());
                (path.display().to_string(), written)
            }
        };
        match result {
            Ok(()) => self.written.push(place),
            Err(problem) => return Err(RejectsError { place, problem }),
        }
        Ok(())
    }
}

impl RejectsPlace {
    /// Under the setting's prefix, or else beside the list.
    fn new(prefix: Option<&S3Uri>, recipients: &Recipients, run: &str) -> Self {
        match (prefix, recipients) {
            (Some(prefix), _) if prefix.key.is_empty() || prefix.key.ends_with('/') => {
                Self::S3(prefix.join(&format!("{run}/")))
            }
            (Some(prefix), _) => Self::S3(prefix.join(&format!("/{run}/"))),
            (None, Recipients::S3(list)) => Self::S3(list.join(&format!(".rejects/{run}/"))),
            // A list out of a pipe has no place: its path is a number.
            (None, Recipients::Path(path)) if path.starts_with("/dev/") => {
                Self::Directory(PathBuf::from("list.rejects").join(run))
            }
            (None, Recipients::Path(path)) => {
                Self::Directory(PathBuf::from(format!("{path}.rejects")).join(run))
            }
            (None, Recipients::Inline(_)) => Self::Log,
        }
    }
}

/// The recipient as people may read it: a LINE ID, but never a token, which is a secret.
fn readable_name(recipient: &Recipient) -> String {
    let mut name = String::new();
    match recipient {
        Recipient::Line(_) => recipient.push_to(&mut name),
        Recipient::NotifyToken(_) => {}
    }
    name
}

/// Appends a CSV record, with quotes where a field needs them.
fn push_record(csv: &mut Vec<u8>, fields: [&str; COLUMNS.len()]) {
    // At most each byte twice, two quotes and a delimiter or line end for each field.
    let max_bytes = fields.iter().map(|field| field.len() * 2 + 3).sum();
    let mut record = vec![0; max_bytes];
    let mut room = record.as_mut_slice();
    let mut writer = csv_core::Writer::new();
    for (i, field) in fields.iter().enumerate() {
        if i > 0 {
            let (_, written) = writer.delimiter(room);
            room = room.split_at_mut(written).1;
        }
        let (_, _, written) = writer.field(field.as_bytes(), room);
        room = room.split_at_mut(written).1;
    }
    let (_, written) = writer.terminator(room);
    let unused = room.len() - written;
    record.truncate(max_bytes - unused);
    csv.append(&mut record);
}

async fn write_file(directory: &Path, path: &Path, bytes: Vec<u8>) -> io::Result<()> {
    tokio::fs::create_dir_all(directory).await?;
    tokio::fs::write(path, bytes).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use fanline_core::channel::Channel;
    use fanline_core::list::{Format, ListReader};
    use proptest::prelude::*;

    fn s3(key: &str) -> S3Uri {
        S3Uri {
            bucket: "b".into(),
            key: key.into(),
        }
    }

    #[test]
    fn rejects_lie_beside_the_list_unless_a_setting_says_otherwise() {
        let list = Recipients::S3(s3("lists/friends.csv"));
        let beside = RejectsPlace::S3(s3("lists/friends.csv.rejects/run/"));
        assert_eq!(RejectsPlace::new(None, &list, "run"), beside);
        for (prefix, key) in [
            ("s3://b", "run/"),
            ("s3://b/bad", "bad/run/"),
            ("s3://b/bad/", "bad/run/"),
        ] {
            let prefix = prefix.parse().unwrap();
            let place = RejectsPlace::new(Some(&prefix), &list, "run");
            assert_eq!(place, RejectsPlace::S3(s3(key)), "{prefix}");
        }
        let file = Recipients::Path("lists/friends.csv".into());
        let directory = RejectsPlace::Directory("lists/friends.csv.rejects/run".into());
        assert_eq!(RejectsPlace::new(None, &file, "run"), directory);
        let pipe = Recipients::Path("/dev/fd/9".into());
        let directory = RejectsPlace::Directory("list.rejects/run".into());
        assert_eq!(RejectsPlace::new(None, &pipe, "run"), directory);
        let inline = Recipients::Inline(vec![]);
        assert_eq!(RejectsPlace::new(None, &inline, "run"), RejectsPlace::Log);
    }

    #[test]
    fn an_id_is_written_down_and_a_token_never() {
        let id = "U4af4980629f0c1d2e3f4a5b6c7d8e9fa";
        let user = Recipient::parse(Channel::Line, id).unwrap();
        assert_eq!(readable_name(&user), id);
        let token = Recipient::parse(Channel::LineNotify, "secret").unwrap();
        assert_eq!(readable_name(&token), "");
    }

    #[test]
    fn a_field_with_commas_quotes_or_line_ends_stays_one_field() {
        let mut csv = Vec::new();
        push_record(&mut csv, ["1", "2", "", "a, \"b\"", "U1"]);
        push_record(&mut csv, ["", "", "", "", "\n"]);
        let csv = String::from_utf8(csv).unwrap();
        assert_eq!(csv, "1,2,,\"a, \"\"b\"\"\",U1\n,,,,\"\n\"\n");
    }

    proptest! {
        #[test]
        fn any_record_reads_back_as_it_was(fields in prop::array::uniform5("[ -~\n\r早]{1,9}")) {
            let mut csv = Vec::new();
            push_record(&mut csv, COLUMNS);
            push_record(&mut csv, fields.each_ref().map(String::as_str));
            let mut reader = ListReader::new(Format::Csv);
            let mut input = csv.as_slice();
            let parsed = reader.next(&mut input, true).unwrap().unwrap();
            let row = parsed.row.unwrap();
            prop_assert_eq!(COLUMNS.map(|column| row.text(column).unwrap().to_owned()), fields);
        }
    }
}

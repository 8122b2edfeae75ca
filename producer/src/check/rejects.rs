//! The rows that can't be sent, written beside the list.

use std::path::{Path, PathBuf};

use fanline_core::campaign::{Campaign, Recipients};
use fanline_core::recipient::Recipient;
use fanline_core::s3_uri::S3Uri;

use crate::check::checker::Rejected;
use crate::list::store::Lists;
use crate::publish::group::Group;

/// A file of rejected rows is cut here: what has not been written yet is held.
const PART: usize = 8 * 1024 * 1024;

const HEADER: &str = "row,line,column,reason,recipient\n";

/// How many rows are put in the log where there is no place for a file.
const LOGGED: u64 = 20;

/// Writes the rejected rows of one slice. The same slice writes the same files, so a repeat does no harm.
pub(crate) struct Rejects<'a> {
    lists: &'a Lists,
    place: RejectsPlace,
    /// What distinguishes this file from others of the run.
    name: String,
    text: String,
    rows: u64,
    written: Vec<String>,
}

/// Where rejected rows are written.
#[derive(Debug, Clone, PartialEq, Eq)]
enum RejectsPlace {
    /// Under keys that begin so.
    S3(S3Uri),
    Directory(PathBuf),
    /// The rows came with the campaign, and no setting says where to.
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

impl<'a> Rejects<'a> {
    /// For the rows of one slice, in files of this name.
    pub(crate) fn new(
        lists: &'a Lists,
        prefix: Option<&S3Uri>,
        campaign: &Campaign,
        name: String,
    ) -> Self {
        let place = place(prefix, &campaign.recipients, &campaign.run());
        Self {
            lists,
            place,
            name,
            text: String::new(),
            rows: 0,
            written: Vec::new(),
        }
    }

    /// Adds a row that its check rejects.
    pub(crate) async fn add(&mut self, rejected: &Rejected) -> Result<(), RejectsError> {
        let Rejected {
            place,
            error,
            recipient,
        } = rejected;
        let mut name = String::new();
        if let Some(recipient) = recipient {
            recipient.push_to(&mut name);
        }
        self.line(
            place.row,
            place.line,
            error.column(),
            &error.to_string(),
            &name,
        );
        self.write_full().await
    }

    /// Adds the rows of a delivery that the queue refuses.
    pub(crate) async fn add_delivery(
        &mut self,
        group: &Group,
        reason: &str,
    ) -> Result<(), RejectsError> {
        let reason = format!("the queue refused the delivery: {reason}");
        for (recipient, row) in group.recipients.iter().zip(&group.rows) {
            let mut name = String::new();
            // A LINE ID may be written where people read it, a token is a secret.
            if matches!(recipient, Recipient::Line(_)) {
                recipient.push_to(&mut name);
            }
            self.line(row.row, row.line, "", &reason, &name);
        }
        self.write_full().await
    }

    fn line(&mut self, row: u64, line: u64, column: &str, reason: &str, recipient: &str) {
        self.rows += 1;
        if self.place == RejectsPlace::Log {
            if self.rows <= LOGGED {
                tracing::warn!(row, column, reason, "row rejected");
            }
            return;
        }
        if self.text.is_empty() {
            self.text.push_str(HEADER);
        }
        for field in [
            &row.to_string(),
            ",",
            &line.to_string(),
            ",",
            &quoted(column),
            ",",
            &quoted(reason),
            ",",
            recipient,
            "\n",
        ] {
            self.text.push_str(field);
        }
    }

    async fn write_full(&mut self) -> Result<(), RejectsError> {
        if self.text.len() < PART {
            Ok(())
        } else {
            self.write().await
        }
    }

    /// Writes what is left and says where everything is.
    pub(crate) async fn finish(mut self) -> Result<Vec<String>, RejectsError> {
        if !self.text.is_empty() {
            self.write().await?;
        }
        Ok(self.written)
    }

    async fn write(&mut self) -> Result<(), RejectsError> {
        let part = self.written.len() + 1;
        let name = if part == 1 {
            format!("{}.csv", self.name)
        } else {
            format!("{}.{part}.csv", self.name)
        };
        let bytes = std::mem::take(&mut self.text).into_bytes();
        let (place, result) = match &self.place {
            RejectsPlace::Log => return Ok(()),
            RejectsPlace::S3(prefix) => {
                let object = prefix.join(&name);
                (object.to_string(), self.lists.put(&object, bytes).await)
            }
            RejectsPlace::Directory(directory) => {
                let path = directory.join(name);
                (
                    path.display().to_string(),
                    write_file(directory, &path, bytes)
                        .await
                        .map_err(|e| e.to_string()),
                )
            }
        };
        result.map_err(|problem| RejectsError {
            place: place.clone(),
            problem,
        })?;
        self.written.push(place);
        Ok(())
    }
}

fn place(prefix: Option<&S3Uri>, recipients: &Recipients, run: &str) -> RejectsPlace {
    match (prefix, recipients) {
        (Some(prefix), _) => {
            let slash = if prefix.key.is_empty() || prefix.key.ends_with('/') {
                ""
            } else {
                "/"
            };
            RejectsPlace::S3(prefix.join(&format!("{slash}{run}/")))
        }
        (None, Recipients::S3(list)) => RejectsPlace::S3(list.join(&format!(".rejects/{run}/"))),
        (None, Recipients::Path(path)) => {
            RejectsPlace::Directory(PathBuf::from(format!("{path}.rejects")).join(run))
        }
        (None, Recipients::Inline(_)) => RejectsPlace::Log,
    }
}

async fn write_file(directory: &Path, path: &Path, bytes: Vec<u8>) -> std::io::Result<()> {
    tokio::fs::create_dir_all(directory).await?;
    tokio::fs::write(path, bytes).await
}

/// A CSV field, in quotes where it needs them.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_lie_beside_the_list_unless_a_setting_says_otherwise() {
        let list = Recipients::S3(S3Uri {
            bucket: "b".into(),
            key: "lists/friends.csv".into(),
        });
        let s3 = |key: &str| {
            RejectsPlace::S3(S3Uri {
                bucket: "b".into(),
                key: key.into(),
            })
        };
        assert_eq!(
            place(None, &list, "run"),
            s3("lists/friends.csv.rejects/run/")
        );
        for (prefix, key) in [
            ("s3://b", "run/"),
            ("s3://b/bad", "bad/run/"),
            ("s3://b/bad/", "bad/run/"),
        ] {
            assert_eq!(
                place(Some(&prefix.parse().unwrap()), &list, "run"),
                s3(key),
                "{prefix}"
            );
        }
        let file = Recipients::Path("lists/friends.csv".into());
        assert_eq!(
            place(None, &file, "run"),
            RejectsPlace::Directory("lists/friends.csv.rejects/run".into())
        );
        assert_eq!(
            place(None, &Recipients::Inline(vec![]), "run"),
            RejectsPlace::Log
        );
    }

    #[test]
    fn a_field_with_commas_and_quotes_stays_one_field() {
        assert_eq!(quoted("plain"), "plain");
        assert_eq!(quoted("a, \"b\""), "\"a, \"\"b\"\"\"");
    }
}

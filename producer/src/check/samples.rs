//! Rows that stand for all rows of a list that can be sent.

use fanline_core::campaign::MessageTemplate;
use fanline_core::list::{Place, Row};
use fanline_core::recipient::Recipient;

/// A row that can be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Where the row is.
    pub place: Place,
    /// Why it is shown.
    pub reason: SampleReason,
    /// The row as a JSON object of all its columns.
    pub row: String,
    /// What its recipient gets: a JSON array of message objects.
    pub messages: String,
    /// Whether its recipient can share a request with others.
    pub can_share: bool,
}

/// Why a row is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SampleReason {
    /// Somebody asked for it.
    Asked,
    /// It is the first one.
    First,
    /// No other row has longer messages.
    Longest,
    /// It is the first one in which a column is empty that the messages use: this one.
    Empty(String),
    /// It was drawn from the whole list.
    Drawn,
}

/// So many rows are drawn from the list.
const DRAWN: usize = 8;

/// How many rows have nothing in a column that the messages use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmptyValues {
    /// The column.
    pub column: String,
    /// The rows that can be sent and have nothing in it.
    pub rows: u64,
}

/// The first row that can be sent, the first of those with the longest messages, the first one with
/// an empty value, one that somebody asked for, and eight that are drawn from all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Samples {
    row: Option<u64>,
    asked: Option<Sample>,
    first: Option<Sample>,
    longest: Option<Sample>,
    empty: Option<Sample>,
    /// Each with its place in the draw, in that order.
    drawn: Vec<(u64, Sample)>,
    empty_values: Vec<EmptyValues>,
}

impl Samples {
    /// Samples of these messages. `row`: the number of a row that somebody asked for.
    pub(crate) fn of(messages: &MessageTemplate, row: Option<u64>) -> Self {
        let columns = messages.columns().into_iter();
        let empty_values = columns.map(|column| EmptyValues {
            column: column.to_owned(),
            rows: 0,
        });
        Self {
            row,
            empty_values: empty_values.collect(),
            ..Self::default()
        }
    }

    /// Looks at one more row.
    pub(crate) fn see(
        &mut self,
        place: Place,
        row: &Row<'_>,
        recipient: &Recipient,
        messages: &str,
    ) {
        let sample = |reason| Sample {
            place,
            reason,
            row: row.to_json(),
            messages: messages.to_owned(),
            can_share: recipient.can_share(),
        };
        let mut first_empty = None;
        for column in &mut self.empty_values {
            if is_empty(row, &column.column) {
                column.rows += 1;
                first_empty = first_empty.or(Some(&column.column));
            }
        }
        if let (None, Some(column)) = (&self.empty, first_empty) {
            self.empty = Some(sample(SampleReason::Empty(column.clone())));
        }
        if self.row == Some(place.row) {
            self.asked = Some(sample(SampleReason::Asked));
        }
        let lot = lot(place.row);
        let at = self.drawn.partition_point(|(other, _)| *other < lot);
        if at < DRAWN {
            self.drawn.truncate(DRAWN - 1);
            self.drawn.insert(at, (lot, sample(SampleReason::Drawn)));
        }
        let Some(first) = &self.first else {
            self.first = Some(sample(SampleReason::First));
            return;
        };
        let longest = self.longest.as_ref().unwrap_or(first);
        if messages.len() > longest.messages.len() {
            self.longest = Some(sample(SampleReason::Longest));
        }
    }

    /// Those to look at: the one that somebody asked for, the first one, the longest one, and the
    /// one with an empty value. No row comes twice.
    pub fn iter(&self) -> impl Iterator<Item = &Sample> {
        let all = [&self.asked, &self.first, &self.longest, &self.empty];
        each_once(all.into_iter().flatten())
    }

    /// Those to ask LINE about: the ones to look at, and then those that are drawn from the whole
    /// list. No row comes twice. The same list gives the same rows.
    pub fn with_drawn(&self) -> impl Iterator<Item = &Sample> {
        each_once(self.iter().chain(self.drawn.iter().map(|(_, drawn)| drawn)))
    }

    /// The row that somebody asked for, if it can be sent.
    pub fn asked(&self) -> Option<&Sample> {
        self.asked.as_ref()
    }

    /// The columns that the messages use and that are empty in some rows.
    pub fn empty_values(&self) -> impl Iterator<Item = &EmptyValues> {
        self.empty_values.iter().filter(|column| column.rows > 0)
    }
}

fn each_once<'a>(samples: impl Iterator<Item = &'a Sample>) -> impl Iterator<Item = &'a Sample> {
    let mut rows = Vec::new();
    samples.filter(move |sample| {
        let is_new = !rows.contains(&sample.place.row);
        rows.push(sample.place.row);
        is_new
    })
}

/// A row's place in the draw: the last step of `SplitMix64`, which spreads row numbers well.
/// <https://prng.di.unimi.it/splitmix64.c>
fn lot(row: u64) -> u64 {
    let mut z = row.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn is_empty(row: &Row<'_>, column: &str) -> bool {
    match row.written(column) {
        Some(value) => value.trim().is_empty(),
        None => row.value(column).is_none(),
    }
}

#[cfg(test)]
mod tests {
    use fanline_core::campaign::Campaign;
    use fanline_core::channel::Channel;
    use fanline_core::list::{Format, ListReader};
    use serde_json::json;

    use super::*;

    /// The samples of a list with one column `name`, whose rows are their own messages.
    fn samples(rows: &[&str], row: Option<u64>) -> Samples {
        let campaign = json!({
            "campaign": "c", "channel": "line", "recipients": [],
            "messages": [{"type": "text", "text": "Hi {{ name }}"}],
        });
        let campaign = Campaign::from_value(campaign).unwrap();
        let recipient = Recipient::parse(Channel::Line, &format!("U{:032x}", 1)).unwrap();
        let mut samples = Samples::of(&campaign.messages, row);
        let lines: Vec<String> = rows.iter().map(|row| format!("x,{row}\n")).collect();
        let list = format!("to,name\n{}", lines.concat());
        let (mut reader, mut input) = (ListReader::new(Format::Csv), list.as_bytes());
        while let Some(parsed) = reader.next(&mut input, true).unwrap() {
            let row = parsed.row.unwrap();
            let messages = row.text("name").unwrap();
            samples.see(parsed.place, &row, &recipient, messages);
        }
        samples
    }

    #[test]
    fn the_first_row_and_the_longest_stand_for_all() {
        for (rows, expected) in [
            (vec![], vec![]),
            (vec!["aa"], vec!["aa"]),
            (vec!["aa", "b", "cc"], vec!["aa"]),
            (vec!["a", "bb", "ccc", "ddd"], vec!["a", "ccc"]),
        ] {
            let samples = samples(&rows, None);
            let found: Vec<_> = samples.iter().map(|s| s.messages.as_str()).collect();
            assert_eq!(found, expected);
            assert_eq!(samples.empty_values().count(), 0);
        }
    }

    #[test]
    fn eight_more_rows_are_drawn_from_the_whole_list() {
        let rows = |number: usize| samples(&vec!["a"; number], None);
        for (number, expected) in [(0, 0), (1, 1), (8, 8), (9, 9), (5_000, 9)] {
            let samples = rows(number);
            let found: Vec<u64> = samples.with_drawn().map(|s| s.place.row).collect();
            assert!(found.len() >= expected.min(8), "{number}: {found:?}");
            assert!(found.len() <= expected, "{number}: {found:?}");
        }
        let drawn: Vec<u64> = rows(5_000).drawn.iter().map(|(_, s)| s.place.row).collect();
        for third in 0..3 {
            let found = drawn.iter().any(|row| (row - 1) * 3 / 5_000 == third);
            assert!(found, "{drawn:?}");
        }
        assert_eq!(rows(5_000), rows(5_000));
    }

    #[test]
    fn empty_values_are_counted_and_the_first_row_with_one_is_kept() {
        let samples = samples(&["a", "", "bb", " "], Some(3));
        let found: Vec<_> = samples.iter().map(|s| (s.place.row, &s.reason)).collect();
        let empty = SampleReason::Empty("name".into());
        let expected = [
            (3, &SampleReason::Asked),
            (1, &SampleReason::First),
            (2, &empty),
        ];
        assert_eq!(found, expected);
        let empty: Vec<_> = samples.empty_values().map(|column| column.rows).collect();
        assert_eq!(empty, [2]);
        assert_eq!(samples.asked().unwrap().messages, "bb");
    }
}

//! Every row of a list is checked before anything is sent.

use std::io;

use fanline_core::list::{Parsed, Place, RowError};
use fanline_core::recipient::Recipient;

use crate::check::duplicates::{Duplicates, MAX_ROWS_IN_MEMORY};
use crate::check::row_rules::RowRules;
use crate::check::samples::Samples;
use crate::list::checked_rows::CheckedRows;
use crate::list::row_set::RowSet;

/// No row of a LINE recipient is shorter.
const MIN_ROW_BYTES: u64 = 32;

/// Checks rows one by one, and remembers which of them are not sent, with two bits for each row.
pub(crate) struct Checker<'a> {
    rules: RowRules<'a>,
    window_bytes: u64,
    window_start: u64,
    window_ends: Vec<u64>,
    recipients: Duplicates,
    rejected: RowSet,
    json: String,
    /// Only where somebody wants to look at rows.
    samples: Option<Samples>,
    rows: u64,
    /// How many of them are in `rejected`.
    bad: u64,
    /// Both counts when [`Checker::newly_checked`] was called last.
    reported: (u64, u64),
}

/// A row that can't be sent.
#[derive(Debug)]
pub(crate) struct Rejected {
    pub(crate) place: Place,
    pub(crate) error: RowError,
    /// The recipient, where the row has a valid one.
    pub(crate) recipient: Option<Recipient>,
}

impl<'a> Checker<'a> {
    /// A checker for a list of about `bytes`, in windows of `window_bytes`.
    pub(crate) fn new(rules: RowRules<'a>, window_bytes: u64, bytes: u64) -> Self {
        Self {
            rules,
            window_bytes,
            window_start: 0,
            window_ends: Vec::new(),
            recipients: Duplicates::new(bytes / MIN_ROW_BYTES, MAX_ROWS_IN_MEMORY),
            rejected: RowSet::default(),
            json: String::new(),
            samples: None,
            rows: 0,
            bad: 0,
            reported: (0, 0),
        }
    }

    /// Keeps some of the rows that can be sent, to show them.
    pub(crate) fn keep_samples(&mut self, samples: Samples) {
        self.samples = Some(samples);
    }

    /// Checks the next row. Returns it where it can't be sent.
    pub(crate) fn row(&mut self, parsed: Parsed<'_>) -> io::Result<Option<Rejected>> {
        let place = parsed.place;
        let number = self.rows;
        self.begin_row(number, place.byte);
        self.rows += 1;
        let mut recipient = None;
        let fingerprint = parsed.row.and_then(|row| {
            let recipient = recipient.insert(self.rules.recipient(&row)?);
            self.rules.messages(&row, recipient, &mut self.json)?;
            if let Some(samples) = &mut self.samples {
                samples.see(place, &row, recipient, &self.json);
            }
            Ok(recipient.fingerprint())
        });
        match fingerprint {
            Ok(fingerprint) => {
                self.recipients.add(fingerprint, number)?;
                Ok(None)
            }
            Err(error) => {
                self.rejected.insert(number);
                self.bad += 1;
                Ok(Some(Rejected {
                    place,
                    error,
                    recipient,
                }))
            }
        }
    }

    /// Ends the window before this row where that is full.
    fn begin_row(&mut self, number: u64, byte: u64) {
        if number == 0 {
            self.window_start = byte;
        } else if byte - self.window_start >= self.window_bytes {
            self.window_ends.push(number);
            self.window_start = byte;
        }
    }

    /// The rows that were kept, if any were asked for.
    pub(crate) fn take_samples(&mut self) -> Samples {
        self.samples.take().unwrap_or_default()
    }

    /// The campaign's rules for a row.
    pub(crate) fn rules(&self) -> &RowRules<'a> {
        &self.rules
    }

    /// The rows that have come since this was called last, and how many of them were rejected.
    pub(crate) fn newly_checked(&mut self) -> (u64, u64) {
        let newly = (self.rows - self.reported.0, self.bad - self.reported.1);
        self.reported = (self.rows, self.bad);
        newly
    }

    /// Which rows are sent, once all have been checked.
    pub(crate) fn finish(self) -> io::Result<CheckedRows> {
        let duplicates = self.recipients.find()?;
        Ok(CheckedRows::new(
            self.rows,
            self.window_ends,
            self.rejected,
            duplicates,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::list::checked_rows::Checked;
    use crate::list::checked_rows::RowFate::{self, Duplicate, Rejected, Sent};
    use fanline_core::campaign::Campaign;
    use fanline_core::list::{Format, ListReader};
    use proptest::prelude::*;
    use serde_json::json;

    fn campaign() -> Campaign {
        Campaign::from_value(json!({
            "campaign": "c", "channel": "line", "recipients": [],
            "messages": [{"type": "text", "text": "hi"}],
        }))
        .unwrap()
    }

    /// Checks a list whose rows name these people (`None`: nobody).
    fn check_people(people: &[Option<u8>], window_bytes: u64) -> CheckedRows {
        let campaign = campaign();
        let rules = RowRules::new(
            &campaign,
            &campaign.envelope("2026-12-25T00:00:00Z".parse().unwrap()),
        );
        let mut checker = Checker::new(rules, window_bytes, 1000);
        let rows: Vec<String> = people
            .iter()
            .map(|who| who.map_or("nobody\n".into(), |n| format!("U{n:032x}\n")))
            .collect();
        let list = format!("to\n{}", rows.concat());
        let mut reader = ListReader::new(Format::Csv);
        let mut input = list.as_bytes();
        let mut rejected = 0;
        while let Some(parsed) = reader.next(&mut input, true).unwrap() {
            rejected += u64::from(checker.row(parsed).unwrap().is_some());
        }
        let found = checker.finish().unwrap();
        assert_eq!(found.counts().rejected, rejected);
        found
    }

    fn fates(rows: &CheckedRows) -> Vec<RowFate> {
        (0..rows.rows()).map(|row| rows.fate(row)).collect()
    }

    #[test]
    fn the_first_row_of_a_person_is_sent_and_no_other() {
        let found = check_people(&[Some(1), None, Some(2), Some(1), Some(1)], 1000);
        assert_eq!(fates(&found), [Sent, Rejected, Sent, Duplicate, Duplicate]);
        let expected = Checked {
            rows: 5,
            rejected: 1,
            duplicates: 2,
        };
        assert_eq!(found.counts(), expected);
    }

    #[test]
    fn a_window_ends_where_it_has_its_bytes() {
        // Each row has 34 bytes.
        let found = check_people(&[Some(1); 10], 100);
        let ends: Vec<u64> = (0..10).filter(|row| found.ends_window(*row)).collect();
        assert_eq!(ends, [2, 5, 8, 9]);
    }

    proptest! {
        #[test]
        fn duplicates_are_exact_over_all_windows(
            people in prop::collection::vec(prop::option::weighted(0.9, 0u8..20), 1..300),
            rows in 1u64..100
        ) {
            let found = check_people(&people, rows * 34);
            let mut seen = std::collections::HashSet::new();
            let expected: Vec<RowFate> = people
                .iter()
                .map(|who| match who {
                    None => Rejected,
                    Some(who) if seen.insert(who) => Sent,
                    Some(_) => Duplicate,
                })
                .collect();
            prop_assert_eq!(fates(&found), expected);
        }
    }
}

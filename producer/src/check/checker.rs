//! Every row of a slice is checked before anything is sent.

use fanline_core::list::{Parsed, Place, RowError};
use fanline_core::recipient::Recipient;

use crate::check::row_rules::RowRules;
use crate::check::samples::Samples;
use crate::check::window::{OpenWindow, Window};

/// Checks rows one by one, and remembers which of them are not sent, with one bit for each row.
///
/// Duplicates are found exactly within one window of the list. A window is a number of bytes, or a
/// number of rows where the rows are very short. A slice is one window. A list that is not cut is
/// as many windows as it takes.
pub(crate) struct Checker<'a> {
    rules: RowRules<'a>,
    open: OpenWindow,
    closed: Vec<Window>,
    json: String,
    /// Only where somebody wants to look at rows.
    samples: Option<Samples>,
    checked: Checked,
    /// What [`Checker::newly_checked`] has returned so far.
    reported: Checked,
}

/// What a check found. Each row is counted once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checked {
    /// All rows.
    pub rows: u64,
    /// Rows that can't be sent.
    pub rejected: u64,
    /// Rows whose recipient has an earlier row.
    pub duplicates: u64,
}

impl Checked {
    /// How many people the campaign can be sent to.
    pub fn recipients(&self) -> u64 {
        self.rows - self.rejected - self.duplicates
    }
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
    /// A checker for a slice of `slice_bytes`, in windows of `window_bytes`.
    pub(crate) fn new(rules: RowRules<'a>, window_bytes: u64, slice_bytes: u64) -> Self {
        Self {
            rules,
            open: OpenWindow::new(window_bytes, slice_bytes),
            closed: Vec::new(),
            json: String::new(),
            samples: None,
            checked: Checked::default(),
            reported: Checked::default(),
        }
    }

    /// Keeps some of the rows that can be sent, to show them.
    pub(crate) fn keep_samples(&mut self) {
        self.samples = Some(Samples::default());
    }

    /// Checks the next row. Returns it where it can't be sent.
    pub(crate) fn row(&mut self, parsed: Parsed<'_>) -> Option<Rejected> {
        let place = parsed.place;
        if self.open.is_full(place.byte) {
            self.close_window();
        }
        let number = self.open.add_row(place.byte);
        self.checked.rows += 1;
        let mut recipient = None;
        let fingerprint = parsed.row.and_then(|row| {
            let recipient = recipient.insert(self.rules.recipient(&row)?);
            self.rules.messages(&row, recipient, &mut self.json)?;
            if let Some(samples) = &mut self.samples {
                samples.see(place, recipient, &self.json);
            }
            Ok(recipient.fingerprint())
        });
        match fingerprint {
            Ok(fingerprint) => {
                self.open.name_recipient(number, fingerprint);
                None
            }
            Err(error) => {
                self.open.reject(number);
                self.checked.rejected += 1;
                Some(Rejected {
                    place,
                    error,
                    recipient,
                })
            }
        }
    }

    /// Ends the last window. A row after that would begin another one.
    pub(crate) fn end(&mut self) {
        if !self.open.is_empty() {
            self.close_window();
        }
    }

    fn close_window(&mut self) {
        let (window, duplicates) = self.open.close();
        self.closed.push(window);
        self.checked.duplicates += duplicates;
    }

    /// The rows that were kept, if any were asked for.
    pub(crate) fn take_samples(&mut self) -> Samples {
        self.samples.take().unwrap_or_default()
    }

    /// The campaign's rules for a row.
    pub(crate) fn rules(&self) -> &RowRules<'a> {
        &self.rules
    }

    /// What was found since this was called last. Duplicates are found when their window ends.
    pub(crate) fn newly_checked(&mut self) -> Checked {
        let reported = std::mem::replace(&mut self.reported, self.checked);
        Checked {
            rows: self.checked.rows - reported.rows,
            rejected: self.checked.rejected - reported.rejected,
            duplicates: self.checked.duplicates - reported.duplicates,
        }
    }

    /// What was found, and which rows of each window are sent.
    pub(crate) fn finish(mut self) -> (Checked, Vec<Window>) {
        self.end();
        (self.checked, self.closed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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

    /// Checks a list whose rows name these people (`None`: nobody). Returns how many rows each
    /// window has, and of each row whether it is sent.
    fn check_people(people: &[Option<u8>], window_bytes: u64) -> (Checked, Vec<usize>, Vec<bool>) {
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
            rejected += u64::from(checker.row(parsed).is_some());
        }
        let (found, windows) = checker.finish();
        assert_eq!(found.rejected, rejected);
        let rows = windows.iter().map(|window| window.rows() as usize);
        let sends = windows
            .iter()
            .flat_map(|window| (0..window.rows()).map(|row| window.sends(row)));
        (found, rows.collect(), sends.collect())
    }

    #[test]
    fn the_first_row_of_a_person_is_sent_and_no_other() {
        let (checked, _, sends) = check_people(&[Some(1), None, Some(2), Some(1), Some(1)], 1000);
        assert_eq!(sends, [true, false, true, false, false]);
        let expected = Checked {
            rows: 5,
            rejected: 1,
            duplicates: 2,
        };
        assert_eq!((checked, checked.recipients()), (expected, 2));
    }

    proptest! {
        #[test]
        fn duplicates_are_exact_within_each_window(
            people in prop::collection::vec(prop::option::weighted(0.9, 0u8..20), 1..300),
            rows in 1usize..100
        ) {
            // Each row is 34 bytes long, or 7 where it names nobody.
            let (checked, windows, sends) = check_people(&people, rows as u64 * 34);
            prop_assert_eq!(sends.len(), people.len());
            let mut start = 0;
            let mut duplicates = 0;
            for rows in windows {
                let end = start + rows;
                let mut seen = std::collections::HashSet::new();
                for row in start..end {
                    let is_first = people[row].is_some_and(|who| seen.insert(who));
                    duplicates += u64::from(people[row].is_some() && !is_first);
                    prop_assert_eq!(sends[row], is_first);
                }
                start = end;
            }
            prop_assert_eq!(start, people.len());
            prop_assert_eq!(checked.duplicates, duplicates);
        }
    }
}

//! The first reading: every row is checked before anything is sent.

use fanline_core::list::{Parsed, Place, RowError};
use fanline_core::recipient::Recipient;

use crate::check::row_rules::Rules;

/// Checks rows one by one and remembers, a bit for each, which are not to be sent.
///
/// Duplicates are found exactly within a window of the list: so many bytes, or so many rows where rows are very short. A slice
/// is one window; a list that can't be cut, or is worked on by one invocation, is as many as it takes. What is held for
/// a window is 21 bytes a row, given back between windows.
pub(crate) struct Checker<'a> {
    rules: Rules<'a>,
    window_bytes: u64,
    /// The window being read: its first byte, its rows so far, and those that can't be sent.
    begins: u64,
    rows: u32,
    bad: Vec<u32>,
    keys: Vec<Key>,
    json: String,
    checked: Checked,
    /// What [`Checker::fresh`] last said.
    told: (u64, u64, u64),
}

/// A recipient's fingerprint, and the row's number within the window, high byte first: sorted, equal recipients lie together
/// and the first row of each leads.
type Key = [u8; 21];

/// No recipient's row is shorter than 32 bytes, but for tokens that no server hands out.
const SHORTEST_ROW: u64 = 32;

/// How many rows are made room for in advance: those of 64 MiB. A longer window takes more room as it comes.
const MAX_RESERVED_ROWS: u64 = 64 * 1024 * 1024 / SHORTEST_ROW;

/// What the first reading found.
#[derive(Debug, Default)]
pub struct Checked {
    /// All rows.
    pub rows: u64,
    /// Those that can't be sent.
    pub rejected: u64,
    /// Those whose recipient an earlier row names.
    pub duplicates: u64,
    pub(crate) windows: Vec<Window>,
}

impl Checked {
    /// How many people there are to be sent to.
    pub fn recipients(&self) -> u64 {
        self.rows - self.rejected - self.duplicates
    }
}

/// The rows of one window, and which of them are not to be sent.
#[derive(Debug, Default)]
pub(crate) struct Window {
    pub(crate) rows: u32,
    /// A bit a row; empty where every row is sent.
    unsent: Vec<u64>,
}

impl Window {
    /// Whether the row with this number, from 0, is sent.
    pub(crate) fn sends(&self, row: u32) -> bool {
        self.unsent
            .get(row as usize / 64)
            .is_none_or(|bits| bits >> (row % 64) & 1 == 0)
    }

    fn mark(&mut self, row: u32) {
        if self.unsent.is_empty() {
            self.unsent.resize(self.rows as usize / 64 + 1, 0);
        }
        if let Some(bits) = self.unsent.get_mut(row as usize / 64) {
            *bits |= 1 << (row % 64);
        }
    }
}

/// A row that can't be sent.
#[derive(Debug)]
pub(crate) struct Rejected {
    pub(crate) place: Place,
    pub(crate) error: RowError,
    /// Whom it names, where it does and where that may be written down.
    pub(crate) recipient: Option<Recipient>,
}

impl<'a> Checker<'a> {
    /// A checker for a list or slice of `bytes`, with windows of `window_bytes`.
    pub(crate) fn new(rules: Rules<'a>, window_bytes: u64, bytes: u64) -> Self {
        let rows = (window_bytes.min(bytes) / SHORTEST_ROW).min(MAX_RESERVED_ROWS);
        Self {
            rules,
            window_bytes,
            begins: 0,
            rows: 0,
            bad: Vec::new(),
            // Growing by doubling would take up to twice as much; what is never touched costs nothing.
            keys: Vec::with_capacity(usize::try_from(rows).unwrap_or(0)),
            json: String::new(),
            checked: Checked::default(),
            told: (0, 0, 0),
        }
    }

    /// Checks the next row.
    pub(crate) fn row(&mut self, parsed: Parsed<'_>) -> Option<Rejected> {
        let place = parsed.place;
        if self.rows > 0 && self.is_full(place.byte) {
            self.end_window();
        }
        if self.rows == 0 {
            self.begins = place.byte;
        }
        let number = self.rows;
        self.rows += 1;
        self.checked.rows += 1;
        let mut named = None;
        let sendable = parsed.row.and_then(|row| {
            let recipient = self.rules.recipient(&row)?;
            let rendered = self.rules.messages(&row, &recipient, &mut self.json);
            let recipient = named.insert(recipient);
            rendered.map(|_| recipient.fingerprint())
        });
        match sendable {
            Ok(fingerprint) => {
                let mut key = [0; 21];
                let (who, row) = key.split_at_mut(17);
                who.copy_from_slice(&fingerprint);
                row.copy_from_slice(&number.to_be_bytes());
                self.keys.push(key);
                None
            }
            Err(error) => {
                self.bad.push(number);
                self.checked.rejected += 1;
                Some(Rejected {
                    place,
                    error,
                    recipient: named.filter(|_| self.rules.may_be_named()),
                })
            }
        }
    }

    fn is_full(&self, byte: u64) -> bool {
        byte - self.begins >= self.window_bytes
            || u64::from(self.rows) * SHORTEST_ROW >= self.window_bytes
    }

    fn end_window(&mut self) {
        let mut window = Window {
            rows: std::mem::take(&mut self.rows),
            unsent: Vec::new(),
        };
        for row in self.bad.drain(..) {
            window.mark(row);
        }
        self.keys.sort_unstable();
        for pair in self.keys.windows(2) {
            let [(one, _), (other, row)] = [split(pair.first()), split(pair.last())];
            if one == other {
                window.mark(row);
                self.checked.duplicates += 1;
            }
        }
        self.keys.clear();
        self.checked.windows.push(window);
    }

    /// The campaign's rules for a row.
    pub(crate) fn rules(&self) -> &Rules<'a> {
        &self.rules
    }

    /// How many rows, rejected rows and duplicates have been found since this was asked before.
    pub(crate) fn fresh(&mut self) -> (u64, u64, u64) {
        let now = (
            self.checked.rows,
            self.checked.rejected,
            self.checked.duplicates,
        );
        let (rows, rejected, duplicates) = std::mem::replace(&mut self.told, now);
        (now.0 - rows, now.1 - rejected, now.2 - duplicates)
    }

    /// What was found, after the last row.
    pub(crate) fn finish(mut self) -> Checked {
        self.end();
        self.checked
    }

    /// Ends the last window. Further rows would begin another.
    pub(crate) fn end(&mut self) {
        if self.rows > 0 {
            self.end_window();
        }
    }
}

fn split(key: Option<&Key>) -> (&[u8], u32) {
    let Some((who, row)) = key.and_then(|key| key.split_last_chunk::<4>()) else {
        return (&[], 0);
    };
    (who, u32::from_be_bytes(*row))
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

    /// Checks a list whose rows name these people (`None`: nobody); says of each row whether it is sent.
    fn check(people: &[Option<u8>], window_bytes: u64) -> (Checked, Vec<bool>) {
        let campaign = campaign();
        let rules = Rules::new(
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
        let found = checker.finish();
        assert_eq!(found.rejected, rejected);
        let sends = found
            .windows
            .iter()
            .flat_map(|window| (0..window.rows).map(|row| window.sends(row)));
        let sends = sends.collect();
        (found, sends)
    }

    #[test]
    fn the_first_row_of_a_person_is_sent_and_no_other() {
        let (checked, sends) = check(&[Some(1), None, Some(2), Some(1), Some(1)], 1000);
        assert_eq!(sends, [true, false, true, false, false]);
        assert_eq!(
            (
                checked.rows,
                checked.rejected,
                checked.duplicates,
                checked.recipients()
            ),
            (5, 1, 2, 2)
        );
    }

    #[test]
    fn a_window_without_bad_rows_costs_nothing() {
        let (checked, _) = check(&[Some(1), Some(2)], 1000);
        assert!(checked.windows[0].unsent.is_empty());
    }

    proptest! {
        #[test]
        fn duplicates_are_exact_within_each_window(
            people in prop::collection::vec(prop::option::weighted(0.9, 0u8..20), 1..300), rows in 1usize..100
        ) {
            // Each row is 34 bytes long, or 7 where it names nobody.
            let (checked, sends) = check(&people, rows as u64 * 34);
            prop_assert_eq!(sends.len(), people.len());
            let mut start = 0;
            let mut duplicates = 0;
            for window in &checked.windows {
                let end = start + window.rows as usize;
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

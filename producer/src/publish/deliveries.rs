//! The second reading: rows with equal messages become deliveries.

use std::collections::VecDeque;

use fanline_core::envelope::Encoder;
use fanline_core::list::{Parsed, RowError};

use crate::check::checker::Window;
use crate::check::row_rules::Rules;
use crate::publish::group::{Group, Groups};
use crate::publish::pack::{Entry, RowNumber};

/// The deliveries of a slice in their order.
///
/// The order and every byte depend on the campaign, the slice and its rows alone: whatever is repeated or taken up half-way
/// yields the same deliveries, and so the same retry keys.
pub(crate) struct Deliveries<'a> {
    rules: Rules<'a>,
    encoder: Encoder,
    windows: VecDeque<Window>,
    /// The row's number within the first of `windows`.
    row: u32,
    groups: Groups,
    /// What has been made and not yet taken.
    ready: VecDeque<Group>,
    json: String,
    /// The deliveries that an earlier invocation published: how many are still to be left out, and their recipients.
    skip: u64,
    skipped: u64,
}

impl<'a> Deliveries<'a> {
    /// The deliveries of rows that were checked in `windows`, without the first `skip`.
    pub(crate) fn new(rules: Rules<'a>, encoder: Encoder, windows: Vec<Window>, skip: u64) -> Self {
        Self {
            rules,
            encoder,
            windows: windows.into(),
            row: 0,
            groups: Groups::default(),
            ready: VecDeque::new(),
            json: String::new(),
            skip,
            skipped: 0,
        }
    }

    /// Takes the next row. An error, or a row too many, means that it is not the row that was checked.
    pub(crate) fn row(&mut self, parsed: Parsed<'_>) -> Result<(), Changed> {
        let window = self.windows.front().ok_or(Changed)?;
        if window.sends(self.row) {
            let row = parsed.row.map_err(Changed::from)?;
            let recipient = self.rules.recipient(&row)?;
            let most = self.rules.messages(&row, &recipient, &mut self.json)?;
            let number = RowNumber {
                row: parsed.place.row,
                line: parsed.place.line,
            };
            let out = self.groups.add(&self.json, most, recipient, number);
            self.keep(out);
        }
        self.row += 1;
        if self.row >= self.windows.front().map_or(0, |window| window.rows) {
            self.row = 0;
            self.windows.pop_front();
            self.flush();
        }
        Ok(())
    }

    /// What is left after the last row. Windows that are left too mean that the list has become shorter.
    pub(crate) fn finish(&mut self) -> Result<(), Changed> {
        self.flush();
        if self.windows.is_empty() {
            Ok(())
        } else {
            Err(Changed)
        }
    }

    fn flush(&mut self) {
        while let Some(group) = self.groups.take_oldest() {
            self.keep(Some(group));
        }
    }

    fn keep(&mut self, group: Option<Group>) {
        let Some(group) = group else { return };
        if self.skip > 0 {
            self.skip -= 1;
            self.skipped += group.recipients.len() as u64;
        } else {
            self.ready.push_back(group);
        }
    }

    /// The next delivery that is ready.
    pub(crate) fn pop(&mut self) -> Option<Entry> {
        let group = self.ready.pop_front()?;
        let bytes = self
            .encoder
            .encoded_len(&group.recipients, group.messages.len());
        Some(Entry::Delivery { group, bytes })
    }

    /// The first row that waits here for its delivery to go out.
    pub(crate) fn first_row(&self) -> Option<RowNumber> {
        let ready = self
            .ready
            .iter()
            .filter_map(|group| group.rows.first())
            .min_by_key(|row| row.row)
            .copied();
        ready
            .into_iter()
            .chain(self.groups.first_row())
            .min_by_key(|row| row.row)
    }

    /// The campaign's rules for a row.
    pub(crate) fn rules(&self) -> &Rules<'a> {
        &self.rules
    }

    /// The recipients of the deliveries that were left out, and how many deliveries there were too few of.
    pub(crate) fn skipped(&self) -> (u64, u64) {
        (self.skipped, self.skip)
    }
}

/// The list is not the one that was checked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Changed;

impl From<RowError> for Changed {
    fn from(_: RowError) -> Self {
        Self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::checker::Checker;
    use fanline_core::campaign::Campaign;
    use fanline_core::list::{Format, ListReader};
    use proptest::prelude::*;
    use serde_json::json;

    fn campaign() -> Campaign {
        Campaign::from_value(json!({
            "campaign": "c", "channel": "line", "recipients": [],
            "messages": [{"type": "text", "text": "Hi {{ name }}"}],
        }))
        .unwrap()
    }

    fn list(rows: &[(u8, u8)]) -> String {
        let rows: Vec<String> = rows
            .iter()
            .map(|(who, text)| format!("U{who:032x},{text}\n"))
            .collect();
        format!("to,name\n{}", rows.concat())
    }

    /// The deliveries of a list without the first `skip`, checked against `checked_list`; how many recipients were left out.
    fn deliveries(checked_list: &str, list: &str, skip: u64) -> Result<(Vec<Entry>, u64), Changed> {
        let campaign = campaign();
        let envelope = campaign.envelope("2026-12-25T00:00:00Z".parse().unwrap());
        let mut checker = Checker::new(Rules::new(&campaign, &envelope), 700, 1000);
        let mut reader = ListReader::new(Format::Csv);
        let mut input = checked_list.as_bytes();
        while let Some(parsed) = reader.next(&mut input, true).unwrap() {
            assert!(checker.row(parsed).is_none());
        }
        let windows = checker.finish().windows;
        let mut deliveries = Deliveries::new(
            Rules::new(&campaign, &envelope),
            envelope.encoder(),
            windows,
            skip,
        );
        let mut reader = ListReader::new(Format::Csv);
        let mut input = list.as_bytes();
        let mut entries = Vec::new();
        while let Some(parsed) = reader.next(&mut input, true).unwrap() {
            deliveries.row(parsed)?;
            entries.extend(std::iter::from_fn(|| deliveries.pop()));
        }
        deliveries.finish()?;
        entries.extend(std::iter::from_fn(|| deliveries.pop()));
        Ok((entries, deliveries.skipped().0))
    }

    #[test]
    fn a_list_that_is_not_the_checked_one_is_noticed() {
        let two = list(&[(1, 1), (2, 1)]);
        for other in [
            list(&[(1, 1)]),
            list(&[(1, 1), (2, 1), (3, 1)]),
            two.replace("U0", "X0"),
        ] {
            assert_eq!(deliveries(&two, &other, 0).unwrap_err(), Changed);
        }
        assert!(deliveries(&two, &two, 0).is_ok());
    }

    proptest! {
        #[test]
        fn what_is_left_out_is_the_beginning_of_the_same_sequence(
            rows in prop::collection::vec((any::<u8>(), 0u8..4), 0..200), skip in 0usize..60
        ) {
            let list = list(&rows);
            let (all, none) = deliveries(&list, &list, 0).unwrap();
            prop_assert_eq!(none, 0);
            let (rest, skipped) = deliveries(&list, &list, skip as u64).unwrap();
            let (before, after) = all.split_at(skip.min(all.len()));
            prop_assert_eq!(&rest[..], after);
            prop_assert_eq!(skipped, before.iter().map(|entry| entry.rows().len() as u64).sum::<u64>());
        }
    }
}

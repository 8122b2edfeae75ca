//! Rows with equal messages become deliveries.

use std::collections::VecDeque;

use fanline_core::list::{Parsed, RowError};
use fanline_ledger::ByEndpoint;

use crate::check::row_rules::RowRules;
use crate::list::checked_rows::{CheckedRows, RowFate};
use crate::list::rows::RowNumber;
use crate::publish::canary::PartRule;
use crate::publish::encoder::DeliveryEncoder;
use crate::publish::group::{Group, OpenGroups};
use crate::publish::left_out::LeftOut;
use crate::publish::pack::Entry;
use crate::publish::roll::SliceRoll;
use crate::summary::LeftOutPeople;

/// The deliveries of a slice, in order.
///
/// Their order and every byte of them depend on the campaign, the slice and its rows only. So a
/// slice that is repeated, or continued from the middle, has the same deliveries and the same retry
/// keys.
pub(crate) struct Deliveries<'a> {
    rules: RowRules<'a>,
    encoder: DeliveryEncoder,
    checked: CheckedRows,
    /// Only where a canary goes first.
    part: Option<PartRule>,
    /// The number of the next row.
    row: u64,
    groups: OpenGroups,
    /// Deliveries that are ready to be taken, each with its number.
    ready: VecDeque<(u32, Group)>,
    json: String,
    /// Only where the run is recorded.
    roll: Option<SliceRoll>,
    /// How many deliveries have been made, those that are left out too.
    made: u32,
    /// The same by endpoint.
    made_by_endpoint: ByEndpoint<u64>,
    left_out: LeftOut,
}

impl<'a> Deliveries<'a> {
    /// The deliveries of rows that have been checked, without those that are left out.
    pub(crate) fn new(
        rules: RowRules<'a>,
        encoder: DeliveryEncoder,
        checked: CheckedRows,
        left_out: LeftOut,
    ) -> Self {
        Self {
            rules,
            encoder,
            checked,
            part: None,
            row: 0,
            groups: OpenGroups::default(),
            ready: VecDeque::new(),
            json: String::new(),
            roll: None,
            made: 0,
            made_by_endpoint: ByEndpoint::default(),
            left_out,
        }
    }

    /// Leaves out whom the other slice of a canary has.
    pub(crate) fn with_part(mut self, part: Option<PartRule>) -> Self {
        self.part = part;
        self
    }

    /// Also writes the roll of the slice.
    pub(crate) fn with_roll(mut self, roll: Option<SliceRoll>) -> Self {
        self.roll = roll;
        self
    }

    /// Takes the next row. An error means that this is not the row that was checked.
    pub(crate) fn row(&mut self, parsed: Parsed<'_>) -> Result<(), ListChanged> {
        if self.row >= self.checked.rows() {
            return Err(ListChanged);
        }
        match self.checked.fate(self.row) {
            RowFate::Sent => self.send(parsed)?,
            fate => self.leave_out(fate, parsed)?,
        }
        if self.checked.ends_window(self.row) {
            self.flush();
        }
        self.row += 1;
        Ok(())
    }

    /// Notes a row that is not sent. A canary's sample has none of these rows.
    fn leave_out(&mut self, fate: RowFate, parsed: Parsed<'_>) -> Result<(), ListChanged> {
        let Some(roll) = &mut self.roll else {
            return Ok(());
        };
        if self.part.as_ref().is_some_and(PartRule::is_sample) {
            roll.elsewhere();
        } else if fate == RowFate::Duplicate {
            let row = parsed.row.map_err(ListChanged::from)?;
            roll.duplicate(&self.rules.recipient(&row)?);
        } else {
            roll.rejected();
        }
        Ok(())
    }

    /// Puts a row into a delivery, unless the other slice of a canary has its recipient.
    fn send(&mut self, parsed: Parsed<'_>) -> Result<(), ListChanged> {
        let row = parsed.row.map_err(ListChanged::from)?;
        let recipient = self.rules.recipient(&row)?;
        let is_elsewhere = |part: &mut PartRule| !part.has(&recipient);
        if self.part.as_mut().is_some_and(is_elsewhere) {
            if let Some(roll) = &mut self.roll {
                roll.elsewhere();
            }
            return Ok(());
        }
        let max_recipients = self.rules.messages(&row, &recipient, &mut self.json)?;
        if let Some(roll) = &mut self.roll {
            roll.sent(&recipient);
        }
        let number = RowNumber::from(parsed.place);
        let out = self
            .groups
            .add(&self.json, max_recipients, recipient, number);
        self.keep(out);
        Ok(())
    }

    /// Says that there are no more rows. It is an error where there were more when they were
    /// checked.
    pub(crate) fn finish(&mut self) -> Result<(), ListChanged> {
        self.flush();
        if self.row == self.checked.rows() {
            Ok(())
        } else {
            Err(ListChanged)
        }
    }

    fn flush(&mut self) {
        while let Some(group) = self.groups.take_oldest() {
            self.keep(Some(group));
        }
    }

    fn keep(&mut self, group: Option<Group>) {
        let Some(group) = group else { return };
        let number = self.made;
        self.made += 1;
        match group.recipients.len() {
            1 => self.made_by_endpoint.push += 1,
            _ => self.made_by_endpoint.multicast += 1,
        }
        if let Some(roll) = &mut self.roll {
            roll.delivery(number, &group);
        }
        if !self.left_out.takes(number, group.recipients.len()) {
            self.ready.push_back((number, group));
        }
    }

    /// The next delivery that is ready.
    pub(crate) fn pop(&mut self) -> Option<Entry> {
        let (number, group) = self.ready.pop_front()?;
        let messages = group.messages.len();
        let bytes = self
            .encoder
            .encoded_len(&group.recipients, messages, number);
        Some(Entry::Delivery {
            number,
            group,
            bytes,
        })
    }

    /// The first row whose delivery has not been taken yet.
    pub(crate) fn first_row(&self) -> Option<RowNumber> {
        let ready = self
            .ready
            .iter()
            .filter_map(|(_, group)| group.rows.first())
            .min_by_key(|row| row.row)
            .copied();
        ready
            .into_iter()
            .chain(self.groups.first_row())
            .min_by_key(|row| row.row)
    }

    /// The number of the first delivery that has not been taken yet.
    pub(crate) fn first_number(&self) -> u32 {
        self.ready.front().map_or(self.made, |(number, _)| *number)
    }

    /// The campaign's rules for a row.
    pub(crate) fn rules(&self) -> &RowRules<'a> {
        &self.rules
    }

    /// All deliveries by endpoint, and the roll, once all rows have been taken.
    pub(crate) fn take_roll(&mut self) -> (ByEndpoint<u64>, Option<SliceRoll>) {
        (self.made_by_endpoint, self.roll.take())
    }

    /// Who is left out because they have an outcome.
    pub(crate) fn left_out(&self) -> LeftOutPeople {
        self.left_out.people()
    }

    /// How many recipients the deliveries have that an earlier invocation has published, and how
    /// many more deliveries it has published than there are.
    pub(crate) fn skipped(&self) -> (u64, u64) {
        self.left_out.skipped(self.made)
    }
}

/// The list is not the list that was checked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ListChanged;

impl From<RowError> for ListChanged {
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

    /// The deliveries of a list without the first `skip`, after a check of `checked_list`. Returns
    /// how many recipients were left out too.
    fn deliveries(
        checked_list: &str,
        list: &str,
        skip: u64,
    ) -> Result<(Vec<Entry>, u64), ListChanged> {
        let campaign = campaign();
        let envelope = campaign.envelope("2026-12-25T00:00:00Z".parse().unwrap());
        let mut checker = Checker::new(RowRules::new(&campaign, &envelope), 700, 1000);
        let mut reader = ListReader::new(Format::Csv);
        let mut input = checked_list.as_bytes();
        while let Some(parsed) = reader.next(&mut input, true).unwrap() {
            assert!(checker.row(parsed).unwrap().is_none());
        }
        let rows = checker.finish().unwrap();
        let mut deliveries = Deliveries::new(
            RowRules::new(&campaign, &envelope),
            DeliveryEncoder::plain(envelope.encoder("1"), "1"),
            rows,
            LeftOut::new(skip, None),
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
            assert_eq!(deliveries(&two, &other, 0).unwrap_err(), ListChanged);
        }
        assert!(deliveries(&two, &two, 0).is_ok());
    }

    proptest! {
        #[test]
        fn what_is_left_out_is_the_beginning_of_the_same_sequence(
            rows in prop::collection::vec((any::<u8>(), 0u8..4), 0..200),
            skip in 0usize..60
        ) {
            let list = list(&rows);
            let (all, none) = deliveries(&list, &list, 0).unwrap();
            prop_assert_eq!(none, 0);
            let (rest, skipped) = deliveries(&list, &list, skip as u64).unwrap();
            let (before, after) = all.split_at(skip.min(all.len()));
            prop_assert_eq!(&rest[..], after);
            let recipients: usize = before.iter().map(|entry| entry.rows().len()).sum();
            prop_assert_eq!(skipped, recipients as u64);
        }
    }
}

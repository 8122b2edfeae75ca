//! The second reading: rows with equal messages become deliveries.

use std::collections::VecDeque;

use fanline_core::delivery::Envelope;
use fanline_core::list::{Parsed, RowError};

use crate::check::Window;
use crate::group::{Group, Groups};
use crate::pack::{Entry, RowNumber};
use crate::rules::Rules;

/// The deliveries of a slice in their order.
///
/// The order and every byte depend on the campaign, the slice and its rows alone: whatever is repeated or taken up half-way
/// yields the same deliveries, and so the same retry keys.
pub(crate) struct Deliveries<'a> {
    rules: Rules<'a>,
    envelope: Envelope,
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
    pub(crate) fn new(
        rules: Rules<'a>,
        envelope: Envelope,
        windows: Vec<Window>,
        skip: u64,
    ) -> Self {
        Self {
            rules,
            envelope,
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
        let body = self.envelope.encode(&group.recipients, &group.messages);
        Some(Entry {
            body,
            rows: group.rows,
        })
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

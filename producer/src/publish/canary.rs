//! The canary: a sample of the people gets the messages first, in slices of its own. The bookkeeper
//! orders the slices of all others once the sample has done well.

use fanline_core::campaign::{Campaign, Recipients};
use fanline_core::channel::Channel;
use fanline_core::recipient::Recipient;
use fanline_ledger::{BrakeRule, CanaryRule, Sample, Share};
use serde_json::Value;

use crate::check::row_rules::RowRules;
use crate::error::ProduceError;
use crate::list::checked_rows::{Checked, CheckedRows, RowFate};
use crate::list::rows::{ReadError, Rows};
use crate::list::slice::{CanaryPart, OpenSlice, Slice};
use crate::list::source::SourceError;

/// The canary of a campaign, if it has one. Its brake is checked too.
pub(crate) fn rule(given: &Value, campaign: &Campaign) -> Result<Option<CanaryRule>, ProduceError> {
    BrakeRule::of_campaign(given)?;
    let rule = CanaryRule::of_campaign(given)?;
    match (&rule, campaign.channel, &campaign.recipients) {
        (Some(_), Channel::LineNotify, _) => Err(ProduceError::CanaryOnNotify),
        // The record of a run leaves these rows out, and the others are read by the record.
        (Some(_), _, Recipients::Inline(_)) => Err(ProduceError::CanaryInline),
        _ => Ok(rule),
    }
}

/// Each slice twice: with the sample among its rows, and with all others.
pub(crate) fn both(slices: Vec<Slice>, share: Share) -> Vec<Slice> {
    let parts = CanaryPart::both(share);
    let twice = slices.into_iter().flat_map(|slice| {
        parts.map(|part| Slice {
            canary: Some(part),
            ..slice.clone()
        })
    });
    twice.collect()
}

/// Says of each recipient of a slice's rows whether the slice has them.
pub(crate) struct PartRule {
    sample: Sample,
    is_sample: bool,
    /// The recipient as the list names it.
    name: String,
}

impl PartRule {
    /// The rule of a slice. `None`: it has everybody.
    pub(crate) fn of(slice: &Slice) -> Option<Self> {
        let part = slice.canary?;
        Some(Self {
            sample: Sample::new(&slice.run, part.share()?),
            is_sample: part.is_sample,
            name: String::new(),
        })
    }

    /// Whether the slice has the sample. Rows that can't be sent, and duplicates, belong to the
    /// slice of the others.
    pub(crate) fn is_sample(&self) -> bool {
        self.is_sample
    }

    /// Whether the slice has this person.
    pub(crate) fn has(&mut self, recipient: &Recipient) -> bool {
        self.name.clear();
        recipient.push_to(&mut self.name);
        self.sample.has(&self.name) == self.is_sample
    }
}

/// The counts of a slice's own rows. Where a canary goes first, the slice is read for them.
pub(crate) async fn own_counts(open: &OpenSlice, rows: &CheckedRows) -> Result<Checked, ReadError> {
    let all = rows.counts();
    let Some(mut part) = PartRule::of(&open.slice) else {
        return Ok(all);
    };
    let recipients = count(open, rows, &mut part).await?;
    Ok(if part.is_sample {
        Checked {
            rows: recipients,
            ..Checked::default()
        }
    } else {
        Checked {
            rows: recipients + all.rejected + all.duplicates,
            ..all
        }
    })
}

/// How many recipients of a slice's rows are in its part.
async fn count(
    open: &OpenSlice,
    checked: &CheckedRows,
    part: &mut PartRule,
) -> Result<u64, ReadError> {
    let changed = || SourceError::Changed(open.source.name.clone());
    let rules = RowRules::of(open);
    let mut rows = Rows::new(open);
    let (mut row, mut recipients) = (0, 0);
    loop {
        while let Some(parsed) = rows.next()? {
            if row < checked.rows() && checked.fate(row) == RowFate::Sent {
                let parsed = parsed.row.map_err(|_| changed())?;
                let recipient = rules.recipient(&parsed).map_err(|_| changed())?;
                recipients += u64::from(part.has(&recipient));
            }
            row += 1;
        }
        if !rows.fill(|header| rules.check_header(header)).await? {
            return Ok(recipients);
        }
    }
}

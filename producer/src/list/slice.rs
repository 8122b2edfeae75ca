//! A slice: the part of a list that one invocation works on.

use std::num::NonZeroU64;
use std::sync::Arc;

use fanline_core::campaign::Campaign;
use fanline_core::delivery::Envelope;
use fanline_core::list::{Header, Place};
use fanline_ledger::{RedriveReason, Share, SliceId, SliceOrder};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::list::checked_rows::CheckedRows;
use crate::list::source::Source;

/// A part of a campaign's list. One message on the slice queue is one slice.
///
/// The deliveries of a slice depend on the campaign and on these fields only. So a slice that runs
/// twice makes the same deliveries, with the same retry keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Slice {
    /// The name of the run, for people who look at the queue. The campaign decides it.
    pub(crate) run: String,
    /// When the fan-out of the run began for the first time.
    pub(crate) started_at: Timestamp,
    /// The version of the list. No other version is read.
    pub(crate) etag: String,
    /// The same version's name in a bucket that keeps versions: it can be read after the list was
    /// replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) version_id: Option<String>,
    /// Where the first row begins, or the beginning of the list.
    pub(crate) start: Place,
    /// The byte after the last row, or `None` for the end of the list.
    pub(crate) end: Option<u64>,
    /// The column names of a CSV list. `None` at the beginning of the list: they are read there.
    pub(crate) header: Option<Header>,
    /// Duplicates are looked for in so many bytes at a time. This decides the deliveries, so every
    /// slice carries it.
    pub(crate) window_bytes: u64,
    /// How many of the slice's first deliveries an earlier invocation has published.
    #[serde(default)]
    pub(crate) skip: u64,
    /// Which deliveries are published, where not all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) only: Option<Only>,
    /// Whether an earlier invocation may have published the deliveries that are left. Then LINE may
    /// have taken them, and each says so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) perhaps_published: bool,
    /// Which people of its rows the slice has, where a canary goes first. `None`: everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) canary: Option<CanaryPart>,
    /// What the check of the whole list found out about the slice's rows. A slice that comes
    /// without it is checked by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) checked: Option<CheckedRows>,
    /// The campaign as it was given, with its scheduled time filled in.
    pub(crate) campaign: Value,
}

/// What a firing sends again that continues its run, besides those who wait.
pub(crate) const SET_ASIDE: [RedriveReason; 2] =
    [RedriveReason::Quota, RedriveReason::Unauthorized];

/// Which deliveries of a slice are published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Only {
    /// Those with people who have no outcome yet: a sweep.
    Waiting,
    /// Those, and what was set aside for want of quota or of a valid token: a firing that continues
    /// its run.
    NotSent,
    /// Those, and who got nothing for one of these reasons: a redrive.
    Redriven(Vec<RedriveReason>),
}

impl Only {
    /// What an order asks for.
    pub(crate) fn of(order: &SliceOrder) -> Self {
        match order.reasons() {
            [] => Self::Waiting,
            reasons => Self::Redriven(reasons.to_vec()),
        }
    }

    /// Who is sent to besides those who wait.
    pub(crate) fn reasons(&self) -> &[RedriveReason] {
        match self {
            Self::Waiting => &[],
            Self::NotSent => &SET_ASIDE,
            Self::Redriven(reasons) => reasons,
        }
    }
}

/// Which people of its rows a slice has, where a canary goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CanaryPart {
    /// The share of people who are in the sample, in hundredths of a per cent.
    share: u16,
    /// Whether the slice has them, or all others.
    pub(crate) is_sample: bool,
}

impl CanaryPart {
    /// The sample, and the others, where it has this share.
    pub(crate) fn both(share: Share) -> [Self; 2] {
        let share = share.hundredths();
        [true, false].map(|is_sample| Self { share, is_sample })
    }

    /// The share of people who are in the sample. `None`: there can be no such share.
    pub(crate) fn share(self) -> Option<Share> {
        Share::of_hundredths(self.share)
    }
}

impl Slice {
    /// The slice's name within its run: its first row, which no other slice of the list has.
    pub(crate) fn name(&self) -> String {
        let sample = if self.is_sample() { "c" } else { "" };
        format!("row-{}{sample}", self.start.row)
    }

    /// Its name in the ledger.
    pub(crate) fn id(&self) -> Option<SliceId> {
        let id = NonZeroU64::new(self.start.row).map(SliceId::new)?;
        Some(if self.is_sample() { id.canary() } else { id })
    }

    /// Whether it has a canary's sample.
    pub(crate) fn is_sample(&self) -> bool {
        self.canary.is_some_and(|part| part.is_sample)
    }
}

/// A slice with its campaign parsed and its list open: all that is needed to read it.
pub(crate) struct OpenSlice {
    /// The slice's name in the field `at` of its deliveries.
    pub(crate) id: SliceId,
    pub(crate) campaign: Arc<Campaign>,
    pub(crate) slice: Slice,
    pub(crate) source: Arc<Source>,
    /// Whether its deliveries are sealed, and so have to fit a queue message as sealed ones.
    pub(crate) is_sealed: bool,
}

impl OpenSlice {
    /// The whole list of a campaign as one slice. `given` is the JSON that `campaign` was read
    /// from.
    pub(crate) fn whole_list(
        campaign: Arc<Campaign>,
        given: Value,
        source: Arc<Source>,
        started_at: Timestamp,
        window_bytes: u64,
    ) -> Self {
        let slice = Slice {
            run: campaign.run(),
            started_at,
            etag: source.etag.clone(),
            version_id: source.version_id.clone(),
            start: Place::START,
            end: None,
            header: None,
            window_bytes,
            skip: 0,
            only: None,
            perhaps_published: false,
            canary: None,
            checked: None,
            campaign: given,
        };
        Self {
            id: SliceId::new(NonZeroU64::MIN),
            campaign,
            slice,
            source,
            is_sealed: false,
        }
    }

    /// A slice of an open list, or `None` where the slice does not lie within the list.
    pub(crate) fn part_of(
        campaign: Arc<Campaign>,
        slice: Slice,
        source: Arc<Source>,
    ) -> Option<Self> {
        let open = Self {
            id: slice.id()?,
            campaign,
            slice,
            source,
            is_sealed: false,
        };
        let (start, end) = (open.slice.start.byte, open.end());
        (start <= end && end <= open.source.length).then_some(open)
    }

    /// The same where deliveries are sealed, or not.
    pub(crate) fn sealed(self, is_sealed: bool) -> Self {
        Self { is_sealed, ..self }
    }

    /// The byte after the slice's last row.
    pub(crate) fn end(&self) -> u64 {
        self.slice.end.unwrap_or(self.source.length)
    }

    /// What all deliveries of the run have in common.
    pub(crate) fn envelope(&self) -> Envelope {
        self.campaign.envelope(self.slice.started_at)
    }
}

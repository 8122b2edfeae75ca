//! A slice: the part of a list that one invocation works on.

use std::sync::Arc;

use fanline_core::campaign::Campaign;
use fanline_core::delivery::Envelope;
use fanline_core::delivery::KEY_HORIZON;
use fanline_core::list::{Header, Place};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

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
    /// The campaign as it was given, with its scheduled time filled in.
    pub(crate) campaign: Value,
}

impl Slice {
    /// The slice's name within its run: its first row, which no other slice of the list has.
    pub(crate) fn name(&self) -> String {
        format!("row-{}", self.start.row)
    }
}

/// A slice with its campaign parsed and its list open: all that is needed to read it.
pub(crate) struct OpenSlice {
    pub(crate) campaign: Arc<Campaign>,
    pub(crate) slice: Slice,
    pub(crate) source: Arc<Source>,
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
            start: Place::START,
            end: None,
            header: None,
            window_bytes,
            skip: 0,
            campaign: given,
        };
        Self {
            campaign,
            slice,
            source,
        }
    }

    /// A slice of an open list, or `None` where the slice does not lie within the list.
    pub(crate) fn part_of(
        campaign: Arc<Campaign>,
        slice: Slice,
        source: Arc<Source>,
    ) -> Option<Self> {
        let open = Self {
            campaign,
            slice,
            source,
        };
        let (start, end) = (open.slice.start.byte, open.end());
        (start <= end && end <= open.source.length).then_some(open)
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

/// When the fan-out of a run began for the first time, as far as we can know, in whole seconds.
///
/// A firing that is repeated does not know of the first one. So it takes the scheduled time, if
/// that lies within LINE's memory of retry keys, and the present time otherwise. Whole seconds give
/// every delivery of a run the same length.
pub(crate) fn started_at(scheduled: Option<Timestamp>, now: Timestamp) -> Timestamp {
    let started = scheduled
        .filter(|scheduled| {
            let age = now.duration_since(*scheduled);
            !age.is_negative() && age < KEY_HORIZON
        })
        .unwrap_or(now);
    #[expect(
        clippy::expect_used,
        reason = "the whole second lies between this valid time and 1970"
    )]
    Timestamp::from_second(started.as_second()).expect("the whole second of a valid time is valid")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_firing_began_when_the_first_one_did() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let scheduled = Some(at("2026-12-25T00:00:00Z"));
        for (now, started) in [
            ("2026-12-25T00:00:03.5Z", "2026-12-25T00:00:00Z"),
            ("2026-12-25T22:59:59Z", "2026-12-25T00:00:00Z"),
            ("2026-12-25T23:00:00.25Z", "2026-12-25T23:00:00Z"),
            ("2026-12-24T23:59:59.75Z", "2026-12-24T23:59:59Z"),
        ] {
            assert_eq!(started_at(scheduled, at(now)), at(started), "{now}");
        }
        assert_eq!(
            started_at(None, at("2026-12-25T00:00:03.5Z")),
            at("2026-12-25T00:00:03Z")
        );
        for extreme in [Timestamp::MIN, Timestamp::MAX] {
            assert_eq!(started_at(None, extreme).as_second(), extreme.as_second());
        }
    }
}

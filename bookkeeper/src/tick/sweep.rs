//! What is missing of a run, and whether it is published again. Pure.

use fanline_ledger::{Redrive, RunSum, RunWatch, SliceId};
use jiff::{SignedDuration, Timestamp};

/// At so many ticks in a row all queues must have been empty.
const EMPTY_LOOKS: u32 = 3;
/// After so long without an outcome nothing will come any more, whatever lies on the queues.
const SILENCE: SignedDuration = SignedDuration::from_mins(20);
/// A run is swept so often.
const MAX_SWEEPS: usize = 3;
/// A sweep has this time to bring outcomes.
const BETWEEN_SWEEPS: SignedDuration = SignedDuration::from_mins(10);
/// LINE may forget retry keys 24 hours after a run began. The last sweep begins two hours before.
const LAST_SWEEP: SignedDuration = SignedDuration::from_hours(22);
/// A redrive that has not ended after so long was broken off.
const LONGEST_REDRIVE: SignedDuration = SignedDuration::from_hours(1);

/// What is known of a run at a tick.
#[derive(Debug)]
pub(crate) struct Look<'a> {
    /// What has become of its rows.
    pub(crate) sum: &'a RunSum,
    /// What earlier ticks have seen, this one's look at the queues included.
    pub(crate) watch: &'a RunWatch,
    /// When it began.
    pub(crate) started_at: Timestamp,
    /// When its state changed last.
    pub(crate) since: Timestamp,
    /// The last time that deliveries with an outcome were sent again.
    pub(crate) redrive: Option<&'a Redrive>,
    /// Whether the queues are empty for certain: they are those of one process.
    pub(crate) is_drained: bool,
    /// How much of it is sent.
    pub(crate) extent: Extent,
    /// Whether what is waiting may be published again.
    pub(crate) can_be_swept: bool,
}

/// How much of a run is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Every slice: there is no canary.
    Whole,
    /// The canary's sample.
    Sample,
    /// The sample and the others.
    SampleAndOthers,
}

/// What a tick finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finding {
    /// Outcomes may still come.
    UnderWay,
    /// Everybody has an outcome.
    Settled,
    /// These slices have people without an outcome, and no message on any queue is theirs.
    Sweep(Vec<SliceId>),
    /// So many people have no outcome, and nothing can bring one any more.
    Missing(u64),
}

impl Look<'_> {
    /// What to do about an open run.
    pub(crate) fn find(&self, now: Timestamp) -> Finding {
        let unfinished = self.unfinished();
        if unfinished.is_empty() {
            // With a canary that waits the others are still to come.
            let is_all = self.extent != Extent::Sample && !self.sum.lines.0.is_empty();
            // Who is sent to again has an outcome already: that of the time before.
            let is_through = match self.redrive {
                None => true,
                Some(redrive) if redrive.ended.is_some() && self.is_drained => true,
                Some(_) => self.is_quiet(now),
            };
            return if is_all && is_through {
                Finding::Settled
            } else {
                Finding::UnderWay
            };
        }
        let swept = self.watch.sweeps.last();
        let has_time = swept.is_some_and(|swept| now.duration_since(*swept) < BETWEEN_SWEEPS);
        if !self.is_quiet(now) || has_time {
            return Finding::UnderWay;
        }
        let can_sweep = self.can_be_swept
            && self.watch.sweeps.len() < MAX_SWEEPS
            && now.duration_since(self.started_at) < LAST_SWEEP;
        if can_sweep {
            Finding::Sweep(unfinished)
        } else if self.extent == Extent::Sample {
            // An operator decides: the others are not lost.
            Finding::UnderWay
        } else {
            let equation = self.sum.equation();
            Finding::Missing(equation.waiting + equation.unread)
        }
    }

    /// Whether nothing more of the run can come by itself.
    pub(crate) fn is_quiet(&self, now: Timestamp) -> bool {
        let redriven = self
            .redrive
            .map(|redrive| redrive.ended.unwrap_or(redrive.time));
        if self.is_being_redriven(now) {
            return false;
        }
        let last_sign = [
            redriven,
            self.sum.tally().last,
            self.sum.loose.last,
            self.watch.sweeps.last().copied(),
            self.watch.released,
            Some(self.started_at),
            Some(self.since),
        ];
        let last_sign = last_sign.into_iter().flatten().max();
        let silence = last_sign.map_or(SignedDuration::MAX, |sign| now.duration_since(sign));
        self.watch.empty_looks >= EMPTY_LOOKS || silence >= SILENCE
    }

    /// Whether a command may be putting deliveries on a queue still.
    fn is_being_redriven(&self, now: Timestamp) -> bool {
        let redrive = self.redrive.filter(|redrive| redrive.ended.is_none());
        redrive.is_some_and(|redrive| now.duration_since(redrive.time) < LONGEST_REDRIVE)
    }

    /// The slices with people who should have an outcome and have none: those too that no producer
    /// has read or published to its end.
    fn unfinished(&self) -> Vec<SliceId> {
        let lines = self.sum.lines.0.iter();
        let slices = lines.flat_map(|line| match self.extent {
            Extent::Whole => vec![line.slice],
            Extent::Sample => vec![line.slice.canary()],
            Extent::SampleAndOthers => vec![line.slice.canary(), line.slice],
        });
        slices.filter(|slice| !self.is_finished(*slice)).collect()
    }

    fn is_finished(&self, slice: SliceId) -> bool {
        let settled = self.sum.tallies.get(&slice);
        let settled = settled.map_or(0, |tally| tally.people.all());
        let counts = self.sum.counts.get(&slice);
        counts.is_some_and(|counts| counts.published && settled >= counts.recipients)
    }
}

#[cfg(test)]
mod tests {
    use fanline_ledger::{ByEndpoint, People, SliceCounts, SliceLine, SliceLines, Tally};

    use super::*;

    fn began() -> Timestamp {
        "2026-12-25T08:00:00Z".parse().unwrap()
    }

    fn slice(text: &str) -> SliceId {
        text.parse().unwrap()
    }

    /// Three slices of ten rows: the first is settled, the second waits for two people, and no
    /// producer has read the third.
    fn sum() -> RunSum {
        let line = |row: &str| SliceLine {
            slice: slice(row),
            rows: 10,
            start: 0,
            end: 0,
        };
        let mut sum = RunSum {
            lines: SliceLines(["1", "11", "21"].map(line).to_vec()),
            ..RunSum::default()
        };
        settle(&mut sum, "1", 10);
        settle(&mut sum, "11", 8);
        sum
    }

    fn settle(sum: &mut RunSum, id: &str, people: u64) {
        let counts = SliceCounts::new(slice(id), 10, 0, 0);
        sum.counts
            .insert(slice(id), counts.published(ByEndpoint::default()));
        let tally = Tally {
            people: People {
                accepted: people,
                ..People::default()
            },
            ..Tally::default()
        };
        sum.tallies.insert(slice(id), tally);
    }

    fn watch(empty_looks: u32, sweeps: &[i64]) -> RunWatch {
        let mut watch = RunWatch::default();
        watch.empty_looks = empty_looks;
        let minutes = sweeps
            .iter()
            .map(|minute| SignedDuration::from_mins(*minute));
        watch.sweeps = minutes.map(|minutes| began() + minutes).collect();
        watch
    }

    fn find(sum: &RunSum, watch: &RunWatch, extent: Extent, can: bool, minute: i64) -> Finding {
        let look = Look {
            sum,
            watch,
            started_at: began(),
            since: began(),
            redrive: None,
            is_drained: false,
            extent,
            can_be_swept: can,
        };
        look.find(began() + SignedDuration::from_mins(minute))
    }

    #[test]
    fn a_run_is_swept_three_times_ten_minutes_apart_and_then_its_people_are_missing() {
        let sum = sum();
        let sweep = || Finding::Sweep(vec![slice("11"), slice("21")]);
        for (empty_looks, sweeps, minute, can, expected) in [
            (2, &[][..], 19, true, Finding::UnderWay),
            (3, &[], 3, true, sweep()),
            (0, &[], 20, true, sweep()),
            (3, &[3], 12, true, Finding::UnderWay),
            (3, &[3], 13, true, sweep()),
            (0, &[3], 22, true, Finding::UnderWay),
            (0, &[3], 23, true, sweep()),
            (3, &[3, 13], 23, true, sweep()),
            (3, &[3, 13, 23], 32, true, Finding::UnderWay),
            (2, &[3, 13, 23], 33, true, Finding::UnderWay),
            (3, &[3, 13, 23], 33, true, Finding::Missing(12)),
            (3, &[], 22 * 60 - 1, true, sweep()),
            (3, &[], 22 * 60, true, Finding::Missing(12)),
            (2, &[], 3, false, Finding::UnderWay),
            (3, &[], 3, false, Finding::Missing(12)),
        ] {
            let found = find(
                &sum,
                &watch(empty_looks, sweeps),
                Extent::Whole,
                can,
                minute,
            );
            assert_eq!(found, expected, "{empty_looks} {sweeps:?} {minute} {can}");
        }
    }

    #[test]
    fn a_slice_that_is_read_and_not_published_to_its_end_is_swept() {
        let mut sum = sum();
        settle(&mut sum, "11", 10);
        settle(&mut sum, "21", 10);
        let found = |sum: &RunSum| find(sum, &watch(3, &[]), Extent::Whole, true, 3);
        assert_eq!(found(&sum), Finding::Settled);
        let counts = SliceCounts::new(slice("21"), 10, 0, 0);
        sum.counts.insert(slice("21"), counts);
        assert_eq!(found(&sum), Finding::Sweep(vec![slice("21")]));
    }

    #[test]
    fn after_a_redrive_everybody_has_an_outcome_and_the_run_is_closed_once_it_is_quiet() {
        let mut sum = sum();
        settle(&mut sum, "11", 10);
        settle(&mut sum, "21", 10);
        let minutes = |minutes| began() + SignedDuration::from_mins(minutes);
        for (begun, ended, empty_looks, minute, expected) in [
            (5, Some(6), 0, 6, Finding::UnderWay),
            (5, Some(6), 2, 25, Finding::UnderWay),
            (5, Some(6), 3, 9, Finding::Settled),
            (5, Some(6), 0, 26, Finding::Settled),
            (5, None, 3, 9, Finding::UnderWay),
            (5, None, 0, 64, Finding::UnderWay),
            (5, None, 0, 65, Finding::Settled),
        ] {
            let redrive = Redrive {
                id: uuid::Uuid::nil(),
                time: minutes(begun),
                by: "mei".into(),
                why: None,
                only: Vec::new(),
                ended: ended.map(minutes),
            };
            let look = Look {
                sum: &sum,
                watch: &watch(empty_looks, &[]),
                started_at: began(),
                since: began(),
                redrive: Some(&redrive),
                is_drained: false,
                extent: Extent::Whole,
                can_be_swept: true,
            };
            assert_eq!(look.find(minutes(minute)), expected, "{ended:?} {minute}");
        }
    }

    #[test]
    fn a_run_whose_list_was_never_cut_is_not_settled() {
        let found = find(&RunSum::default(), &watch(9, &[]), Extent::Whole, true, 60);
        assert_eq!(found, Finding::UnderWay);
    }

    #[test]
    fn of_a_canary_that_waits_only_the_sample_can_be_missing() {
        let mut sum = RunSum {
            lines: sum().lines,
            ..RunSum::default()
        };
        settle(&mut sum, "1c", 10);
        settle(&mut sum, "11c", 9);
        settle(&mut sum, "21c", 10);
        let of = |sum: &RunSum, extent, sweeps| find(sum, &watch(3, sweeps), extent, true, 60);
        let sample = Finding::Sweep(vec![slice("11c")]);
        assert_eq!(of(&sum, Extent::Sample, &[]), sample);
        assert_eq!(of(&sum, Extent::Sample, &[1, 11, 21]), Finding::UnderWay);
        settle(&mut sum, "11c", 10);
        assert_eq!(of(&sum, Extent::Sample, &[]), Finding::UnderWay);
        let others = ["1", "11", "21"].map(slice).to_vec();
        assert_eq!(
            of(&sum, Extent::SampleAndOthers, &[]),
            Finding::Sweep(others)
        );
    }
}

//! The course of a run: the people of each outcome over the whole time.

use fanline_ledger::{FinalOutcome, PeopleOverTime};
use jiff::Timestamp;

use super::figures::{limit, time};
use crate::commands::ledger::status::details::RunDetails;
use crate::commands::ledger::status::known::KnownRun;
use crate::html::chart::{Chart, OUTCOMES, OverTime};

/// More intervals than this are taken together, however far apart the times in a ledger are.
const MAX_INTERVALS: i64 = 5_000;

/// People over time, in intervals of the same width.
struct Course {
    /// The beginning of the first interval, in intervals since 1970.
    first: i64,
    seconds: i64,
    intervals: Vec<Vec<u64>>,
}

/// The chart of a run; `None` before anybody has an outcome.
pub(in super::super) fn chart(run: &KnownRun) -> Option<Chart> {
    let course = Course::of(&run.details)?;
    let (from, to) = (course.time(0), course.time(course.intervals.len()));
    let data = OverTime {
        series: &OUTCOMES,
        seconds: course.seconds.unsigned_abs(),
        intervals: course.intervals,
        limit: limit(run),
    };
    let (from, to) = (time(from), time(to));
    // Of one day the day stands there once, so that both ends fit a phone.
    let to = match (from.split_once(' '), to.split_once(' ')) {
        (Some((day, _)), Some((same, hour))) if day == same => hour.to_owned(),
        _ => to,
    };
    Some(Chart::new(&data, from, to))
}

/// The people of each outcome, and the place of the outcome in the chart.
fn sources(details: &RunDetails) -> impl Iterator<Item = (usize, &PeopleOverTime)> {
    let others = [
        (FinalOutcome::Accepted, 1),
        (FinalOutcome::Expired, 2),
        (FinalOutcome::Cancelled, 2),
        (FinalOutcome::SetAside, 3),
        (FinalOutcome::Refused, 4),
        (FinalOutcome::Unknown, 4),
    ];
    let others = others.into_iter().filter_map(|(outcome, place)| {
        let people = details.others_over_time.of(outcome)?;
        Some((place, people))
    });
    std::iter::once((0, &details.accepted_over_time)).chain(others)
}

impl Course {
    fn of(details: &RunDetails) -> Option<Self> {
        let times = || {
            let all = sources(details).flat_map(|(_, people)| people.iter());
            all.map(|(begins, _)| begins.as_second())
        };
        let (first, last) = (times().min()?, times().max()?);
        let mut seconds = sources(details).map(|(_, people)| people.seconds()).max()?;
        // Each width is a multiple of the smaller ones, so no interval is cut.
        while last.div_euclid(seconds) - first.div_euclid(seconds) >= MAX_INTERVALS {
            seconds *= 2;
        }
        let first = first.div_euclid(seconds);
        let length = usize::try_from(last.div_euclid(seconds) - first + 1).ok()?;
        let mut intervals = vec![vec![0; OUTCOMES.len()]; length];
        for (place, people) in sources(details) {
            for (begins, people) in people.iter() {
                let interval = begins.as_second().div_euclid(seconds) - first;
                let interval = usize::try_from(interval).ok();
                let interval = interval.and_then(|n| intervals.get_mut(n));
                if let Some(sum) = interval.and_then(|sums| sums.get_mut(place)) {
                    *sum += people;
                }
            }
        }
        Some(Self {
            first,
            seconds,
            intervals,
        })
    }

    /// The time at which an interval begins.
    fn time(&self, interval: usize) -> Timestamp {
        let interval = i64::try_from(interval).unwrap_or(i64::MAX);
        let second = self.first.saturating_add(interval);
        Timestamp::from_second(second.saturating_mul(self.seconds)).unwrap_or(Timestamp::MAX)
    }
}

//! How many people got an outcome when.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A bin is so many seconds wide, until the bins are too many.
pub(super) const MIN_SECONDS: i64 = 5;
/// More bins than this would not fit the head of a book. Then each two become one.
pub(super) const MAX_BINS: usize = 720;

/// Intervals of this width hold any two times: 5 * 2^39 seconds are 87,000 years.
const MAX_DOUBLINGS: u32 = 39;

/// How many people there are in each interval of time: five seconds, doubled until 720 intervals
/// hold them all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Wire", try_from = "Wire")]
pub struct PeopleOverTime {
    /// Doublings of the bins' width.
    doublings: u32,
    /// The first bin's number: its beginning in seconds since 1970, divided by the width.
    first: i64,
    people: VecDeque<u64>,
}

impl PeopleOverTime {
    /// The width of an interval in seconds.
    pub fn seconds(&self) -> i64 {
        MIN_SECONDS << self.doublings
    }

    /// The beginning of each interval and the people in it, without gaps.
    pub fn iter(&self) -> impl Iterator<Item = (Timestamp, u64)> {
        let (first, seconds) = (self.first, self.seconds());
        (first..).zip(&self.people).map(move |(bin, people)| {
            // The first bin that there can be begins before the first time that there can be.
            let begins = Timestamp::from_second(bin.saturating_mul(seconds));
            (begins.unwrap_or(Timestamp::MIN), *people)
        })
    }

    /// All people that are in it.
    pub fn people(&self) -> u64 {
        self.people.iter().sum()
    }

    /// The number of intervals.
    pub(super) fn bins(&self) -> usize {
        self.people.len()
    }

    /// Widens the intervals until there are no more than these.
    pub(super) fn narrow(&mut self, bins: usize) {
        // Two intervals stay two where 1970 is between them, however wide they are.
        while self.people.len() > bins.max(1) && self.doublings < MAX_DOUBLINGS {
            self.double();
        }
    }

    /// Adds people at this time.
    pub(super) fn add(&mut self, time: Timestamp, people: u64) {
        if people == 0 {
            return;
        }
        self.make_room(time.as_second(), time.as_second());
        self.add_at(time.as_second(), people);
    }

    /// Adds another slice's people.
    pub(super) fn add_all(&mut self, other: &Self) {
        let (Some(begins), Some(ends)) = (other.begins(0), other.begins(other.people.len())) else {
            return;
        };
        if other.people.is_empty() {
            return;
        }
        while self.doublings < other.doublings {
            self.double();
        }
        self.make_room(begins, ends - 1);
        for (bin, people) in (other.first..).zip(&other.people) {
            self.add_at(bin * other.seconds(), *people);
        }
    }

    /// The second at which a bin begins, counted from the first bin.
    fn begins(&self, bin: usize) -> Option<i64> {
        let bin = self.first.checked_add(i64::try_from(bin).ok()?)?;
        bin.checked_mul(self.seconds())
    }

    /// Widens the bins until these seconds and all people fit, and adds empty bins up to these
    /// seconds.
    fn make_room(&mut self, from: i64, to: i64) {
        loop {
            let width = self.seconds();
            let (mut first, mut last) = (from.div_euclid(width), to.div_euclid(width));
            if let (false, Ok(len)) = (self.people.is_empty(), i64::try_from(self.people.len())) {
                first = first.min(self.first);
                last = last.max(self.first + len - 1);
            }
            let bins = usize::try_from(last - first + 1).unwrap_or(usize::MAX);
            if bins > MAX_BINS {
                self.double();
                continue;
            }
            if self.people.is_empty() {
                self.first = first;
            }
            for _ in first..self.first {
                self.people.push_front(0);
            }
            self.first = first;
            self.people.resize(bins, 0);
            return;
        }
    }

    fn add_at(&mut self, second: i64, people: u64) {
        let bin = second.div_euclid(self.seconds()) - self.first;
        let bin = usize::try_from(bin).ok();
        if let Some(sum) = bin.and_then(|bin| self.people.get_mut(bin)) {
            *sum += people;
        }
    }

    /// Makes one bin of each two.
    fn double(&mut self) {
        let mut halves: VecDeque<u64> = VecDeque::with_capacity(self.people.len() / 2 + 1);
        for (bin, people) in (self.first..).zip(&self.people) {
            // A bin with an even number begins a pair, and so does the first one.
            match halves.back_mut() {
                Some(sum) if bin.rem_euclid(2) == 1 => *sum = sum.saturating_add(*people),
                _ => halves.push_back(*people),
            }
        }
        self.first = self.first.div_euclid(2);
        self.people = halves;
        self.doublings += 1;
    }
}

/// The bins as a tally writes them.
#[derive(Serialize, Deserialize)]
struct Wire {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<Timestamp>,
    seconds: i64,
    people: Vec<u64>,
}

impl From<PeopleOverTime> for Wire {
    fn from(bins: PeopleOverTime) -> Self {
        let from = bins.iter().next().map(|(begins, _)| begins);
        Self {
            from,
            seconds: bins.seconds(),
            people: bins.people.into(),
        }
    }
}

impl TryFrom<Wire> for PeopleOverTime {
    type Error = &'static str;

    fn try_from(wire: Wire) -> Result<Self, Self::Error> {
        let doublings = (0..=MAX_DOUBLINGS)
            .find(|doublings| MIN_SECONDS << doublings == wire.seconds)
            .ok_or("the bins have a width that can't be")?;
        if wire.from.is_some() == wire.people.is_empty() || wire.people.len() > MAX_BINS {
            return Err("the bins have no beginning, or are too many");
        }
        let from = wire.from.map_or(0, Timestamp::as_second);
        Ok(Self {
            doublings,
            first: from.div_euclid(wire.seconds),
            people: wire.people.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bins(times: &[(i64, u64)]) -> PeopleOverTime {
        let mut bins = PeopleOverTime::default();
        for (second, people) in times {
            bins.add(Timestamp::from_second(*second).unwrap(), *people);
        }
        bins
    }

    #[test]
    fn people_are_counted_in_bins_of_five_seconds() {
        let bins = bins(&[(1003, 2), (1000, 1), (1014, 5), (1004, 1)]);
        let people: Vec<_> = bins
            .iter()
            .map(|(begins, people)| (begins.as_second(), people))
            .collect();
        assert_eq!(people, [(1000, 4), (1005, 0), (1010, 5)]);
        assert_eq!(bins.seconds(), 5);
    }

    #[test]
    fn a_long_run_has_wider_bins_and_never_more_than_the_head_holds() {
        let hour = bins(&[(0, 1), (3_599, 1)]);
        assert_eq!((hour.seconds(), hour.people.len()), (5, 720));
        let more = bins(&[(0, 1), (3_600, 1)]);
        assert_eq!((more.seconds(), more.people.len()), (10, 361));
        let day = bins(&[(0, 1), (82_800, 1)]);
        assert_eq!((day.seconds(), day.people.len()), (160, 518));
        let for_ever = bins(&[(-377_705_023_201, 1), (253_402_207_200, 1)]);
        assert!(for_ever.people.len() <= MAX_BINS);
        assert_eq!(for_ever.people(), 2);
        let json = serde_json::to_string(&for_ever).unwrap();
        let read: PeopleOverTime = serde_json::from_str(&json).unwrap();
        assert_eq!(read, for_ever);
    }

    proptest! {
        #[test]
        fn neither_the_order_nor_the_slice_matters(
            times in prop::collection::vec((0i64..200_000, 0u64..9), 0..60), cut in 0usize..60
        ) {
            let all = bins(&times);
            let mut backwards = times.clone();
            backwards.reverse();
            prop_assert_eq!(&bins(&backwards), &all);
            let (one, other) = times.split_at(cut.min(times.len()));
            let mut sum = bins(one);
            sum.add_all(&bins(other));
            prop_assert_eq!(&sum, &all);
            prop_assert_eq!(all.people(), times.iter().map(|(_, people)| people).sum::<u64>());
            let json = serde_json::to_string(&all).unwrap();
            prop_assert_eq!(serde_json::from_str::<PeopleOverTime>(&json).unwrap(), all);
        }
    }
}

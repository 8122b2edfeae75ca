//! How many people got an outcome when, apart from those whom LINE accepted at the time.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::over_time::PeopleOverTime;
use crate::outcomes::FinalOutcome;

/// Intervals of one outcome in a tally. A chart has no more bars.
const MAX_BINS: usize = 240;

/// How many people got each outcome when.
///
/// [`FinalOutcome::Accepted`] are those here whom LINE had accepted on an earlier attempt (409).
/// It is made from the cells, so nobody is in it twice. People whose outcome an older build has
/// merged are not in it: that build has not kept the time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OthersOverTime(BTreeMap<FinalOutcome, PeopleOverTime>);

impl OthersOverTime {
    /// Whether nobody is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The people with an outcome, if there are any.
    pub fn of(&self, outcome: FinalOutcome) -> Option<&PeopleOverTime> {
        self.0.get(&outcome)
    }

    /// Adds people who got an outcome at this time.
    pub(super) fn add(&mut self, outcome: FinalOutcome, time: Timestamp, people: u64) {
        if people > 0 {
            self.0.entry(outcome).or_default().add(time, people);
        }
    }

    /// Adds another slice's people.
    pub(super) fn add_all(&mut self, other: &Self) {
        for (outcome, people) in &other.0 {
            self.0.entry(*outcome).or_default().add_all(people);
        }
    }

    /// Widens the intervals until a tally has room for them.
    pub(super) fn narrow(&mut self) {
        self.narrow_to(MAX_BINS);
    }

    /// Makes two intervals one, for a head that is full; false where nothing can be made smaller.
    pub(super) fn halve(&mut self) -> bool {
        let longest = self.0.values().map(PeopleOverTime::bins).max();
        let bins = longest.unwrap_or(0) / 2;
        self.narrow_to(bins.max(1));
        bins > 0
    }

    fn narrow_to(&mut self, bins: usize) {
        for people in self.0.values_mut() {
            people.narrow(bins);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_become_fewer_and_nobody_is_lost() {
        let mut others = OthersOverTime::default();
        for second in 0..3_600 {
            let time = Timestamp::from_second(second).unwrap();
            others.add(FinalOutcome::Refused, time, 1);
        }
        others.add(FinalOutcome::Expired, Timestamp::UNIX_EPOCH, 7);
        others.narrow();
        let refused = |others: &OthersOverTime| {
            let refused = others.of(FinalOutcome::Refused).unwrap();
            (refused.bins(), refused.seconds(), refused.people())
        };
        assert_eq!(refused(&others), (180, 20, 3_600));
        let mut halves = 0;
        while others.halve() {
            halves += 1;
        }
        assert!(halves <= 8, "{halves}");
        assert_eq!((refused(&others).0, refused(&others).2), (1, 3_600));
        let expired = others.of(FinalOutcome::Expired).unwrap();
        assert_eq!((expired.bins(), expired.seconds()), (1, 5), "it has room");
        assert_eq!(others.of(FinalOutcome::Unknown), None);
    }
}

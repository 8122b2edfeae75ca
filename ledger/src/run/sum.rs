//! The sum that must hold: every row of the list is in exactly one place.

use std::collections::BTreeMap;

use super::slices::{SliceCounts, SliceLines};
use crate::at::SliceId;
use crate::book::{People, Tally, difference};
use crate::by_endpoint::ByEndpoint;

/// What is known of a run, to be added up.
#[derive(Debug, Clone, Default)]
pub struct RunSum {
    /// What the list was cut into.
    pub lines: SliceLines,
    /// The counts of each slice that has been read, canaries too.
    pub counts: BTreeMap<SliceId, SliceCounts>,
    /// The tally of each book.
    pub tallies: BTreeMap<SliceId, Tally>,
    /// The tally of the loose deliveries, which are in no row and not in the sum.
    pub loose: Tally,
}

/// The rows of a run, and everything that became of them.
///
/// `rows = accepted + refused + unknown + expired + set aside + cancelled + waiting + rejected +
/// duplicates + unread`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Equation {
    /// The rows of the list.
    pub rows: u64,
    /// The people with an outcome.
    pub people: People,
    /// The people without one.
    pub waiting: u64,
    /// Rows that can't be sent.
    pub rejected: u64,
    /// Rows whose recipient an earlier row names.
    pub duplicates: u64,
    /// Rows of slices that no producer has read.
    pub unread: u64,
}

impl Equation {
    /// The rows less everything that became of them: 0 where the law holds.
    pub fn difference(&self) -> i64 {
        let others = self.waiting + self.rejected + self.duplicates + self.unread;
        difference(self.rows, self.people.all() + others)
    }
}

impl RunSum {
    /// Adds the run up. What does not fit shows in [`Equation::difference`]: people with an outcome
    /// and no recipient, a book without counts, counts of a slice that the list was not cut into.
    pub fn equation(&self) -> Equation {
        let tally = self.tally();
        let mut equation = Equation {
            rows: self.lines.rows(),
            people: tally.people,
            ..Equation::default()
        };
        for counts in self.counts.values() {
            let settled = self.tallies.get(&counts.slice);
            let settled = settled.map_or(0, |tally| tally.people.all());
            equation.waiting += counts.recipients.saturating_sub(settled);
            equation.rejected += counts.rejected;
            equation.duplicates += counts.duplicates;
        }
        for line in &self.lines.0 {
            let read = [line.slice, line.slice.canary()]
                .iter()
                .filter_map(|slice| self.counts.get(slice))
                .map(|counts| counts.rows)
                .sum();
            equation.unread += line.rows.saturating_sub(read);
        }
        equation
    }

    /// The tallies of all slices together.
    pub fn tally(&self) -> Tally {
        let mut sum = Tally::default();
        for tally in self.tallies.values() {
            sum.add(tally);
        }
        sum
    }

    /// The deliveries that are not settled, as far as the slices' deliveries are known.
    pub fn deliveries_left(&self) -> ByEndpoint<u64> {
        let mut made = ByEndpoint::default();
        for deliveries in self.counts.values().filter_map(|counts| counts.deliveries) {
            made += deliveries;
        }
        let settled = self.tally().settled;
        made.zip(settled)
            .map(|_, (made, settled)| made.saturating_sub(settled))
    }

    /// The deliveries that are not settled, those too that are not made yet: for people of slices
    /// that are not published there are as many a person as the published slices have. `None` while
    /// no slice is published.
    pub fn deliveries_expected(&self) -> Option<ByEndpoint<u64>> {
        let (mut made, mut people) = (ByEndpoint::default(), 0);
        let mut unmade = self.equation().unread;
        for counts in self.counts.values() {
            match counts.deliveries {
                Some(deliveries) => {
                    made += deliveries;
                    people += counts.recipients;
                }
                None => unmade += counts.recipients,
            }
        }
        if people == 0 && unmade > 0 {
            return None;
        }
        let settled = self.tally().settled;
        let left = made.zip(settled).map(|_, (made, settled)| {
            let more = u128::from(made) * u128::from(unmade) / u128::from(people.max(1));
            let all = made.saturating_add(u64::try_from(more).unwrap_or(u64::MAX));
            all.saturating_sub(settled)
        });
        Some(left)
    }

    /// Whether every slice of the list is read and published, so that nothing more can be put on
    /// the queue.
    pub fn is_published(&self) -> bool {
        let published = self.counts.values().all(|counts| counts.published);
        let unread = self.equation().unread;
        !self.lines.0.is_empty() && published && unread == 0
    }

    /// Whether nobody waits, and nobody can come to wait.
    pub fn is_settled(&self) -> bool {
        self.is_published() && self.equation().waiting == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::SliceLine;

    fn slice(text: &str) -> SliceId {
        text.parse().unwrap()
    }

    fn line(slice_id: &str, rows: u64) -> SliceLine {
        SliceLine {
            slice: slice(slice_id),
            rows,
            start: 0,
            end: 0,
        }
    }

    fn tally(recipients: u64, accepted: u64, refused: u64) -> Tally {
        Tally {
            recipients,
            people: People {
                accepted,
                refused,
                ..People::default()
            },
            settled: ByEndpoint {
                push: accepted + refused,
                multicast: 0,
            },
            ..Tally::default()
        }
    }

    /// A run of two slices with a canary: the sample of the first is done, its others are under
    /// way, the second is unread.
    fn run() -> RunSum {
        let (sample, others) = (slice("1c"), slice("1"));
        let deliveries = |push| ByEndpoint { push, multicast: 0 };
        let mut sum = RunSum {
            lines: SliceLines(vec![line("1", 1_000), line("1001", 500)]),
            ..RunSum::default()
        };
        let counts = SliceCounts::new(sample, 10, 0, 0).published(deliveries(10));
        sum.counts.insert(sample, counts);
        let counts = SliceCounts::new(others, 980, 7, 3).published(deliveries(980));
        sum.counts.insert(others, counts);
        sum.tallies.insert(sample, tally(10, 9, 1));
        sum.tallies.insert(others, tally(980, 500, 20));
        sum
    }

    #[test]
    fn every_row_of_a_run_is_in_one_place() {
        let equation = run().equation();
        assert_eq!(equation.difference(), 0);
        assert_eq!(equation.rows, 1_500);
        assert_eq!(
            (equation.people.accepted, equation.people.refused),
            (509, 21)
        );
        assert_eq!(equation.waiting, 460);
        assert_eq!((equation.rejected, equation.duplicates), (7, 3));
        assert_eq!(equation.unread, 500);
        assert_eq!(run().deliveries_left().push, 460);
        assert!(!run().is_published());
    }

    #[test]
    fn whatever_is_lost_or_counted_twice_shows() {
        let mut sum = run();
        sum.tallies.insert(slice("1c"), tally(10, 11, 0));
        assert_eq!(
            sum.equation().difference(),
            -1,
            "more people than recipients"
        );
        let mut sum = run();
        sum.counts.remove(&slice("1"));
        assert_eq!(sum.equation().difference(), -520, "a book without counts");
        let mut sum = run();
        sum.lines.0.pop();
        let counts = SliceCounts::new(slice("1001"), 500, 0, 0);
        sum.counts.insert(slice("1001"), counts);
        assert_eq!(sum.equation().difference(), -500, "a slice of no list");
        let mut sum = run();
        let counts = SliceCounts::new(slice("1"), 980, 8, 3);
        sum.counts.insert(slice("1"), counts);
        assert_eq!(sum.equation().difference(), -1, "a row too many");
    }

    #[test]
    fn deliveries_of_unpublished_slices_are_guessed_from_the_published_ones() {
        // 990 people in 990 deliveries, 530 settled; 500 rows are unread.
        let mut sum = run();
        let push = |sum: &RunSum| sum.deliveries_expected().map(|left| left.push);
        assert_eq!(push(&sum), Some(960));
        let counts = SliceCounts::new(slice("1001"), 400, 100, 0);
        sum.counts.insert(slice("1001"), counts);
        assert_eq!(push(&sum), Some(860), "rejected rows are no deliveries");
        sum.counts.clear();
        assert_eq!(push(&sum), None, "nothing is published");
        assert_eq!(push(&RunSum::default()), Some(0), "there is nothing");
    }

    #[test]
    fn a_run_is_settled_once_nobody_waits_and_nothing_can_follow() {
        let mut sum = run();
        sum.lines.0.pop();
        assert!(sum.is_published() && !sum.is_settled());
        sum.tallies.insert(slice("1"), tally(980, 980, 0));
        assert!(sum.is_settled());
        let counts = SliceCounts::new(slice("1"), 980, 7, 3);
        sum.counts.insert(slice("1"), counts);
        assert!(
            !sum.is_settled(),
            "its deliveries are still being published"
        );
        assert!(!RunSum::default().is_settled());
    }
}

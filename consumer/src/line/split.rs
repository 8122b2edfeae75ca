//! A multicast that LINE refused as a whole, taken apart round by round. Pure: every attempt takes
//! the same delivery apart in the same way.

use std::time::Duration;

use fanline_core::backoff::full_jitter;
use fanline_core::delivery::Delivery;
use fanline_ledger::At;

use crate::channel::response::Response;

/// A part that only faults keep from an outcome is sent again this often, within the invocation.
const MAX_RETRIES: u32 = 6;
/// The wait before the first of these retries is at most this long, and doubles with each.
const BASE_WAIT: Duration = Duration::from_millis(100);
/// The longest of these waits.
const MAX_WAIT: Duration = Duration::from_millis(3_200);

/// A refused multicast and what is left to do for its parts.
///
/// Each round cuts one refused delivery. The caller sends the parts and settles them before it asks
/// for the next round, so that little is lost if it dies half-way.
#[derive(Debug)]
pub(crate) struct Split {
    /// What LINE refused and is not cut yet.
    refused: Vec<Refused>,
    /// Parts without an outcome.
    unsettled: Vec<Delivery>,
    retries: u32,
}

#[derive(Debug)]
struct Refused {
    delivery: Delivery,
    /// The positions that LINE named, or none.
    named: Vec<usize>,
    response: Option<Response>,
}

/// The parts of one refused delivery. Together they have its recipients, each once.
#[derive(Debug)]
pub(crate) struct Round {
    /// The recipients that LINE named, each alone: they are refused.
    pub named: Vec<Delivery>,
    /// The other recipients, in one or two parts: these are sent.
    pub others: Vec<Delivery>,
    /// LINE's refusal.
    pub response: Option<Response>,
}

impl Split {
    /// A split that has not begun. `named` are the positions that LINE named, or none.
    pub(crate) fn new(delivery: Delivery, named: Vec<usize>, response: Option<Response>) -> Self {
        let mut split = Self {
            refused: Vec::new(),
            unsettled: Vec::new(),
            retries: MAX_RETRIES,
        };
        split.cut_later(delivery, named, response);
        split
    }

    /// The next parts to send and settle. `None`: nothing is left to cut.
    pub(crate) fn next_round(&mut self) -> Option<Round> {
        let refused = self.refused.pop()?;
        let (named, others) = take_out(&refused.delivery, &refused.named);
        Some(Round {
            named,
            others,
            response: refused.response,
        })
    }

    /// LINE refused a part: a later round cuts it.
    pub(crate) fn cut_later(
        &mut self,
        part: Delivery,
        named: Vec<usize>,
        response: Option<Response>,
    ) {
        self.refused.push(Refused {
            delivery: part,
            named,
            response,
        });
    }

    /// A part has no outcome: it goes back to the queue.
    pub(crate) fn leave(&mut self, part: Delivery) {
        self.unsettled.push(part);
    }

    /// How often a part may be sent again.
    pub(crate) fn retries(&self) -> u32 {
        self.retries
    }

    /// LINE is probably down: try each remaining part once.
    pub(crate) fn give_up_retries(&mut self) {
        self.retries = 0;
    }

    /// The parts without an outcome.
    pub(crate) fn into_unsettled(self) -> Vec<Delivery> {
        self.unsettled
    }
}

/// The wait before a retry, counted from 1. `draw` is in 0..1.
pub(crate) fn wait(retry: u32, draw: f64) -> Duration {
    full_jitter(BASE_WAIT, MAX_WAIT, retry, draw)
}

/// Takes out the recipients at `positions`, each alone, and keeps the others together. If none of
/// the positions exists, the delivery is cut in the middle instead.
fn take_out(delivery: &Delivery, positions: &[usize]) -> (Vec<Delivery>, Vec<Delivery>) {
    let all = 0..delivery.recipients.len();
    let (named, others): (Vec<_>, Vec<_>) = all.partition(|index| positions.contains(index));
    let named: Vec<_> = named
        .into_iter()
        .map(|index| part(delivery, &[index]))
        .collect();
    let others = if named.is_empty() {
        halve(delivery)
    } else if others.is_empty() {
        Vec::new()
    } else {
        vec![part(delivery, &others)]
    };
    (named, others)
}

/// Cuts a delivery in the middle. One with a single recipient stays whole.
fn halve(delivery: &Delivery) -> Vec<Delivery> {
    let all: Vec<usize> = (0..delivery.recipients.len()).collect();
    let (left, right) = all.split_at(all.len() / 2);
    [left, right]
        .into_iter()
        .filter(|half| !half.is_empty())
        .map(|half| part(delivery, half))
        .collect()
}

/// The part for the recipients at these indexes. It keeps their place in the run, if the delivery
/// has one that its recipients fit.
fn part(delivery: &Delivery, indexes: &[usize]) -> Delivery {
    let recipients = &delivery.recipients;
    let chosen = indexes.iter().filter_map(|index| recipients.get(*index));
    let at: Option<At> = delivery.at.as_ref().and_then(|at| at.parse().ok());
    let at = at.filter(|at| at.fits(recipients.len()));
    let mut part = delivery.with_recipients(chosen.cloned().collect());
    part.at = at.and_then(|at| at.part(indexes)).map(|at| at.to_string());
    part
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn delivery(n: usize) -> Delivery {
        let to = (0..n)
            .map(|i| format!("\"U{i:032x}\""))
            .collect::<Vec<_>>()
            .join(",");
        Delivery::decode(&format!(
            r#"{{"v":1,"run":"r","channel":"line","recipients":[{to}],"messages":[0],"started_at":"2026-01-01T00:00:00Z"}}"#
        ))
        .unwrap()
    }

    fn split(delivery: &Delivery, named: &[usize]) -> Split {
        Split::new(delivery.clone(), named.to_vec(), None)
    }

    fn recipients<'a>(parts: impl IntoIterator<Item = &'a Delivery>) -> Vec<String> {
        let mut all: Vec<String> = parts
            .into_iter()
            .flat_map(|part| part.recipients.clone())
            .collect();
        all.sort();
        all
    }

    /// Takes `delivery` apart against a LINE that refuses every request with one of `bad` in it,
    /// and names nobody. Returns what it accepts and what it refuses.
    fn run(delivery: &Delivery, bad: &[String]) -> (Vec<Delivery>, Vec<Delivery>) {
        let (mut accepted, mut refused) = (Vec::new(), Vec::new());
        let mut split = split(delivery, &[]);
        while let Some(round) = split.next_round() {
            assert!(round.named.is_empty());
            for part in round.others {
                if !part.recipients.iter().any(|one| bad.contains(one)) {
                    accepted.push(part);
                } else if part.recipients.len() == 1 {
                    refused.push(part);
                } else {
                    split.cut_later(part, Vec::new(), None);
                }
            }
        }
        assert!(split.into_unsettled().is_empty());
        (accepted, refused)
    }

    #[test]
    fn a_named_recipient_is_taken_out_and_the_rest_stay_together() {
        let whole = delivery(5);
        let mut split = split(&whole, &[3]);
        let round = split.next_round().unwrap();
        assert_eq!(round.named.len(), 1);
        assert_eq!(round.named[0].recipients, [whole.recipients[3].clone()]);
        assert_eq!(round.others.len(), 1);
        assert_eq!(round.others[0].recipients.len(), 4);
        assert_ne!(
            round.others[0].request().retry_key,
            whole.request().retry_key
        );
        assert!(split.next_round().is_none());
    }

    #[test]
    fn where_all_are_named_nobody_is_left_to_send_to() {
        let round = split(&delivery(2), &[0, 1]).next_round().unwrap();
        assert_eq!((round.named.len(), round.others.len()), (2, 0));
    }

    #[test]
    fn a_position_outside_the_list_names_nobody() {
        let round = split(&delivery(4), &[4, 500]).next_round().unwrap();
        assert!(round.named.is_empty());
        assert_eq!(round.others.len(), 2);
    }

    #[test]
    fn what_has_no_outcome_is_left_over() {
        let mut split = split(&delivery(4), &[]);
        let round = split.next_round().unwrap();
        split.leave(round.others[1].clone());
        assert!(split.next_round().is_none());
        let left = split.into_unsettled();
        assert_eq!(recipients(&left), round.others[1].recipients);
    }

    #[test]
    fn retries_wait_longer_each_time_and_end_when_line_is_down() {
        let longest: Vec<u128> = (1..=MAX_RETRIES)
            .map(|retry| wait(retry, 1.0).as_millis())
            .collect();
        assert_eq!(longest, [100, 200, 400, 800, 1_600, 3_200]);
        let mut split = split(&delivery(2), &[]);
        assert_eq!(split.retries(), MAX_RETRIES);
        split.give_up_retries();
        assert_eq!(split.retries(), 0);
    }

    proptest! {
        #[test]
        fn nobody_is_lost_or_doubled_and_every_part_is_smaller(
            n in 2usize..500,
            positions in prop::collection::vec(0usize..600, 0..8),
        ) {
            let whole = delivery(n);
            let round = split(&whole, &positions).next_round().unwrap();
            let all = recipients(round.named.iter().chain(&round.others));
            prop_assert_eq!(all, whole.recipients);
            prop_assert!(round.named.iter().all(|part| part.recipients.len() == 1));
            for part in &round.others {
                prop_assert!((1..n).contains(&part.recipients.len()));
            }
        }

        #[test]
        fn halving_finds_exactly_the_bad_recipients_and_always_by_the_same_parts(
            n in 2usize..500,
            bad in prop::collection::btree_set(0usize..500, 1..6),
        ) {
            let whole = delivery(n);
            let bad: Vec<String> = bad
                .into_iter()
                .filter_map(|i| whole.recipients.get(i).cloned())
                .collect();
            let (accepted, refused) = run(&whole, &bad);
            prop_assert_eq!(recipients(&refused), bad.clone());
            prop_assert_eq!(recipients(accepted.iter().chain(&refused)), whole.recipients.clone());
            let keys = |parts: &[Delivery]| -> Vec<_> {
                parts.iter().map(|part| part.request().retry_key).collect()
            };
            let (again, _) = run(&whole, &bad);
            prop_assert_eq!(keys(&accepted), keys(&again));
        }
    }
}

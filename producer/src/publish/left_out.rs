//! Which deliveries of a slice are left out, because they need nothing more.

use std::sync::Arc;

use fanline_ledger::{Book, RedriveReason};

use crate::error::ProduceError;
use crate::event::Skip;
use crate::list::slice::{Only, OpenSlice};
use crate::progress::Progress;
use crate::summary::LeftOutPeople;

/// Leaves out what an earlier invocation has published, and what has an outcome.
#[derive(Debug, Default)]
pub(crate) struct LeftOut {
    /// So many deliveries an earlier invocation has published.
    skip: u64,
    /// Their recipients.
    skipped_recipients: u64,
    /// What became of the slice's people, where not everything is published.
    known: Option<(Only, Book)>,
    /// Who is left out because of that.
    people: LeftOutPeople,
    /// Where they are counted for a task that watches.
    progress: Arc<Progress>,
}

impl LeftOut {
    /// Leaves out the first `skip` deliveries, and what the book knows, as far as `only` asks.
    pub(crate) fn new(skip: u64, known: Option<(Only, Book)>) -> Self {
        Self {
            skip,
            known,
            ..Self::default()
        }
    }

    /// Counts who is left out there too.
    pub(crate) fn watched_by(self, progress: Arc<Progress>) -> Self {
        Self { progress, ..self }
    }

    /// Whether the delivery with this number is left out. It is asked once for each delivery.
    pub(crate) fn takes(&mut self, number: u32, recipients: usize) -> bool {
        if u64::from(number) < self.skip {
            self.skipped_recipients += recipients as u64;
            return true;
        }
        let Some(people) = self.settled(number, recipients) else {
            return false;
        };
        self.people.add(&people);
        self.progress.add_left_out(&people);
        true
    }

    /// What became of a delivery's people, where each of them needs nothing more. A delivery that
    /// was split is published again as a whole: its key is that of the whole.
    fn settled(&self, number: u32, recipients: usize) -> Option<LeftOutPeople> {
        let (only, book) = self.known.as_ref()?;
        let mut people = LeftOutPeople::default();
        for position in 0..u16::try_from(recipients).ok()? {
            let cell = book.cell(number, position)?;
            let reason = RedriveReason::of(Some(cell));
            if reason.is_some_and(|reason| only.reasons().contains(&reason)) {
                return None;
            }
            people.count(cell.outcome());
        }
        Some(people)
    }

    /// The recipients of the deliveries that an earlier invocation has published, and how many more
    /// deliveries it has published than `made`: the slice is not the same then.
    pub(crate) fn skipped(&self, made: u32) -> (u64, u64) {
        let more = self.skip.saturating_sub(u64::from(made));
        (self.skipped_recipients, more)
    }

    /// Who is left out because they have an outcome.
    pub(crate) fn people(&self) -> LeftOutPeople {
        self.people
    }
}

/// How many deliveries of a list are left out. Those of another list are others.
pub(crate) fn skipped(skip: Option<&Skip>, list: &OpenSlice) -> Result<u64, ProduceError> {
    match skip {
        None => Ok(0),
        Some(skip) if skip.etag == list.source.etag => Ok(skip.n),
        Some(_) => Err(ProduceError::SkipOfAnotherList(list.source.name.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fanline_ledger::{CellReason, DeliveryOutcome, Departed, Standing};

    fn book(outcomes: &[(&str, u16, CellReason)]) -> Book {
        let mut book = Book::new("1".parse().unwrap(), 100);
        for (at, people, reason) in outcomes {
            book.merge(&DeliveryOutcome {
                standing: Standing::At(at.parse().unwrap()),
                people: *people,
                reason: *reason,
                status: None,
                request_id: None,
                receives: 1,
                departed: Departed::Answered,
                latency_ms: None,
                time: "2026-12-25T00:00:00Z".parse().unwrap(),
                words: None,
            });
        }
        book
    }

    #[test]
    fn who_has_an_outcome_is_left_out_and_a_firing_sends_again_what_was_set_aside() {
        use CellReason::{Accepted, Quota, Refused};
        let known = || {
            book(&[
                ("1:0", 3, Accepted),
                ("1:1", 2, Quota),
                ("1:2:0-1", 2, Accepted),
                ("1:4", 1, Refused),
            ])
        };
        let left_out = |skip, only| {
            let mut left_out = LeftOut::new(skip, Some((only, known())));
            let sizes = [3, 2, 3, 1, 1];
            let taken: Vec<bool> = (0..)
                .zip(sizes)
                .map(|(number, size)| left_out.takes(number, size))
                .collect();
            (taken, left_out)
        };
        let (taken, counts) = left_out(0, Only::Waiting);
        assert_eq!(taken, [true, true, false, false, true]);
        assert_eq!(counts.people().total(), 6);
        let (taken, counts) = left_out(0, Only::NotSent);
        assert_eq!(taken, [true, false, false, false, true]);
        assert_eq!(counts.people().total(), 4);
        let (taken, _) = left_out(
            0,
            Only::Redriven(vec![RedriveReason::Waiting, RedriveReason::Expired]),
        );
        assert_eq!(taken, [true, true, false, false, true]);
        let (taken, _) = left_out(0, Only::Redriven(vec![RedriveReason::Quota]));
        assert_eq!(taken, [true, false, false, false, true]);
        let (taken, counts) = left_out(3, Only::Waiting);
        assert_eq!(taken, [true, true, true, false, true]);
        assert_eq!((counts.people().total(), counts.skipped(5)), (1, (8, 0)));
        assert_eq!(counts.skipped(2), (8, 1));
    }
}

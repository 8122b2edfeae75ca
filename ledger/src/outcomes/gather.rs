//! A batch of outcome messages, sorted by what they are merged into.

use std::collections::BTreeMap;

use super::delivery_outcome::{DeliveryOutcome, Standing};
use super::message::OutcomeMessage;
use crate::at::SliceId;

/// The outcomes of one run in a batch of messages.
#[derive(Debug, Default)]
pub struct RunOutcomes<'a> {
    /// The run's messages: what goes into one page.
    pub messages: Vec<&'a OutcomeMessage>,
    /// What goes into the book of each slice.
    pub slices: BTreeMap<SliceId, Vec<&'a DeliveryOutcome>>,
    /// What goes into the book of loose deliveries.
    pub loose: Vec<&'a DeliveryOutcome>,
}

/// Sorts the outcomes of some messages by run and slice: what the bookkeeper does first with a
/// batch.
///
/// Then, for each run: the page is put, each slice's outcomes are merged into its book, and the
/// loose ones and all misfits of the slices into the book of loose deliveries. Whatever fails, the
/// whole batch may come again.
pub fn gather<'a>(
    messages: impl IntoIterator<Item = &'a OutcomeMessage>,
) -> BTreeMap<&'a str, RunOutcomes<'a>> {
    let mut runs: BTreeMap<&str, RunOutcomes<'_>> = BTreeMap::new();
    for message in messages {
        let run = runs.entry(&message.run).or_default();
        run.messages.push(message);
        for outcome in &message.outcomes {
            match &outcome.standing {
                Standing::At(at) => run.slices.entry(at.slice()).or_default().push(outcome),
                Standing::Loose(_) => run.loose.push(outcome),
            }
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::super::delivery_outcome::tests::accepted;
    use super::*;
    use uuid::Uuid;

    #[test]
    fn each_outcome_goes_to_its_run_and_slice() {
        let loose = DeliveryOutcome {
            standing: Standing::Loose(Uuid::from_u128(1)),
            ..accepted("1:0")
        };
        let message = |run: &str, outcomes| OutcomeMessage {
            run: run.into(),
            retries: 0,
            too_fast: 0,
            outcomes,
        };
        let messages = [
            message("b", vec![accepted("1:0"), accepted("9:0"), loose]),
            message("a", vec![accepted("1c:0")]),
            message("b", vec![accepted("1:1")]),
        ];
        let runs = gather(&messages);
        assert_eq!(runs.keys().collect::<Vec<_>>(), [&"a", &"b"]);
        let b = &runs["b"];
        assert_eq!((b.messages.len(), b.loose.len()), (2, 1));
        let sizes: Vec<_> = b
            .slices
            .iter()
            .map(|(slice, outcomes)| (slice.to_string(), outcomes.len()))
            .collect();
        assert_eq!(sizes, [("1".to_owned(), 2), ("9".to_owned(), 1)]);
        assert_eq!(runs["a"].slices.len(), 1);
    }
}

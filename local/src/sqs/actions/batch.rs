//! What all batch actions share: the rules for the entries together, and the answer with its two lists.

use std::collections::HashSet;

use serde::Serialize;

use crate::sqs::refusal::Refusal;

/// A batch request takes ten entries at most.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>
pub(crate) const MAX_ENTRIES: usize = 10;

/// The answer to a batch request: HTTP 200 whatever became of the entries.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct BatchAnswer<T> {
    pub(crate) successful: Vec<T>,
    pub(crate) failed: Vec<Failed>,
}

/// An entry that did what was asked, where there is nothing more to say of it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Done {
    pub(crate) id: String,
}

/// An entry that failed by itself.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Failed {
    pub(crate) id: String,
    pub(crate) sender_fault: bool,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Failed {
    /// The entry `id`, refused.
    pub(crate) fn new(id: &str, refusal: &Refusal) -> Self {
        Self {
            id: id.to_owned(),
            sender_fault: refusal.sender_fault(),
            code: refusal.code(),
            message: refusal.to_string(),
        }
    }
}

impl<T> BatchAnswer<T> {
    /// An answer with nothing in it yet.
    pub(crate) fn new() -> Self {
        Self {
            successful: Vec::new(),
            failed: Vec::new(),
        }
    }

    /// Adds what became of the entry `id`.
    pub(crate) fn add(&mut self, id: &str, result: Result<T, Refusal>) {
        match result {
            Ok(done) => self.successful.push(done),
            Err(refusal) => self.failed.push(Failed::new(id, &refusal)),
        }
    }
}

/// Refuses the whole request where its entries don't make a batch. `entry` is the name of their type.
pub(crate) fn check<'a>(
    ids: impl ExactSizeIterator<Item = &'a str>,
    entry: &'static str,
) -> Result<(), Refusal> {
    match ids.len() {
        0 => return Err(Refusal::EmptyBatchRequest(entry)),
        count if count > MAX_ENTRIES => return Err(Refusal::TooManyEntriesInBatchRequest(count)),
        _ => {}
    }
    let mut seen = HashSet::new();
    for id in ids {
        let valid = (1..=80).contains(&id.len())
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if !valid {
            return Err(Refusal::InvalidBatchEntryId);
        }
        if !seen.insert(id) {
            return Err(Refusal::BatchEntryIdsNotDistinct(id.to_owned()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_that_make_no_batch_are_refused_together() {
        let check = |ids: &[&str]| check(ids.iter().copied(), "Entry");
        assert_eq!(check(&["a", "B-_9", &"x".repeat(80)]), Ok(()));
        assert_eq!(check(&[]), Err(Refusal::EmptyBatchRequest("Entry")));
        assert_eq!(
            check(&["a"; 11]),
            Err(Refusal::TooManyEntriesInBatchRequest(11))
        );
        assert_eq!(
            check(&["a", "a"]),
            Err(Refusal::BatchEntryIdsNotDistinct("a".to_owned()))
        );
        for bad in ["", "a.b", "a:b", "é", &"x".repeat(81)] {
            assert_eq!(check(&[bad]), Err(Refusal::InvalidBatchEntryId), "{bad}");
        }
    }
}

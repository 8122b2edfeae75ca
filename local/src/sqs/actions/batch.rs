//! The requests with one entry or with several, and the answer to several.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::sqs::refusal::Refusal;

/// A batch request has at most ten entries.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>
const MAX_ENTRIES: usize = 10;

/// The id of an entry has at most 80 characters.
const MAX_ENTRY_ID: usize = 80;

/// A request with one entry, for example `DeleteMessage`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SingleRequest<'a, E> {
    #[serde(borrow, default)]
    pub(crate) queue_url: Cow<'a, str>,
    #[serde(flatten)]
    pub(crate) entry: E,
}

/// A request with several entries, for example `DeleteMessageBatch`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct BatchRequest<'a, E> {
    #[serde(borrow, default)]
    pub(crate) queue_url: Cow<'a, str>,
    #[serde(default = "Vec::new")]
    pub(crate) entries: Vec<E>,
}

/// The answer to a batch request. The status is 200 even if all entries failed.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct BatchAnswer<T> {
    successful: Vec<T>,
    failed: Vec<FailedEntry>,
}

/// An entry that succeeded, with nothing more to tell.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DoneEntry {
    pub(crate) id: String,
}

/// An entry that failed.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct FailedEntry {
    id: String,
    sender_fault: bool,
    code: &'static str,
    message: String,
}

impl<T> BatchAnswer<T> {
    /// An answer without entries.
    pub(crate) fn new() -> Self {
        Self {
            successful: Vec::new(),
            failed: Vec::new(),
        }
    }

    /// Adds the result of the entry with this id.
    pub(crate) fn add(&mut self, id: &str, result: Result<T, Refusal>) {
        match result {
            Ok(done) => self.successful.push(done),
            Err(refusal) => self.failed.push(FailedEntry {
                id: id.to_owned(),
                sender_fault: refusal.sender_fault(),
                code: refusal.code(),
                message: refusal.to_string(),
            }),
        }
    }
}

/// Refuses the whole request if there are too few or too many entries, or if their ids are not
/// good. `entry_type` is the name of their type.
pub(crate) fn check_entry_ids<'a>(
    ids: impl ExactSizeIterator<Item = &'a str>,
    entry_type: &'static str,
) -> Result<(), Refusal> {
    match ids.len() {
        0 => return Err(Refusal::EmptyBatchRequest(entry_type)),
        count if count > MAX_ENTRIES => return Err(Refusal::TooManyEntriesInBatchRequest(count)),
        _ => {}
    }
    let mut seen = HashSet::new();
    for id in ids {
        let is_valid = (1..=MAX_ENTRY_ID).contains(&id.len())
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if !is_valid {
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
    fn a_batch_has_one_to_ten_entries_with_different_ids() {
        let check = |ids: &[&str]| check_entry_ids(ids.iter().copied(), "Entry");
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

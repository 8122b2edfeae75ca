//! What an answer of the queue means: which entries are done with, and whether to try the others again.

use std::time::Duration;

use aws_sdk_sqs::operation::send_message_batch::SendMessageBatchOutput;
use aws_sdk_sqs::types::BatchResultErrorEntry;

use crate::publish::pack::Entry;

/// The longest wait before the second attempt; it doubles up to [`MAX_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(100);
const MAX_WAIT: Duration = Duration::from_secs(5);

/// What became of one request's entries.
#[derive(Debug, Default)]
pub(crate) struct Receipt {
    /// How many requests it took.
    pub(crate) requests: u64,
    /// What is on the queue, and the recipients in it.
    pub(crate) deliveries: u64,
    pub(crate) recipients: u64,
    pub(crate) slices: u64,
    /// Entries that the queue will never take, and its reason.
    pub(crate) refused: Vec<(Entry, String)>,
}

/// Full jitter between nothing and this: what failed together does not come back together.
/// <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>
pub(crate) fn longest_wait(attempt: u32) -> Duration {
    FIRST_WAIT
        .saturating_mul(1 << (attempt - 1).min(10))
        .min(MAX_WAIT)
}

/// Takes out of `entries` what the answer settles, and says what is wrong with the rest.
///
/// An entry that the answer does not mention is not known to be on the queue, so it stays.
pub(crate) fn settle(
    entries: &mut Vec<Entry>,
    answer: &SendMessageBatchOutput,
    receipt: &mut Receipt,
) -> String {
    let at = |id: &str| id.parse::<usize>().ok();
    let taken: Vec<usize> = answer
        .successful()
        .iter()
        .filter_map(|entry| at(entry.id()))
        .collect();
    let mut problem = "the answer leaves entries out".to_owned();
    let mut refused: Vec<(usize, String)> = Vec::new();
    for failed in answer.failed() {
        let words = words(failed);
        match at(failed.id()).filter(|_| failed.sender_fault()) {
            Some(id) => refused.push((id, words)),
            None => problem = words,
        }
    }
    let all = std::mem::take(entries);
    for (id, entry) in all.into_iter().enumerate() {
        if taken.contains(&id) {
            match entry {
                Entry::Delivery { .. } => receipt.deliveries += 1,
                Entry::Slice(_) => receipt.slices += 1,
            }
            receipt.recipients += entry.rows().len() as u64;
        } else if let Some(found) = refused.iter().position(|(refused, _)| *refused == id) {
            receipt.refused.push((entry, refused.swap_remove(found).1));
        } else {
            entries.push(entry);
        }
    }
    problem
}

fn words(failed: &BatchResultErrorEntry) -> String {
    match failed.message() {
        Some(message) => format!("{}: {message}", failed.code()),
        None => failed.code().to_owned(),
    }
}

/// Whether a request that failed so would fail again. What is not known is tried again, and so is a queue that does not
/// exist: for some seconds after its creation not every server knows it.
pub(crate) fn is_final(code: Option<&str>, status: Option<u16>) -> bool {
    // The query protocol's names are still in use as well. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
    let code = code.unwrap_or_default();
    let code = code.strip_prefix("AWS.SimpleQueueService.").unwrap_or(code);
    let refused_by_name = matches!(
        code,
        "AccessDenied"
            | "AccessDeniedException"
            | "BatchEntryIdsNotDistinct"
            | "BatchRequestTooLong"
            | "EmptyBatchRequest"
            | "IncompleteSignature"
            | "InvalidAddress"
            | "InvalidAttributeValue"
            | "InvalidBatchEntryId"
            | "InvalidClientTokenId"
            | "InvalidMessageContents"
            | "InvalidParameterValue"
            | "InvalidSecurity"
            | "KmsAccessDenied"
            | "KmsDisabled"
            | "KmsInvalidKeyUsage"
            | "KmsInvalidState"
            | "KmsNotFound"
            | "KmsOptInRequired"
            | "MissingParameter"
            | "TooManyEntriesInBatchRequest"
            | "UnrecognizedClientException"
            | "UnsupportedOperation"
    );
    matches!(status, Some(401 | 403)) || refused_by_name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::publish::group::Group;
    use crate::publish::pack::RowNumber;
    use aws_sdk_sqs::types::SendMessageBatchResultEntry;

    fn entries(n: usize) -> Vec<Entry> {
        (0..n)
            .map(|i| Entry::Delivery {
                group: Group {
                    messages: format!("messages {i}").into(),
                    recipients: Vec::new(),
                    rows: vec![RowNumber { row: 1, line: 2 }; i],
                },
                bytes: 1,
            })
            .collect()
    }

    fn taken(id: &str) -> SendMessageBatchResultEntry {
        SendMessageBatchResultEntry::builder()
            .id(id)
            .message_id("m")
            .md5_of_message_body("5")
            .build()
            .unwrap()
    }

    fn failed(id: &str, sender_fault: bool) -> BatchResultErrorEntry {
        BatchResultErrorEntry::builder()
            .id(id)
            .sender_fault(sender_fault)
            .code("Odd")
            .message("words")
            .build()
            .unwrap()
    }

    #[test]
    fn only_what_is_neither_taken_nor_refused_stays() {
        let answer = SendMessageBatchOutput::builder()
            .successful(taken("0"))
            .successful(taken("3"))
            .successful(taken("77"))
            .failed(failed("1", true))
            .failed(failed("2", false))
            .build()
            .unwrap();
        let mut left = entries(5);
        let mut receipt = Receipt::default();
        let problem = settle(&mut left, &answer, &mut receipt);
        assert_eq!(problem, "Odd: words");
        let mut stays = entries(5);
        stays.remove(3);
        stays.drain(..2);
        assert_eq!(left, stays);
        assert_eq!((receipt.deliveries, receipt.recipients), (2, 3));
        assert_eq!(
            receipt.refused,
            [(entries(2).remove(1), "Odd: words".to_owned())]
        );
    }

    #[test]
    fn only_what_would_fail_again_is_given_up_at_once() {
        for (code, status, is_final_) in [
            (None, None, false),
            (None, Some(500), false),
            (None, Some(503), false),
            (None, Some(400), false),
            (None, Some(403), true),
            (Some("RequestThrottled"), Some(400), false),
            (Some("ThrottlingException"), Some(400), false),
            (Some("KmsThrottled"), Some(400), false),
            (Some("QueueDoesNotExist"), Some(400), false),
            (
                Some("AWS.SimpleQueueService.NonExistentQueue"),
                Some(400),
                false,
            ),
            (
                Some("AWS.SimpleQueueService.BatchRequestTooLong"),
                Some(400),
                true,
            ),
            (Some("AccessDenied"), Some(400), true),
            (Some("KmsDisabled"), Some(400), true),
            (Some("InvalidAddress"), Some(404), true),
        ] {
            assert_eq!(is_final(code, status), is_final_, "{code:?} {status:?}");
        }
    }

    #[test]
    fn the_waits_double_up_to_a_bound() {
        let waits: Vec<u128> = (1..=9)
            .map(|attempt| longest_wait(attempt).as_millis())
            .collect();
        assert_eq!(waits, [100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
        assert_eq!(longest_wait(u32::MAX), MAX_WAIT);
    }
}

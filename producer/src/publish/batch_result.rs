//! What the queue's answer to a request means for each entry, and for the whole request.

use aws_sdk_sqs::operation::send_message_batch::SendMessageBatchOutput;
use aws_sdk_sqs::types::BatchResultErrorEntry;

use crate::publish::pack::Entry;

/// What became of the entries of one request.
#[derive(Debug, Default)]
pub(crate) struct BatchResult {
    /// How many requests it took.
    pub(crate) requests: u64,
    /// Deliveries on the queue.
    pub(crate) deliveries: u64,
    /// Recipients of these deliveries.
    pub(crate) recipients: u64,
    /// Slices on the queue.
    pub(crate) slices: u64,
    pub(crate) refused: Vec<RefusedEntry>,
}

/// An entry that the queue will never take.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RefusedEntry {
    pub(crate) entry: Entry,
    /// The queue's own words.
    pub(crate) reason: String,
}

impl BatchResult {
    /// Takes out of `entries` what is on the queue or refused for good. Returns what is wrong with
    /// the entries that are left: they have to be sent again.
    ///
    /// An entry that the answer does not mention is left: it may not be on the queue.
    pub(crate) fn take_settled(
        &mut self,
        entries: &mut Vec<Entry>,
        answer: &SendMessageBatchOutput,
    ) -> String {
        // An entry's ID is its position. An ID that is no position is not ours, and is ignored.
        let position = |id: &str| id.parse::<usize>().ok();
        let taken: Vec<usize> = answer
            .successful()
            .iter()
            .filter_map(|entry| position(entry.id()))
            .collect();
        let mut problem = "the answer does not mention every entry".to_owned();
        let mut refused: Vec<(usize, String)> = Vec::new();
        for failed in answer.failed() {
            let words = words(failed);
            match position(failed.id()).filter(|_| failed.sender_fault()) {
                Some(id) => refused.push((id, words)),
                None => problem = words,
            }
        }
        let all = std::mem::take(entries);
        for (id, entry) in all.into_iter().enumerate() {
            if taken.contains(&id) {
                self.count(&entry);
            } else if let Some(at) = refused.iter().position(|(refused, _)| *refused == id) {
                let (_, reason) = refused.swap_remove(at);
                self.refused.push(RefusedEntry { entry, reason });
            } else {
                entries.push(entry);
            }
        }
        problem
    }

    fn count(&mut self, entry: &Entry) {
        match entry {
            Entry::Delivery { .. } => self.deliveries += 1,
            Entry::Slice(_) => self.slices += 1,
        }
        self.recipients += entry.rows().len() as u64;
    }
}

fn words(failed: &BatchResultErrorEntry) -> String {
    match failed.message() {
        Some(message) => format!("{}: {message}", failed.code()),
        None => failed.code().to_owned(),
    }
}

/// Whether a request that failed like this would fail again. What is not known here is tried again.
/// So is a queue that does not exist: some servers hear of a new queue some seconds later.
pub(crate) fn is_permanent(code: Option<&str>, status: Option<u16>) -> bool {
    matches!(status, Some(401 | 403)) || code.is_some_and(is_permanent_code)
}

fn is_permanent_code(code: &str) -> bool {
    // The names of the query protocol are still in use too.
    // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
    let name = match code.strip_prefix("AWS.SimpleQueueService.") {
        Some(name) => name,
        None => code,
    };
    matches!(
        name,
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
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::list::rows::RowNumber;
    use crate::publish::group::Group;
    use aws_sdk_sqs::types::SendMessageBatchResultEntry;

    fn entries(n: usize) -> Vec<Entry> {
        (0..n)
            .map(|i| Entry::Delivery {
                number: 0,
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
    fn only_what_is_neither_taken_nor_refused_is_left() {
        let answer = SendMessageBatchOutput::builder()
            .successful(taken("0"))
            .successful(taken("3"))
            .successful(taken("77"))
            .failed(failed("1", true))
            .failed(failed("2", false))
            .build()
            .unwrap();
        let mut left = entries(5);
        let mut result = BatchResult::default();
        let problem = result.take_settled(&mut left, &answer);
        assert_eq!(problem, "Odd: words");
        let mut expected = entries(5);
        expected.remove(3);
        expected.drain(..2);
        assert_eq!(left, expected);
        assert_eq!((result.deliveries, result.recipients), (2, 3));
        let refused = RefusedEntry {
            entry: entries(2).remove(1),
            reason: "Odd: words".to_owned(),
        };
        assert_eq!(result.refused, [refused]);
    }

    #[test]
    fn only_what_would_fail_again_is_given_up_at_once() {
        let old = "AWS.SimpleQueueService";
        for (code, status, expected) in [
            (None, None, false),
            (None, Some(500), false),
            (None, Some(503), false),
            (None, Some(400), false),
            (None, Some(401), true),
            (None, Some(403), true),
            (Some("RequestThrottled"), Some(400), false),
            (Some("ThrottlingException"), Some(400), false),
            (Some("KmsThrottled"), Some(400), false),
            (Some("QueueDoesNotExist"), Some(400), false),
            (Some(&*format!("{old}.NonExistentQueue")), Some(400), false),
            (
                Some(&*format!("{old}.BatchRequestTooLong")),
                Some(400),
                true,
            ),
            (Some("AccessDenied"), Some(400), true),
            (Some("KmsDisabled"), Some(400), true),
            (Some("InvalidAddress"), Some(404), true),
        ] {
            assert_eq!(is_permanent(code, status), expected, "{code:?} {status:?}");
        }
    }
}

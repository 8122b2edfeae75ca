//! One request, until every entry of it is on the queue or refused for good.

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::operation::send_message_batch::{SendMessageBatchError, SendMessageBatchOutput};
use aws_sdk_sqs::types::{BatchResultErrorEntry, SendMessageBatchRequestEntry};
use fanline_core::campaign::{Campaign, CampaignError};
use fanline_core::delivery::Delivery;
use jiff::Timestamp;

use crate::pack::{Entry, MAX_ENTRIES};
use crate::settings::QueueGroups;

/// The longest wait before the second attempt; it doubles up to [`MAX_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(100);
const MAX_WAIT: Duration = Duration::from_secs(5);

/// The SDK sets no limit of its own to an answer that never comes. Ten times what a full request takes on a slow day.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// A queue of deliveries or slices.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    client: Client,
    url: String,
    attempts: u32,
}

/// What is said to the queue about every delivery of a campaign.
#[derive(Debug)]
pub(crate) struct Postmark {
    campaign: Arc<Campaign>,
    groups: QueueGroups,
}

/// What became of one request's entries.
#[derive(Debug, Default)]
pub(crate) struct Receipt {
    /// How many requests it took.
    pub(crate) requests: u64,
    /// Entries on the queue, and the recipients in them.
    pub(crate) entries: u64,
    pub(crate) recipients: u64,
    /// Entries that the queue will never take, and its reason.
    pub(crate) refused: Vec<(Entry, String)>,
}

/// Why entries are not on the queue, or not known to be.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The queue refuses the whole request, and would refuse it again.
    #[error("the queue `{queue}` refused the request: {problem}")]
    Refused {
        /// The queue's name.
        queue: String,
        /// Its code and words.
        problem: String,
    },
    /// It was tried as often as the settings allow.
    #[error(
        "the queue `{queue}` did not take the request in {attempts} attempts; the last: {problem}"
    )]
    GaveUp {
        /// The queue's name.
        queue: String,
        /// How often it was tried.
        attempts: u32,
        /// What went wrong the last time.
        problem: String,
    },
}

impl Postmark {
    /// What a campaign's deliveries are marked with; an error where the queue can't do what the campaign asks for.
    pub(crate) fn new(campaign: Arc<Campaign>, groups: QueueGroups) -> Result<Self, CampaignError> {
        if groups == QueueGroups::Fifo && campaign.deliver_at.is_some() {
            // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
            return Err(CampaignError::field(
                "deliver_at",
                "can't be kept by a FIFO queue, which delays no single message: schedule the fan-out for that time",
            ));
        }
        campaign.delay_seconds(Timestamp::now())?;
        Ok(Self { campaign, groups })
    }

    /// How long what is sent now stays hidden; unsaid where the campaign does not care.
    fn delay(&self, now: Timestamp) -> Option<i32> {
        self.campaign.deliver_at?;
        self.campaign.delay_seconds(now).ok().map(i32::from)
    }
}

/// An entry as the SDK sends it. The SDK takes what it sends, and what the queue refuses is sent again: so one copy is made.
#[expect(
    clippy::expect_used,
    reason = "id and body, all that the builder asks for, are set"
)]
fn request_entry(
    id: usize,
    body: &str,
    mark: Option<&Postmark>,
    delay: Option<i32>,
) -> SendMessageBatchRequestEntry {
    let entry = SendMessageBatchRequestEntry::builder()
        .id(id.to_string())
        .message_body(body)
        .set_delay_seconds(delay);
    let entry = match mark.map(|mark| (mark.groups, &mark.campaign.id)) {
        None | Some((QueueGroups::None, _)) => entry,
        Some((QueueGroups::Fair, group)) => entry.message_group_id(group),
        Some((QueueGroups::Fifo, group)) => {
            let key = Delivery::decode(body).map(|delivery| delivery.retry_key().to_string());
            entry
                .message_group_id(group)
                .set_message_deduplication_id(key.ok())
        }
    };
    entry.build().expect("id and body are set")
}

impl Queue {
    /// The queue at `url`, reached with the SDK's settings; `attempts` is how often an entry is offered.
    pub(crate) fn new(config: &SdkConfig, url: String, attempts: u32) -> Self {
        let mut builder = aws_sdk_sqs::config::Builder::from(config)
            // One loop for all that can go wrong: the SDK would repeat requests, but never the entries that an answer refuses.
            .retry_config(RetryConfig::disabled());
        if config
            .timeout_config()
            .is_none_or(|timeouts| timeouts.operation_attempt_timeout().is_none())
        {
            let timeouts = TimeoutConfig::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .operation_attempt_timeout(ATTEMPT_TIMEOUT);
            builder = builder.timeout_config(timeouts.build());
        }
        Self {
            client: Client::from_conf(builder.build()),
            url,
            attempts,
        }
    }

    /// Sends up to ten entries until each is on the queue or refused for good.
    ///
    /// An entry may be on the queue twice afterwards, where an answer was lost: its retry key is the same.
    pub(crate) async fn send(
        &self,
        mut entries: Vec<Entry>,
        mark: Option<&Postmark>,
    ) -> Result<Receipt, QueueError> {
        let mut receipt = Receipt::default();
        let mut attempt = 0;
        loop {
            attempt += 1;
            receipt.requests += 1;
            let problem = match self.attempt(&entries, mark).await {
                Ok(answer) => settle(&mut entries, &answer, &mut receipt),
                Err(error) if is_final(error.code(), status(&error)) => {
                    return Err(QueueError::Refused {
                        queue: self.name(),
                        problem: shown(&error),
                    });
                }
                Err(error) => shown(&error),
            };
            if entries.is_empty() {
                return Ok(receipt);
            }
            if attempt >= self.attempts {
                return Err(QueueError::GaveUp {
                    queue: self.name(),
                    attempts: attempt,
                    problem,
                });
            }
            tokio::time::sleep(rand::random_range(Duration::ZERO..=longest_wait(attempt))).await;
        }
    }

    async fn attempt(
        &self,
        entries: &[Entry],
        mark: Option<&Postmark>,
    ) -> Result<SendMessageBatchOutput, SdkError<SendMessageBatchError>> {
        // At each attempt anew: what was held up is not delayed on top.
        let delay = mark.and_then(|mark| mark.delay(Timestamp::now()));
        let mut request = Vec::with_capacity(MAX_ENTRIES);
        request.extend(
            entries
                .iter()
                .enumerate()
                .map(|(id, entry)| request_entry(id, &entry.body, mark, delay)),
        );
        self.client
            .send_message_batch()
            .queue_url(&self.url)
            .set_entries(Some(request))
            .send()
            .await
    }

    /// The queue's name, for people.
    fn name(&self) -> String {
        self.url.rsplit('/').next().unwrap_or_default().to_owned()
    }
}

/// Full jitter between nothing and this: what failed together does not come back together.
/// <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>
fn longest_wait(attempt: u32) -> Duration {
    FIRST_WAIT
        .saturating_mul(1 << (attempt - 1).min(10))
        .min(MAX_WAIT)
}

/// Takes out of `entries` what the answer settles, and says what is wrong with the rest.
///
/// An entry that the answer does not mention is not known to be on the queue, so it stays.
fn settle(
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
            receipt.entries += 1;
            receipt.recipients += entry.rows.len() as u64;
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
fn is_final(code: Option<&str>, status: Option<u16>) -> bool {
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

fn status<E>(error: &SdkError<E>) -> Option<u16> {
    error
        .raw_response()
        .map(|response| response.status().as_u16())
}

/// What went wrong, in one line: the queue's code and words where it answered.
fn shown(error: &SdkError<SendMessageBatchError>) -> String {
    match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        _ => innermost(error),
    }
}

/// The cause at the bottom, such as a refused connection: what lies above it only says "dispatch failure".
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::RowNumber;
    use aws_sdk_sqs::types::SendMessageBatchResultEntry;

    fn entries(n: usize) -> Vec<Entry> {
        (0..n)
            .map(|i| Entry {
                body: format!("body {i}"),
                rows: vec![RowNumber { row: 1, line: 2 }; i],
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
        let bodies: Vec<_> = left.iter().map(|entry| entry.body.as_str()).collect();
        assert_eq!(bodies, ["body 2", "body 4"]);
        assert_eq!((receipt.entries, receipt.recipients), (2, 3));
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

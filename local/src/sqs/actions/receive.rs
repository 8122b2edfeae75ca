//! `ReceiveMessage`: takes visible messages, or waits for the first one.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::clock::Millis;
use crate::sqs::account::Account;
use crate::sqs::actions::receive::received_entry::{AskedAttributes, ReceivedEntry};
use crate::sqs::faults::FaultDraws;
use crate::sqs::handle::ReceiptHandle;
use crate::sqs::message::StoredMessage;
use crate::sqs::queue::Queue;
use crate::sqs::refusal::Refusal;
use crate::sqs::store::slots::SlotKey;
use crate::sqs::store::{Take, Taken};

mod received_entry;

/// A receive gives at most ten messages.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html>
const MAX_MESSAGES: i64 = 10;

/// A receive waits for at most 20 seconds.
const MAX_WAIT_SECONDS: i64 = 20;

/// A receive hides its messages for at most twelve hours.
const MAX_VISIBILITY_SECONDS: i64 = 43_200;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ReceiveMessage<'a> {
    #[serde(borrow, default)]
    queue_url: Cow<'a, str>,
    max_number_of_messages: Option<i64>,
    visibility_timeout: Option<i64>,
    wait_time_seconds: Option<i64>,
    /// The older name of `MessageSystemAttributeNames`.
    #[serde(default)]
    attribute_names: Vec<String>,
    #[serde(default)]
    message_system_attribute_names: Vec<String>,
    #[serde(default)]
    message_attribute_names: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ReceiveAnswer {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<ReceivedEntry>,
}

/// The numbers of a request, within their limits.
struct ReceiveBounds {
    max: usize,
    visibility: Option<Millis>,
    wait: Option<Millis>,
}

/// Takes up to ten messages. If there is none, waits for one as long as the request or the queue
/// says.
pub(crate) async fn receive(
    account: &Account,
    mut request: ReceiveMessage<'_>,
    draws: &mut FaultDraws<'_>,
) -> Result<ReceiveAnswer, Refusal> {
    let queue = account.at(&request.queue_url)?;
    let mut bounds = bounds(&request)?;
    let mut system = std::mem::take(&mut request.message_system_attribute_names);
    system.append(&mut request.attribute_names);
    let asked = AskedAttributes::new(system, request.message_attribute_names)?;
    let started = account.clock.millis();
    let wait = bounds
        .wait
        .unwrap_or_else(|| Millis::from(queue.lock().attributes.receive_wait_seconds) * 1_000);
    let short = draws.short(bounds.max);
    bounds.max = short.unwrap_or(bounds.max);
    let deadline = if short == Some(0) {
        started
    } else {
        started + wait
    };
    let _wake_next = WakeNext(&queue.arrived);
    loop {
        // Enabled before the look at the queue, so that a message that arrives between the two is
        // seen.
        let mut arrived = std::pin::pin!(queue.arrived.notified());
        arrived.as_mut().enable();
        let now = account.clock.millis();
        let look = take(account, &queue, &bounds, now, wait == 0, draws)?;
        if !look.received.is_empty() || now >= deadline {
            let messages = look
                .received
                .into_iter()
                .map(|(key, message)| {
                    let handle = ReceiptHandle {
                        queue: queue.number,
                        key,
                        receive: message.receives,
                    };
                    asked.describe(&message, handle)
                })
                .collect::<Result<_, _>>()?;
            return Ok(ReceiveAnswer { messages });
        }
        let until = look.next_wake.map_or(deadline, |wake| wake.min(deadline));
        tokio::select! {
            biased;
            () = arrived => {
                account.named(&queue.name)?;
            }
            () = account.clock.sleep_until(until) => {}
        }
    }
}

fn bounds(request: &ReceiveMessage<'_>) -> Result<ReceiveBounds, Refusal> {
    let max = request.max_number_of_messages.unwrap_or(1);
    let max = usize::try_from(max)
        .ok()
        .filter(|_| (1..=MAX_MESSAGES).contains(&max))
        .ok_or_else(|| {
            Refusal::value(
                max,
                "MaxNumberOfMessages",
                "Must be between 1 and 10, if provided.",
            )
        })?;
    Ok(ReceiveBounds {
        max,
        visibility: seconds(
            request.visibility_timeout,
            MAX_VISIBILITY_SECONDS,
            "VisibilityTimeout",
        )?,
        wait: seconds(
            request.wait_time_seconds,
            MAX_WAIT_SECONDS,
            "WaitTimeSeconds",
        )?,
    })
}

/// A parameter in seconds, from 0 to `max`, as milliseconds.
fn seconds(value: Option<i64>, max: i64, parameter: &str) -> Result<Option<Millis>, Refusal> {
    let Some(value) = value else {
        return Ok(None);
    };
    Millis::try_from(value)
        .ok()
        .filter(|_| value <= max)
        .map(|seconds| Some(seconds * 1_000))
        .ok_or_else(|| {
            let reason = format!("Must be >= 0 and <= {max}, if provided.");
            Refusal::value(value, parameter, &reason)
        })
}

/// Wakes another poll when this one ends, also if it is cancelled. A send wakes only one poll, and
/// that one can leave messages behind. Only a poll that has looked at the queue since knows when
/// the messages in flight come back.
struct WakeNext<'a>(&'a Notify);

impl Drop for WakeNext<'_> {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// What one look at the queue found.
struct QueueLook {
    received: Vec<(SlotKey, StoredMessage)>,
    next_wake: Option<Millis>,
}

/// Looks at the queue once: takes the visible messages, and says when the next one becomes visible.
/// `is_short`: the poll does not wait.
fn take(
    account: &Account,
    queue: &Queue,
    bounds: &ReceiveBounds,
    now: Millis,
    is_short: bool,
    draws: &mut FaultDraws<'_>,
) -> Result<QueueLook, Refusal> {
    let mut state = queue.lock();
    let retention = state.attributes.retention();
    let in_flight = state.store.counts(now, retention).in_flight;
    let room = account.max_in_flight.saturating_sub(in_flight);
    // A long poll finds no messages instead, and so does every poll of a FIFO queue.
    // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
    if room == 0 && is_short && !queue.fifo {
        return Err(Refusal::OverLimit(
            "The maximum number of in flight messages is reached.".to_owned(),
        ));
    }
    let redrive = state.attributes.redrive.as_ref();
    let dead_letters = redrive
        .and_then(|redrive| Some((account.with_arn(&redrive.target_arn)?, redrive.max_receives)));
    let take = Take {
        max: bounds.max.min(room),
        visibility: bounds
            .visibility
            .unwrap_or_else(|| Millis::from(state.attributes.visibility_timeout) * 1_000),
        retention,
        max_receives: dead_letters.as_ref().map(|(_, max)| *max),
    };
    let Taken { received, dead } = state.store.receive(now, take);
    if !queue.fifo {
        for (key, _) in received.iter().filter(|_| draws.duplicated()) {
            state.store.hide(*key, now, now);
        }
    }
    let next_wake = state.store.next_wake();
    drop(state);
    if let Some((target, _)) = dead_letters {
        let dead = dead
            .into_iter()
            .map(|message| dead_letter(message, queue))
            .collect();
        target.adopt(dead, now);
    }
    Ok(QueueLook {
        received,
        next_wake,
    })
}

/// The message for the dead-letter queue: it names the queue that it comes from.
fn dead_letter(mut message: StoredMessage, source: &Queue) -> StoredMessage {
    let extra = Arc::make_mut(message.extra.get_or_insert_default());
    extra.dead_letter_source = Some(Arc::clone(&source.arn));
    message
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use uuid::Uuid;

    use super::*;
    use crate::sqs::options::QueueOptions;
    use crate::sqs::queue::attributes::QueueAttributes;
    use crate::sqs::store::MAX_IN_FLIGHT;

    fn message() -> StoredMessage {
        StoredMessage {
            id: Uuid::nil(),
            body: Arc::from("x"),
            body_md5: [0; 16],
            extra: None,
            sent_at: 0,
            first_received_at: 0,
            receives: 0,
        }
    }

    #[test]
    fn with_too_many_messages_in_flight_a_short_poll_fails_and_a_long_poll_finds_none() {
        let account = Account::new(String::new(), QueueOptions::default());
        let queue = account
            .create("mail", QueueAttributes::default(), BTreeMap::new())
            .unwrap();
        for _ in 0..=MAX_IN_FLIGHT {
            queue.lock().store.send(message(), 0, 0);
        }
        let bounds = ReceiveBounds {
            max: 10,
            visibility: None,
            wait: None,
        };
        let look = |is_short| {
            take(
                &account,
                &queue,
                &bounds,
                1,
                is_short,
                &mut FaultDraws::none(),
            )
        };
        for _ in 0..MAX_IN_FLIGHT / 10 {
            assert_eq!(look(true).unwrap().received.len(), 10);
        }
        assert!(matches!(look(true), Err(Refusal::OverLimit(_))));
        assert_eq!(look(false).unwrap().received.len(), 0);
    }
}

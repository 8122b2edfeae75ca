//! `ReceiveMessage`: takes visible messages, or waits for the first.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::clock::Millis;
use crate::sqs::account::{Account, Queue};
use crate::sqs::faults::Draws;
use crate::sqs::handle::Handle;
use crate::sqs::message::{self, Attribute, Extra, Message};
use crate::sqs::refusal::Refusal;
use crate::sqs::store::{MAX_IN_FLIGHT, Place, Take, Taken};

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
pub(crate) struct Received {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<ReceivedMessage>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ReceivedMessage {
    message_id: Uuid,
    receipt_handle: String,
    #[serde(rename = "MD5OfBody")]
    md5_of_body: String,
    #[serde(serialize_with = "text")]
    body: Arc<str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<&'static str, String>,
    #[serde(
        rename = "MD5OfMessageAttributes",
        skip_serializing_if = "Option::is_none"
    )]
    md5_of_attributes: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    message_attributes: BTreeMap<String, Attribute>,
}

fn text<S: serde::Serializer>(body: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(body)
}

/// The system attributes that a caller may ask for.
const SYSTEM_ATTRIBUTES: [&str; 9] = [
    "All",
    "SenderId",
    "SentTimestamp",
    "ApproximateReceiveCount",
    "ApproximateFirstReceiveTimestamp",
    "SequenceNumber",
    "MessageDeduplicationId",
    "MessageGroupId",
    "AWSTraceHeader",
];

/// The request with its numbers within bounds.
struct Receive {
    at_most: usize,
    visibility: Option<Millis>,
    wait: Option<Millis>,
}

/// Takes up to ten messages; where there are none, waits for one as long as the caller or the queue says.
pub(crate) async fn receive(
    account: &Account,
    request: ReceiveMessage<'_>,
    draws: &mut Draws<'_>,
) -> Result<Received, Refusal> {
    let queue = account.at(&request.queue_url)?;
    let mut bounds = check(&request)?;
    let started = account.clock.millis();
    let wait = bounds
        .wait
        .unwrap_or_else(|| Millis::from(queue.lock().attributes.receive_wait_seconds) * 1_000);
    let short = draws.short(bounds.at_most);
    bounds.at_most = short.unwrap_or(bounds.at_most);
    let deadline = if short == Some(0) {
        started
    } else {
        started + wait
    };
    let _pass_on = PassOn(&queue.arrived);
    loop {
        // Enabled before the look at the queue: a message that arrives between the two is not missed.
        let mut arrived = std::pin::pin!(queue.arrived.notified());
        arrived.as_mut().enable();
        let now = account.clock.millis();
        let look = take(account, &queue, &bounds, now, wait == 0, draws)?;
        if !look.received.is_empty() || now >= deadline {
            let messages = look
                .received
                .into_iter()
                .map(|(place, message)| describe(&queue, place, &message, &request))
                .collect::<Result<_, _>>()?;
            return Ok(Received { messages });
        }
        let until = look.next_wake.map_or(deadline, |wake| wake.min(deadline));
        tokio::select! {
            () = arrived => {
                account.named(&queue.name)?;
            }
            () = account.clock.sleep_until(until) => {}
        }
    }
}

fn check(request: &ReceiveMessage<'_>) -> Result<Receive, Refusal> {
    let at_most = request.max_number_of_messages.unwrap_or(1);
    if !(1..=10).contains(&at_most) {
        return Err(Refusal::value(
            at_most,
            "MaxNumberOfMessages",
            "Must be between 1 and 10, if provided.",
        ));
    }
    let within = |value: Option<i64>, most: i64, parameter: &str| match value {
        Some(value) if !(0..=most).contains(&value) => Err(Refusal::value(
            value,
            parameter,
            &format!("Must be >= 0 and <= {most}, if provided."),
        )),
        value => {
            Ok(value.and_then(|value| Millis::try_from(value).ok().map(|seconds| seconds * 1_000)))
        }
    };
    for name in request
        .attribute_names
        .iter()
        .chain(&request.message_system_attribute_names)
    {
        if !SYSTEM_ATTRIBUTES.contains(&name.as_str()) && name != "DeadLetterQueueSourceArn" {
            return Err(Refusal::InvalidAttributeName(format!(
                "Unknown Attribute {name}."
            )));
        }
    }
    Ok(Receive {
        at_most: usize::try_from(at_most).unwrap_or(1),
        visibility: within(request.visibility_timeout, 43_200, "VisibilityTimeout")?,
        wait: within(request.wait_time_seconds, 20, "WaitTimeSeconds")?,
    })
}

/// Wakes another poll when this one ends, however it ends: one send wakes one poll, which may leave messages behind; and
/// only a poll that looked after them knows when those in flight come back.
struct PassOn<'a>(&'a Notify);

impl Drop for PassOn<'_> {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// What one look at the queue found.
struct Look {
    received: Vec<(Place, Message)>,
    next_wake: Option<Millis>,
}

/// One look at the queue: what there is to take, and when the next message wakes.
fn take(
    account: &Account,
    queue: &Queue,
    bounds: &Receive,
    now: Millis,
    short: bool,
    draws: &mut Draws<'_>,
) -> Result<Look, Refusal> {
    let mut inside = queue.lock();
    let retention = inside.attributes.retention();
    let room = MAX_IN_FLIGHT.saturating_sub(inside.store.counts(now, retention).in_flight);
    // A long poll answers with nothing instead, and a FIFO queue always does.
    // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
    if room == 0 && short && !queue.fifo {
        return Err(Refusal::OverLimit);
    }
    let redrive = inside.attributes.redrive.as_ref();
    let dead_letters = redrive
        .and_then(|redrive| Some((account.with_arn(&redrive.target_arn)?, redrive.max_receives)));
    let take = Take {
        at_most: bounds.at_most.min(room),
        visibility: bounds
            .visibility
            .unwrap_or_else(|| Millis::from(inside.attributes.visibility_timeout) * 1_000),
        retention,
        max_receives: dead_letters.as_ref().map(|(_, max)| *max),
    };
    let Taken { received, dead } = inside.store.receive(now, take);
    if !queue.fifo {
        for (place, _) in received.iter().filter(|_| draws.duplicated()) {
            inside.store.hide(*place, now, now);
        }
    }
    let next_wake = inside.store.next_wake();
    drop(inside);
    if let Some((target, _)) = dead_letters {
        let dead = dead
            .into_iter()
            .map(|message| dead_letter(message, queue))
            .collect();
        target.adopt(dead, now);
    }
    Ok(Look {
        received,
        next_wake,
    })
}

/// The message as the dead-letter queue gets it: the same, and it says where it comes from.
fn dead_letter(mut message: Message, source: &Queue) -> Message {
    let extra = Arc::make_mut(message.extra.get_or_insert_default());
    extra.dead_letter_source = Some(Arc::clone(&source.arn));
    message
}

fn describe(
    queue: &Queue,
    place: Place,
    message: &Message,
    request: &ReceiveMessage<'_>,
) -> Result<ReceivedMessage, Refusal> {
    let handle = Handle {
        queue: queue.number,
        slot: place.slot,
        generation: place.generation,
        receive: message.receives,
    };
    let attributes = &message.extra.as_deref().map(|extra| &extra.attributes);
    let message_attributes: BTreeMap<String, Attribute> = attributes
        .iter()
        .flat_map(|attributes| attributes.iter())
        .filter(|(name, _)| {
            request
                .message_attribute_names
                .iter()
                .any(|asked| asks_for(asked, name))
        })
        .map(|(name, attribute)| (name.clone(), attribute.clone()))
        .collect();
    Ok(ReceivedMessage {
        message_id: message.id,
        receipt_handle: handle.encode(),
        md5_of_body: message::hex(&message.body_md5),
        body: Arc::clone(&message.body),
        attributes: system_attributes(message, request),
        md5_of_attributes: message::md5_of_attributes(message_attributes.iter())?,
        message_attributes,
    })
}

/// Whether `asked` means the attribute `name`: itself, all of them, or a prefix and `.*`.
fn asks_for(asked: &str, name: &str) -> bool {
    asked == name
        || asked == "All"
        || asked
            .strip_suffix(".*")
            .is_some_and(|prefix| name.starts_with(prefix))
}

fn system_attributes(
    message: &Message,
    request: &ReceiveMessage<'_>,
) -> BTreeMap<&'static str, String> {
    let asked = || {
        request
            .attribute_names
            .iter()
            .chain(&request.message_system_attribute_names)
    };
    if asked().next().is_none() {
        return BTreeMap::new();
    }
    let all = asked().any(|name| name == "All");
    let none = Extra::default();
    let extra = message.extra.as_deref().unwrap_or(&none);
    let text = |text: &Option<Arc<str>>| text.as_deref().map(str::to_owned);
    [
        ("SenderId", Some("AIDAFANLINELOCALQUEUE".to_owned())),
        ("SentTimestamp", Some(message.sent_at.to_string())),
        (
            "ApproximateReceiveCount",
            Some(message.receives.to_string()),
        ),
        (
            "ApproximateFirstReceiveTimestamp",
            Some(message.first_received_at.to_string()),
        ),
        ("SequenceNumber", message::sequence_number(extra.sequence)),
        ("MessageDeduplicationId", text(&extra.deduplication_id)),
        ("MessageGroupId", text(&extra.group)),
        ("AWSTraceHeader", extra.trace_header.clone()),
        ("DeadLetterQueueSourceArn", text(&extra.dead_letter_source)),
    ]
    .into_iter()
    .filter(|(name, _)| all || asked().any(|asked| asked == name))
    .filter_map(|(name, value)| Some((name, value?)))
    .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::clock::Clock;
    use crate::sqs::attributes::QueueAttributes;
    use crate::sqs::faults::QueueFaults;

    fn message() -> Message {
        Message {
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
    fn over_the_limit_of_messages_in_flight_a_short_poll_fails_and_a_long_one_finds_nothing() {
        let account = Account::new(
            String::new(),
            String::new(),
            Clock::system(),
            QueueFaults::default(),
        );
        let queue = account
            .create("mail", QueueAttributes::default(), BTreeMap::new())
            .unwrap();
        for _ in 0..=MAX_IN_FLIGHT {
            queue.lock().store.send(message(), 0, 0);
        }
        let bounds = Receive {
            at_most: 10,
            visibility: None,
            wait: None,
        };
        let look = |short| take(&account, &queue, &bounds, 1, short, &mut Draws::none());
        for _ in 0..MAX_IN_FLIGHT / 10 {
            assert_eq!(look(true).unwrap().received.len(), 10);
        }
        assert!(matches!(look(true), Err(Refusal::OverLimit)));
        assert_eq!(look(false).unwrap().received.len(), 0);
    }
}

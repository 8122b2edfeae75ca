//! The log lines of a batch. They name no recipient and quote no text.

use fanline_core::channel::Channel;
use fanline_core::delivery::Delivery;
use fanline_core::delivery::Request;
use fanline_telemetry::fingerprint::Fingerprinter;
use secrecy::{ExposeSecret, SecretString};

use crate::channel::attempt::Exchange;
use crate::channel::hold::HoldReason;
use crate::channel::response::{Failure, Response};
use crate::channel::route::Route;
use crate::sqs::dead_letter::{DeadLetter, DeadLetterError};
use crate::sqs::record::Record;

/// Logs one request and what came back: at `DEBUG` if it was accepted, since there are millions of
/// these. `hash_key` keys the hash that stands for the recipient.
pub(crate) fn log_exchange(
    exchange: &Exchange,
    delivery: &Delivery,
    request: &Request,
    hash_key: Option<&SecretString>,
) {
    let response = exchange.response.as_ref().ok();
    let failure = exchange.response.as_ref().err().copied();
    // LINE Notify has no retry key.
    let sends_retry_key = matches!(exchange.route, Route::Line(_));
    let is_accepted = matches!(exchange.status(), Some(200..=299 | 409));
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                method = "POST",
                endpoint = exchange.route.path(),
                status = exchange.status(),
                failure = failure.map(Failure::as_str),
                request_id = response.and_then(Response::request_id),
                accepted_request_id = response.and_then(Response::accepted_request_id),
                run = delivery.envelope.run,
                retry_key = sends_retry_key.then(|| tracing::field::display(request.retry_key)),
                recipients = delivery.recipients.len(),
                recipient = recipient(delivery, hash_key),
                latency_ms = exchange.latency_ms,
                "LINE request"
            )
        };
    }
    if is_accepted {
        line!(debug);
    } else {
        line!(info);
    }
}

/// Logs that a channel was put on hold, with the status that led to it, if one did.
pub(crate) fn log_hold(channel: Channel, reason: HoldReason, status: Option<u16>) {
    let (channel, reason) = (channel.as_str(), reason.as_str());
    tracing::error!(channel, reason, status, "channel on hold");
}

/// Logs that a dead letter was sent, or why not.
pub(crate) fn log_dead_letter(
    letter: &DeadLetter,
    record: &Record,
    sent: &Result<(), DeadLetterError>,
) {
    let DeadLetter {
        status,
        receive_count,
        ..
    } = *letter;
    let (reason, message_id) = (letter.reason.as_str(), record.message_id.as_deref());
    let (request_id, run) = (letter.request_id.as_deref(), letter.run.as_deref());
    match sent {
        Ok(()) => tracing::warn!(
            reason,
            status,
            request_id,
            run,
            message_id,
            receive_count,
            "dead letter sent"
        ),
        Err(error) => tracing::error!(
            reason,
            status,
            request_id,
            run,
            message_id,
            receive_count,
            %error,
            "dead letter not sent, record handed back"
        ),
    }
}

/// What stands for the recipient, if there is only one.
fn recipient(delivery: &Delivery, hash_key: Option<&SecretString>) -> Option<String> {
    let [recipient] = delivery.recipients.as_slice() else {
        return None;
    };
    let key = hash_key.map_or(delivery.envelope.run.as_str(), ExposeSecret::expose_secret);
    Some(Fingerprinter::new(key).of(recipient).to_string())
}

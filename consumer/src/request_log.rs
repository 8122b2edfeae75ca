//! What a batch says of itself: a log line for each request, and metric lines at its end.

use fanline_core::channel::Channel;
use fanline_core::delivery::Delivery;
use fanline_core::request::Endpoint;
use jiff::Timestamp;
use secrecy::ExposeSecret;

use crate::batch::Invocation;
use crate::channel::classify::Route;
use crate::channel::fingerprint::fingerprint;
use crate::channel::response::Answer;

impl Invocation {
    /// One line for each request and its answer. Nobody is named in it and nothing is quoted.
    pub(crate) fn log_answer(
        &self,
        delivery: &Delivery,
        route: Route,
        answer: &Answer,
        departed: Timestamp,
    ) {
        let latency = Timestamp::now().duration_since(departed).as_millis();
        let latency = u64::try_from(latency).unwrap_or_default();
        let mut tally = self.tally();
        let counts = tally.channel(delivery.envelope.channel);
        counts.latency(latency);
        if answer.status() == Some(429) {
            counts.too_fast += 1;
        }
        drop(tally);
        let (reply, failure) = match answer {
            Answer::Status(reply) => (Some(reply), None),
            Answer::Unanswered(failure) => (None, Some(failure.as_str())),
        };
        tracing::info!(
            method = "POST",
            endpoint = route.path(),
            status = answer.status(),
            failure,
            request_id = reply.and_then(|reply| reply.request_id.as_deref()),
            accepted_request_id = reply.and_then(|reply| reply.accepted_request_id.as_deref()),
            run = delivery.envelope.run,
            retry_key =
                matches!(route, Route::Line(_)).then(|| delivery.request().retry_key.to_string()),
            recipients = delivery.recipients.len(),
            recipient = self.alone(delivery),
            latency_ms = latency,
            "asked the channel"
        );
    }

    /// The only recipient's fingerprint.
    fn alone(&self, delivery: &Delivery) -> Option<String> {
        let [recipient] = delivery.recipients.as_slice() else {
            return None;
        };
        let key = &self.environment.settings.log_hash_key;
        let key = key.as_ref().map(ExposeSecret::expose_secret);
        Some(fingerprint(
            key.unwrap_or(&delivery.envelope.run),
            recipient,
        ))
    }

    /// The batch's metric lines.
    pub(crate) fn metrics(&self, now: Timestamp) -> Vec<String> {
        let environment = &self.environment;
        let mut tally = self.tally();
        if tally.has(Channel::Line) {
            tally.channel(Channel::Line).paces = vec![
                (name(Endpoint::Push), environment.push.per_second()),
                (
                    name(Endpoint::Multicast),
                    environment.multicast.per_second(),
                ),
            ];
        }
        if tally.has(Channel::LineNotify) {
            tally.channel(Channel::LineNotify).paces =
                vec![("notify", environment.notify_pace.per_second())];
        }
        tally.lines(&environment.settings.function, now)
    }
}

/// The endpoint as metrics write it.
fn name(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Push => "push",
        Endpoint::Multicast => "multicast",
    }
}

//! What one batch's records share, and what becomes of each.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fanline_core::campaign::Channel;
use fanline_core::delivery::{Delivery, Envelope};
use fanline_core::outcome::{Outcome, Reason};
use fanline_core::retry_key::HORIZON;
use jiff::Timestamp;
use secrecy::ExposeSecret;

use crate::answer::{Answer, Reply};
use crate::backoff::{self, Cause};
use crate::classify::Route;
use crate::consumer::{Environment, Settled};
use crate::dead_letter::Letter;
use crate::fingerprint::fingerprint;
use crate::hold::Why;
use crate::line;
use crate::record::Record;
use crate::tally::{Counts, Tally};
use crate::words::{self, Blame};

/// What becomes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settlement {
    /// It may be deleted.
    Acknowledge,
    /// It comes again after so many seconds.
    Return(u32),
    /// It comes again when its visibility runs out, whenever that is.
    Untouched,
}

/// What one attempt to send a delivery came to.
#[derive(Debug, Clone)]
pub(crate) enum Attempt {
    /// Taken, now or on an earlier attempt.
    Taken(Outcome),
    /// Never to be taken.
    Refused(Reply),
    /// Never to be sent, for a reason of our own.
    Unfit(String),
    /// A multicast that nobody got, because of some of its recipients.
    Split(Blame, Reply),
    /// Another time.
    Later(Cause),
    /// The channel is stopped; with LINE's answer where this delivery found that out.
    Stopped(Why, Option<Reply>),
    /// Past its `expires_at`, or past the 23 hours for which LINE surely remembers its key.
    TooLate(Reason),
    /// Perhaps taken, and it can't be asked again.
    Unknown,
}

/// One batch.
pub(crate) struct Invocation {
    pub(crate) environment: Arc<Environment>,
    pub(crate) observer: Arc<dyn Fn(&Settled) + Send + Sync>,
    /// No request starts later: it might outlast the invocation.
    pub(crate) latest_start: Timestamp,
    pub(crate) tally: Mutex<Tally>,
}

/// Whether a delivery's time is over.
pub(crate) fn too_late(envelope: &Envelope, now: Timestamp) -> Option<Reason> {
    let remembered_until = envelope
        .started_at
        .checked_add(HORIZON)
        .unwrap_or(Timestamp::MAX);
    if envelope.expires_at.is_some_and(|expires| expires <= now) {
        Some(Reason::Expired)
    } else if remembered_until < now {
        Some(Reason::Unknown)
    } else {
        None
    }
}

impl Invocation {
    /// Brings one record to its end, or hands it back.
    pub(crate) async fn settle(&self, record: &Record) -> Settlement {
        match Delivery::decode(&record.body) {
            Ok(delivery) => {
                self.tally().channel(delivery.envelope.channel).run_age = Some(
                    Timestamp::now()
                        .duration_since(delivery.envelope.started_at)
                        .as_secs_f64(),
                );
                match delivery.envelope.channel {
                    Channel::Line => self.settle_line(record, &delivery).await,
                    Channel::LineNotify => {
                        let attempt = self.attempt_notify(&delivery).await;
                        self.conclude(record, &delivery, &record.body, attempt)
                            .await
                    }
                }
            }
            Err(error) => {
                self.tally().undecodable += 1;
                let letter = Letter {
                    reason: Reason::Undecodable,
                    status: None,
                    line_message: error.to_string(),
                    request_id: None,
                    run: None,
                    receive_count: record.receive_count,
                };
                self.set_aside(record, &record.body, &letter).await
            }
        }
    }

    /// Does what an attempt's result asks for. `body` is what would be set aside: the record's, or a part's own.
    pub(crate) async fn conclude(
        &self,
        record: &Record,
        delivery: &Delivery,
        body: &str,
        attempt: Attempt,
    ) -> Settlement {
        let (outcome, reason, reply, ours) = match attempt {
            Attempt::Taken(outcome) => {
                self.end(delivery, outcome);
                return Settlement::Acknowledge;
            }
            Attempt::Later(cause) => return self.hand_back(record, delivery, cause),
            Attempt::Stopped(Why::Unauthorized, _)
                if record.receive_count < self.environment.settings.max_receive_count =>
            {
                return self.hand_back(record, delivery, Cause::Held);
            }
            Attempt::Stopped(Why::Unauthorized, reply) => {
                let ours = "held: there is no token that the channel takes";
                (Outcome::Hold, Reason::Unauthorized, reply, ours.to_owned())
            }
            Attempt::Stopped(Why::Quota, reply) => {
                let ours = "held: the month's messages are used up";
                (Outcome::Hold, Reason::Quota, reply, ours.to_owned())
            }
            Attempt::Refused(reply) | Attempt::Split(_, reply) => (
                Outcome::Refused,
                Reason::Refused,
                Some(reply),
                String::new(),
            ),
            Attempt::Unfit(ours) => (Outcome::Refused, Reason::Refused, None, ours),
            Attempt::TooLate(Reason::Expired) => {
                let ours = "its `expires_at` had passed";
                (Outcome::Expired, Reason::Expired, None, ours.to_owned())
            }
            Attempt::TooLate(_) => {
                let ours = "its run began more than 23 hours ago";
                (Outcome::Unknown, Reason::Unknown, None, ours.to_owned())
            }
            Attempt::Unknown => {
                let ours = "no answer came, and the campaign says not to ask again";
                (Outcome::Unknown, Reason::Unknown, None, ours.to_owned())
            }
        };
        let said = reply.as_ref().and_then(|reply| reply.body.as_deref());
        let letter = Letter {
            reason,
            status: reply.as_ref().map(|reply| reply.status),
            line_message: said.map_or(ours, |said| words::quote(said, &delivery.recipients)),
            request_id: reply.and_then(|reply| reply.request_id),
            run: Some(delivery.envelope.run.clone()),
            receive_count: record.receive_count,
        };
        let settlement = self.set_aside(record, body, &letter).await;
        if settlement == Settlement::Acknowledge {
            self.end(delivery, outcome);
        }
        settlement
    }

    /// Sends a dead letter; where that fails, the record comes again and is judged anew.
    async fn set_aside(&self, record: &Record, body: &str, letter: &Letter) -> Settlement {
        let group = record.fifo_group.as_deref();
        let sent = self
            .environment
            .dead_letters
            .send(body, letter, group)
            .await;
        tracing::warn!(
            reason = letter.reason.as_str(),
            status = letter.status,
            request_id = letter.request_id,
            run = letter.run,
            message_id = record.message_id,
            receive_count = letter.receive_count,
            set_aside = sent.is_ok(),
            "dead letter"
        );
        match sent {
            Ok(()) => Settlement::Acknowledge,
            Err(error) => {
                tracing::error!(%error, message_id = record.message_id, "the record is handed back");
                self.after(record, Cause::Fault)
            }
        }
    }

    fn hand_back(&self, record: &Record, delivery: &Delivery, cause: Cause) -> Settlement {
        let outcome = if cause == Cause::Held {
            Outcome::Hold
        } else {
            Outcome::Retry
        };
        self.tally()
            .channel(delivery.envelope.channel)
            .add(outcome, delivery.recipients.len());
        match self.after(record, cause) {
            Settlement::Return(wait) => {
                Settlement::Return(backoff::cut(wait, delivery, Timestamp::now()))
            }
            settlement => settlement,
        }
    }

    pub(crate) fn after(&self, record: &Record, cause: Cause) -> Settlement {
        let base = self.environment.settings.retry_base;
        let now = Timestamp::now();
        Settlement::Return(backoff::wait(
            base,
            cause,
            record.receive_count,
            rand::random(),
            now,
        ))
    }

    /// A delivery has come to its end.
    fn end(&self, delivery: &Delivery, outcome: Outcome) {
        let recipients = delivery.recipients.len();
        self.tally()
            .channel(delivery.envelope.channel)
            .add(outcome, recipients);
        (self.observer)(&Settled {
            retry_key: delivery.retry_key(),
            outcome,
            recipients,
        });
    }

    /// Sets the visibility of everything that is handed back, in one call for each queue.
    pub(crate) async fn hide(&self, records: &[Record], settlements: &[Settlement]) {
        let mut waits: BTreeMap<&str, Vec<(String, u32)>> = BTreeMap::new();
        for (record, settlement) in records.iter().zip(settlements) {
            if let (Settlement::Return(wait), Some(handle)) = (settlement, &record.receipt_handle) {
                let arn = record.source_arn.as_deref().unwrap_or_default();
                waits.entry(arn).or_default().push((handle.clone(), *wait));
            }
        }
        for (arn, waits) in waits {
            if let Err(error) = self.environment.queue.hide(arn, &waits).await {
                // They are handed back all the same and come when the queue's own time-out says so.
                tracing::warn!(%error, "the waits were not changed");
            }
        }
    }

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
            retry_key = matches!(route, Route::Line(_)).then(|| delivery.retry_key().to_string()),
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
        let mut tally = self.tally();
        let environment = &self.environment;
        let paces = |counts: &mut Counts, paces: &[(&'static str, f64)]| {
            counts.paces = paces.to_vec();
        };
        if tally.has(Channel::Line) {
            use fanline_core::delivery::Endpoint::{Multicast, Push};
            paces(
                tally.channel(Channel::Line),
                &[
                    (line::name(Push), environment.push.per_second()),
                    (line::name(Multicast), environment.multicast.per_second()),
                ],
            );
        }
        if tally.has(Channel::LineNotify) {
            let pace = environment.notify_pace.per_second();
            paces(tally.channel(Channel::LineNotify), &[("notify", pace)]);
        }
        tally.lines(&self.environment.settings.function, now)
    }

    pub(crate) fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deliverys_time_is_over_at_its_end_or_after_23_hours() {
        let delivery = |expires: &str| {
            Delivery::decode(&format!(
                r#"{{"v":1,"run":"r","channel":"line","recipients":["U1"],"messages":[],"started_at":"2026-01-01T00:00:00Z"{expires}}}"#
            ))
            .unwrap()
            .envelope
        };
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let forever = delivery("");
        assert_eq!(too_late(&forever, at("2026-01-01T23:00:00Z")), None);
        assert_eq!(
            too_late(&forever, at("2026-01-01T23:00:00.001Z")),
            Some(Reason::Unknown)
        );
        let morning = delivery(r#","expires_at":"2026-01-01T12:00:00Z""#);
        assert_eq!(too_late(&morning, at("2026-01-01T11:59:59Z")), None);
        assert_eq!(
            too_late(&morning, at("2026-01-01T12:00:00Z")),
            Some(Reason::Expired)
        );
        assert_eq!(
            too_late(&morning, at("2026-01-03T12:00:00Z")),
            Some(Reason::Expired)
        );
    }
}

//! What one batch's records share, and what becomes of each.

use std::collections::BTreeMap;
use std::sync::Arc;

use fanline_core::channel::Channel;
use fanline_core::delivery::Delivery;
use fanline_core::outcome::{DeadLetterReason, Outcome};
use jiff::Timestamp;
use parking_lot::{Mutex, MutexGuard};

use crate::channel::attempt::Attempt;
use crate::channel::backoff::{self, RetryCause};
use crate::channel::hold::HoldReason;
use crate::handler::{Environment, Settled};
use crate::line::error_body;
use crate::sqs::dead_letter::DeadLetter;
use crate::sqs::delivery_queue::Hidden;
use crate::sqs::record::Record;
use crate::tally::Tally;

/// What becomes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settlement {
    /// It may be deleted.
    Acknowledge,
    /// It comes again after so many seconds.
    Return(u16),
    /// It comes again when its visibility runs out, whenever that is.
    Untouched,
}

/// One batch.
pub(crate) struct Invocation {
    pub(crate) environment: Arc<Environment>,
    pub(crate) observer: Arc<dyn Fn(&Settled) + Send + Sync>,
    /// No request starts later: it might outlast the invocation.
    pub(crate) latest_start: Timestamp,
    pub(crate) tally: Mutex<Tally>,
}

impl Invocation {
    /// Brings one record to its end, or hands it back.
    pub(crate) async fn settle(&self, record: &Record) -> Settlement {
        match Delivery::decode(&record.body) {
            Ok(delivery) => match delivery.envelope.channel {
                Channel::Line => self.settle_line(record, &delivery).await,
                Channel::LineNotify => {
                    let attempt = self.attempt_notify(&delivery).await;
                    self.conclude(record, &delivery, &record.body, attempt)
                        .await
                }
            },
            Err(error) => {
                self.tally().undecodable += 1;
                let letter = DeadLetter {
                    reason: DeadLetterReason::Undecodable,
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
            Attempt::Stopped(HoldReason::Unauthorized, _)
                if record.receive_count < self.environment.settings.max_receive_count =>
            {
                return self.hand_back(record, delivery, RetryCause::OnHold);
            }
            Attempt::Stopped(HoldReason::Unauthorized, reply) => {
                let ours = "held: there is no token that the channel takes";
                (
                    Outcome::Hold,
                    DeadLetterReason::Unauthorized,
                    reply,
                    ours.to_owned(),
                )
            }
            Attempt::Stopped(HoldReason::Quota, reply) => {
                let ours = "held: the month's messages are used up";
                (
                    Outcome::Hold,
                    DeadLetterReason::Quota,
                    reply,
                    ours.to_owned(),
                )
            }
            Attempt::Refused(reply) | Attempt::Split(_, reply) => (
                Outcome::Refused,
                DeadLetterReason::Refused,
                Some(reply),
                String::new(),
            ),
            Attempt::Unfit(ours) => (Outcome::Refused, DeadLetterReason::Refused, None, ours),
            Attempt::TooLate(DeadLetterReason::Expired) => {
                let ours = "its `expires_at` had passed";
                (
                    Outcome::Expired,
                    DeadLetterReason::Expired,
                    None,
                    ours.to_owned(),
                )
            }
            Attempt::TooLate(_) => {
                let ours = "its run began more than 23 hours ago";
                (
                    Outcome::Unknown,
                    DeadLetterReason::Unknown,
                    None,
                    ours.to_owned(),
                )
            }
            Attempt::Unknown => {
                let ours = "no answer came, and the campaign says not to ask again";
                (
                    Outcome::Unknown,
                    DeadLetterReason::Unknown,
                    None,
                    ours.to_owned(),
                )
            }
        };
        let said = reply.as_ref().and_then(|reply| reply.body.as_deref());
        let letter = DeadLetter {
            reason,
            status: reply.as_ref().map(|reply| reply.status),
            line_message: said.map_or(ours, |said| error_body::quote(said, &delivery.recipients)),
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
    async fn set_aside(&self, record: &Record, body: &str, letter: &DeadLetter) -> Settlement {
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
                self.after(record, RetryCause::Fault)
            }
        }
    }

    fn hand_back(&self, record: &Record, delivery: &Delivery, cause: RetryCause) -> Settlement {
        let outcome = if cause == RetryCause::OnHold {
            Outcome::Hold
        } else {
            Outcome::Retry
        };
        self.tally()
            .channel(delivery.envelope.channel)
            .add(outcome, delivery.recipients.len());
        match self.after(record, cause) {
            Settlement::Return(wait) => {
                Settlement::Return(backoff::shorten(wait, delivery, Timestamp::now()))
            }
            settlement => settlement,
        }
    }

    pub(crate) fn after(&self, record: &Record, cause: RetryCause) -> Settlement {
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
        let envelope = &delivery.envelope;
        let age = Timestamp::now().duration_since(envelope.started_at);
        let mut tally = self.tally();
        let counts = tally.channel(envelope.channel);
        counts.add(outcome, recipients);
        // The last one's stays.
        counts.run_age = Some(age.as_secs_f64().max(0.0));
        drop(tally);
        (self.observer)(&Settled {
            retry_key: delivery.request().retry_key,
            outcome,
            recipients,
        });
    }

    /// Sets the visibility of everything that is handed back, in one call for each queue.
    pub(crate) async fn hide(&self, records: &[Arc<Record>], settlements: &[Settlement]) {
        let mut queues: BTreeMap<Option<&str>, Vec<Hidden<'_>>> = BTreeMap::new();
        for (record, settlement) in records.iter().zip(settlements) {
            if let (Settlement::Return(seconds), Some(receipt_handle)) =
                (*settlement, &record.receipt_handle)
            {
                let queue = queues.entry(record.source_arn.as_deref()).or_default();
                queue.push(Hidden {
                    receipt_handle,
                    seconds,
                });
            }
        }
        for (arn, hidden) in queues {
            if let Err(error) = self.environment.queue.hide(arn, &hidden).await {
                // The records come again all the same, when their visibility timeout runs out.
                tracing::warn!(%error, "visibility timeout not changed");
            }
        }
    }

    pub(crate) fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock()
    }
}

//! One batch: every record is settled by itself. Only the batch logs and counts requests, sends
//! dead letters, and says what becomes of a record.
//!
//! # Layout
//! - `settlement`: what becomes of a record, decided from an attempt
//! - `turns`: the order in which the records are settled
//! - `queue_change`: what is hidden and deleted at its end
//! - `tally`: the metrics of the batch; `log`: its log lines

mod log;
mod queue_change;
mod settlement;
mod tally;
mod turns;

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fanline_core::channel::Channel;
use fanline_core::delivery::Request;
use fanline_core::delivery::{DecodeError, Delivery};
use fanline_core::outcome::Outcome;
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use uuid::Uuid;

use crate::batch::log::{log_dead_letter, log_exchange, log_hold};
use crate::batch::settlement::{
    Decision, decide, may_be_read_later, out_of_time, refuse, undecodable,
};
use crate::batch::tally::BatchTally;
use crate::channel::attempt::{Attempt, Conclusion};
use crate::channel::backoff::{self, RetryCause};
use crate::environment::Environment;
use crate::line::split::{self, Split};
use crate::sqs::dead_letter::DeadLetter;
use crate::sqs::delivery_queue::DeliveryQueue;
use crate::sqs::record::Record;

pub(crate) use queue_change::{change_queue, delete_settled};
pub(crate) use settlement::Settlement;
pub(crate) use turns::{Turns, turns};

/// A delivery, or a part of one, that has its final outcome. A queue delivers at least once, so the
/// same delivery may be settled twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The delivery's identity.
    pub retry_key: Uuid,
    /// The outcome. [`Outcome::Hold`]: set aside until there is quota, or a token.
    pub outcome: Outcome,
    /// How many people it was for.
    pub recipients: usize,
}

/// Is told of every delivery that is settled.
pub(crate) type Observer = Arc<dyn Fn(&Settled) + Send + Sync>;

/// What the records of one batch share.
pub(crate) struct Batch {
    environment: Arc<Environment>,
    observer: Observer,
    /// No request departs later: it might outlast the invocation.
    latest: Timestamp,
    /// Whether a delivery could not be sent because the channel `line` was on hold.
    was_held: AtomicBool,
    tally: Mutex<BatchTally>,
}

/// A delivery and its request, which is made once.
struct Prepared {
    delivery: Delivery,
    request: Request,
}

impl Prepared {
    fn new(delivery: Delivery) -> Self {
        Self {
            request: delivery.request(),
            delivery,
        }
    }
}

impl Batch {
    /// A batch whose requests depart at `latest` or earlier.
    pub(crate) fn new(
        environment: Arc<Environment>,
        observer: Observer,
        latest: Timestamp,
    ) -> Self {
        Self {
            environment,
            observer,
            latest,
            was_held: AtomicBool::new(false),
            tally: Mutex::default(),
        }
    }

    /// Brings one record to its end, or hands it back.
    pub(crate) async fn settle(&self, record: &Record) -> Settlement {
        let delivery = match Delivery::decode(&record.body) {
            Ok(delivery) => delivery,
            Err(error) if may_be_read_later(&error, record) => {
                let message_id = record.message_id.as_deref();
                tracing::warn!(%error, message_id, "record handed back");
                return self.back_after(self.wait(record, RetryCause::OnHold));
            }
            Err(error) => return self.set_aside_undecodable(record, &error).await,
        };
        let whole = Prepared::new(delivery);
        let mut attempt = self.attempt(&whole).await;
        if attempt.conclusion == Conclusion::Split(Vec::new()) {
            // A refusal that names nobody may pass. Parts are sent only after a second refusal.
            attempt = self.attempt(&whole).await;
        }
        match attempt.into_split() {
            Ok((named, response)) => {
                let split = Split::new(whole.delivery, named, response);
                self.take_apart(record, split).await
            }
            Err(attempt) => {
                let decision = self.decide(&attempt, &whole, record);
                let body = Some(record.body.as_str());
                self.carry_out(decision, record, &whole, body).await
            }
        }
    }

    /// Where the records come from.
    pub(crate) fn queue(&self) -> &DeliveryQueue {
        &self.environment.delivery_queue
    }

    /// Keeps a held environment busy, so that it takes no more from the queue than the others.
    pub(crate) async fn rest(&self) {
        if self.was_held.load(Ordering::Relaxed) {
            self.environment.line.rest(self.latest).await;
        }
    }

    /// The metric lines of the batch.
    pub(crate) fn metrics(&self, now: Timestamp) -> Vec<String> {
        let environment = &self.environment;
        let mut tally = self.tally.lock();
        tally.note_paces(Channel::Line, &environment.line.paces());
        tally.note_paces(Channel::LineNotify, &environment.line_notify.paces());
        tally.lines(&environment.settings.function, now)
    }

    /// Makes one attempt, logs its requests and counts them.
    async fn attempt(&self, prepared: &Prepared) -> Attempt {
        let Prepared { delivery, request } = prepared;
        let environment = &self.environment;
        let channel = delivery.envelope.channel;
        let attempt = match channel {
            Channel::Line => {
                environment
                    .line
                    .attempt(delivery, request, self.latest)
                    .await
            }
            Channel::LineNotify => environment.line_notify.attempt(delivery, self.latest).await,
        };
        let hash_key = environment.settings.log_hash_key.as_ref();
        for exchange in &attempt.exchanges {
            log_exchange(exchange, delivery, request, hash_key);
            self.tally.lock().channel(channel).add_exchange(exchange);
        }
        if matches!(attempt.conclusion, Conclusion::OnHold(_)) {
            self.was_held.store(true, Ordering::Relaxed);
        }
        if let Some(reason) = attempt.hold_began {
            self.tally.lock().channel(channel).holds += 1;
            log_hold(channel, reason, attempt.status());
        }
        attempt
    }

    fn decide(&self, attempt: &Attempt, prepared: &Prepared, record: &Record) -> Decision {
        let max_receive_count = self.environment.settings.max_receive_count;
        decide(attempt, &prepared.delivery, record, max_receive_count)
    }

    /// Does what was decided. A dead letter has the record's `body`, or its own if there is none.
    async fn carry_out(
        &self,
        decision: Decision,
        record: &Record,
        prepared: &Prepared,
        body: Option<&str>,
    ) -> Settlement {
        match decision {
            Decision::End(outcome) => {
                self.end(prepared, outcome);
                Settlement::Acknowledge
            }
            Decision::SetAside(outcome, letter) => {
                self.set_aside_and_end(outcome, &letter, record, prepared, body)
                    .await
            }
            Decision::HandBack(cause) => self.hand_back(cause, record, prepared, body).await,
        }
    }

    /// Hands a delivery back for a wait, if there is time for another attempt. If not, it gets the
    /// outcome that says so.
    async fn hand_back(
        &self,
        cause: RetryCause,
        record: &Record,
        prepared: &Prepared,
        body: Option<&str>,
    ) -> Settlement {
        let delivery = &prepared.delivery;
        let (wait, draw) = (self.wait(record, cause), self.draw());
        let wait = backoff::within(wait, cause, &delivery.envelope, draw, self.now());
        if let Some(wait) = wait {
            self.count_hand_back(delivery, cause);
            return self.back_after(wait);
        }
        let (outcome, letter) = out_of_time(delivery, record);
        self.set_aside_and_end(outcome, &letter, record, prepared, body)
            .await
    }

    async fn set_aside_and_end(
        &self,
        outcome: Outcome,
        letter: &DeadLetter,
        record: &Record,
        prepared: &Prepared,
        body: Option<&str>,
    ) -> Settlement {
        let body = body.map_or_else(|| prepared.delivery.encode().into(), Cow::Borrowed);
        let settlement = self.set_aside(record, &body, letter).await;
        if settlement == Settlement::Acknowledge {
            self.end(prepared, outcome);
        }
        settlement
    }

    async fn set_aside_undecodable(&self, record: &Record, error: &DecodeError) -> Settlement {
        self.tally.lock().undecodable += 1;
        let letter = undecodable(error, record);
        self.set_aside(record, &record.body, &letter).await
    }

    /// Sends a dead letter. If that fails, the record comes again.
    async fn set_aside(&self, record: &Record, body: &str, letter: &DeadLetter) -> Settlement {
        let queue = &self.environment.dead_letter_queue;
        let sent = queue.send(body, letter, record.fifo_group.as_deref()).await;
        log_dead_letter(letter, record, &sent);
        match sent {
            Ok(()) => Settlement::Acknowledge,
            Err(_) => self.back_after(self.wait(record, RetryCause::Fault)),
        }
    }

    /// A delivery has its final outcome.
    fn end(&self, prepared: &Prepared, outcome: Outcome) {
        let Prepared { delivery, request } = prepared;
        let recipients = delivery.recipients.len();
        let age = self.now().duration_since(delivery.envelope.started_at);
        let mut tally = self.tally.lock();
        let tally_of_channel = tally.channel(delivery.envelope.channel);
        tally_of_channel.add(outcome, recipients);
        // The age at the batch's last outcome stays.
        tally_of_channel.run_age = Some(age.as_secs_f64().max(0.0));
        drop(tally);
        (self.observer)(&Settled {
            retry_key: request.retry_key,
            outcome,
            recipients,
        });
    }

    fn count_hand_back(&self, delivery: &Delivery, cause: RetryCause) {
        let outcome = if matches!(cause, RetryCause::OnHold | RetryCause::NoToken) {
            Outcome::Hold
        } else {
            Outcome::Retry
        };
        self.tally
            .lock()
            .channel(delivery.envelope.channel)
            .add(outcome, delivery.recipients.len());
    }

    fn now(&self) -> Timestamp {
        self.environment.surroundings.clock.now()
    }

    /// A random number from 0 to 1.
    fn draw(&self) -> f64 {
        self.environment.surroundings.random.draw()
    }

    /// How many seconds a record waits until its next attempt.
    fn wait(&self, record: &Record, cause: RetryCause) -> u16 {
        let base = self.environment.settings.retry_base;
        let now = self.now();
        backoff::wait(base, cause, record.receive_count, self.draw(), now)
    }

    fn back_after(&self, seconds: u16) -> Settlement {
        let wait = SignedDuration::from_secs(seconds.into());
        Settlement::Return(self.now().checked_add(wait).unwrap_or(Timestamp::MAX))
    }

    /// Takes a refused multicast apart until every part has its outcome. Parts that get none go
    /// back to the queue as deliveries of their own, so that the whole is not sent again.
    async fn take_apart(&self, record: &Record, mut split: Split) -> Settlement {
        while let Some(round) = split.next_round() {
            self.tally.lock().channel(Channel::Line).splits += 1;
            let retries = split.retries();
            let others = join_all(round.others.into_iter().map(|part| async {
                let part = Prepared::new(part);
                let attempt = self.persist(&part, retries).await;
                (part, attempt)
            }))
            .await;
            for part in round.named {
                let decision = refuse(round.response.as_ref(), &part, record);
                self.settle_part(decision, record, Prepared::new(part), &mut split)
                    .await;
            }
            for (part, attempt) in others {
                if matches!(attempt.conclusion, Conclusion::Retry(_)) {
                    split.give_up_retries();
                }
                match attempt.into_split() {
                    Ok((named, response)) => split.cut_later(part.delivery, named, response),
                    Err(attempt) => {
                        let decision = self.decide(&attempt, &part, record);
                        self.settle_part(decision, record, part, &mut split).await;
                    }
                }
            }
        }
        self.put_back(record, &split.into_unsettled()).await
    }

    async fn settle_part(
        &self,
        decision: Decision,
        record: &Record,
        part: Prepared,
        split: &mut Split,
    ) {
        let settlement = self.carry_out(decision, record, &part, None).await;
        if settlement != Settlement::Acknowledge {
            split.leave(part.delivery);
        }
    }

    /// Sends a part again and again while only faults keep it from an outcome. A split that began
    /// anew after every fault would never end.
    async fn persist(&self, part: &Prepared, retries: u32) -> Attempt {
        let mut attempt = self.attempt(part).await;
        for retry in 1..=retries {
            let wait = split::wait(retry, self.draw());
            let room = Duration::try_from(self.latest.duration_since(self.now()));
            let has_room = room.is_ok_and(|room| wait <= room);
            if !matches!(attempt.conclusion, Conclusion::Retry(_)) || !has_room {
                break;
            }
            tokio::time::sleep(wait).await;
            attempt = self.attempt(part).await;
        }
        attempt
    }

    /// Puts the parts that have no outcome on the queue. If that can't be done, the whole comes
    /// again.
    async fn put_back(&self, record: &Record, parts: &[Delivery]) -> Settlement {
        if parts.is_empty() {
            return Settlement::Acknowledge;
        }
        let wait = self.wait(record, RetryCause::Fault);
        // On a FIFO queue everything that follows would overtake the parts.
        if record.fifo_group.is_some() {
            return self.back_after(wait);
        }
        let arn = record.source_arn.as_deref();
        for part in parts {
            let queue = &self.environment.delivery_queue;
            if let Err(error) = queue.put(arn, part.encode(), wait).await {
                let message_id = record.message_id.as_deref();
                tracing::warn!(%error, message_id, "part not put back, record handed back");
                return self.back_after(wait);
            }
        }
        Settlement::Acknowledge
    }
}

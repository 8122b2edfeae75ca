//! One batch: every record is settled by itself. Only the batch logs and counts requests, sends
//! dead letters, and says what becomes of a record.
//!
//! # Layout
//! - `settlement`: what becomes of a record, decided from an attempt
//! - `turns`: the order in which the records are settled
//! - `unreadable`: a record whose delivery can't be read
//! - `apart`: a refused multicast
//! - `requeue`: what waits or is parked
//! - `report`: the outcome messages of the batch; `record_outcomes`: sends them
//! - `queue_change`: what is hidden and deleted at its end
//! - `tally`: the metrics of the batch; `log`: its log lines

mod apart;
mod log;
mod queue_change;
mod record_outcomes;
mod report;
mod requeue;
mod settlement;
mod tally;
mod turns;
mod unreadable;

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fanline_core::channel::Channel;
use fanline_core::delivery::{Delivery, Endpoint, Request};
use fanline_core::outcome::Outcome;
use fanline_ledger::CellReason;
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use uuid::Uuid;

use crate::batch::apart::Apart;
use crate::batch::log::{log_dead_letter, log_exchange, log_hold};
use crate::batch::report::{Entry, Report, Trail, outcome_of};
use crate::batch::settlement::{Decision, decide, out_of_time, outcome_with};
use crate::batch::tally::BatchTally;
use crate::channel::attempt::{Attempt, Conclusion};
use crate::channel::backoff::{self, RetryCause};
use crate::control::MulticastInHand;
use crate::environment::Environment;
use crate::line::split::Split;
use crate::reader::Read;
use crate::sqs::dead_letter::DeadLetter;
use crate::sqs::delivery_queue::DeliveryQueue;
use crate::sqs::record::Record;

pub(crate) use queue_change::{change_queue, delete_settled};
pub(crate) use record_outcomes::record_outcomes;
pub(crate) use settlement::Settlement;
pub use tally::{BatchCounts, OutcomeCount};
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
    /// When the invocation began.
    began: Timestamp,
    /// No request departs later: it might outlast the invocation.
    latest: Timestamp,
    /// Whether a delivery could not be sent because the channel `line` was on hold.
    was_held: AtomicBool,
    tally: Mutex<BatchTally>,
    report: Mutex<Report>,
}

/// A delivery and its request, which is made once.
struct Prepared {
    delivery: Arc<Delivery>,
    request: Request,
    /// The requests that this invocation made for it.
    trail: Trail,
}

impl Prepared {
    fn new(delivery: impl Into<Arc<Delivery>>) -> Self {
        let delivery = delivery.into();
        Self {
            request: delivery.request(),
            delivery,
            trail: Trail::NONE,
        }
    }

    /// Whether the channel may have taken it, although no answer says so. An earlier invocation of
    /// the record may have died with a request under way.
    fn is_perhaps_taken(&self, record: &Record) -> bool {
        self.delivery.perhaps_taken || record.receive_count > 1 || self.trail.is_unanswered()
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
            began: environment.surroundings.clock.now(),
            environment,
            observer,
            latest,
            was_held: AtomicBool::new(false),
            tally: Mutex::default(),
            report: Mutex::default(),
        }
    }

    /// Reads the records, as far as there are keys for them.
    pub(crate) async fn read(&self, records: &[Arc<Record>]) {
        self.environment.reader.read_all(records, self.latest).await;
    }

    /// Brings one record to its end, or hands it back.
    pub(crate) async fn settle(&self, record: &Record) -> Settlement {
        let delivery = match self.environment.reader.wait(record, self.latest).await {
            Read::Delivery(delivery) => delivery,
            Read::Late => return self.back_after(0),
            Read::Not(unreadable) => return unreadable::settle(self, record, &unreadable).await,
        };
        let mut whole = Prepared::new(delivery);
        let _in_hand = self.be_current(&whole.delivery).await;
        let mut attempt = self.attempt(&mut whole).await;
        if attempt.conclusion == Conclusion::Split(Vec::new()) {
            // A refusal that names nobody may pass. Parts are sent only after a second refusal.
            attempt = self.attempt(&mut whole).await;
        }
        match attempt.into_split() {
            Ok((named, response)) => {
                let split = Split::new(Arc::unwrap_or_clone(whole.delivery), named, response);
                Apart::new(self, record, split).settle().await
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

    /// What the batch came to.
    pub(crate) fn counts(&self) -> BatchCounts {
        self.tally.lock().counts()
    }

    /// The metric lines of the batch.
    pub(crate) fn metrics(&self, now: Timestamp) -> Vec<String> {
        let environment = &self.environment;
        let mut tally = self.tally.lock();
        tally.note_paces(Channel::Line, &environment.line.paces());
        tally.note_paces(Channel::LineNotify, &environment.line_notify.paces());
        if environment.outcome_queue.is_some() {
            tally.note_ledger();
        }
        if let Some(age) = environment.controls.age(now) {
            tally.note_control(age);
        }
        tally.lines(&environment.settings.function, now)
    }

    /// Waits until what is known of the control object is fresh. The value lives as long as the
    /// delivery is in hand.
    async fn be_current(&self, delivery: &Delivery) -> Option<MulticastInHand> {
        let controls = &self.environment.controls;
        let endpoint = delivery.endpoint();
        let is_multicast = endpoint == Endpoint::Multicast;
        let in_hand = is_multicast.then(|| controls.multicast_in_hand());
        let (began, latest) = (self.began, self.latest);
        controls.be_current(endpoint, began, latest).await;
        in_hand
    }

    /// Makes one attempt, logs its requests and counts them.
    async fn attempt(&self, prepared: &mut Prepared) -> Attempt {
        let Prepared {
            delivery,
            request,
            trail,
        } = prepared;
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
            trail.add(exchange);
        }
        if matches!(attempt.conclusion, Conclusion::OnHold(_)) {
            self.was_held.store(true, Ordering::Relaxed);
        }
        // An operator may have put the end off.
        let expires_at = environment.controls.expires_at(&delivery.envelope);
        if delivery.envelope.expires_at != expires_at {
            Arc::make_mut(delivery).envelope.expires_at = expires_at;
        }
        let run = &delivery.envelope.run;
        self.report.lock().add_attempt(run, &attempt);
        if let Some(reason) = attempt.hold_began {
            self.tally.lock().channel(channel).add_hold(reason);
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
                let reason = match outcome {
                    Outcome::Cancelled => CellReason::Cancelled,
                    _ => CellReason::Accepted,
                };
                self.end(record, prepared, outcome, (reason, None));
                Settlement::Acknowledge
            }
            Decision::Park => requeue::park(self, record, prepared, body).await,
            Decision::Wait => requeue::wait(self, record, prepared, body.is_some()).await,
            Decision::SetAside(reason, letter) => {
                self.set_aside_and_end(reason, &letter, record, prepared, body)
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
        let (reason, letter) = out_of_time(delivery, record);
        self.set_aside_and_end(reason, &letter, record, prepared, body)
            .await
    }

    async fn set_aside_and_end(
        &self,
        reason: CellReason,
        letter: &DeadLetter,
        record: &Record,
        prepared: &Prepared,
        body: Option<&str>,
    ) -> Settlement {
        let body = body.map_or_else(|| record.encode(&prepared.delivery).into(), Cow::Borrowed);
        let settlement = self.set_aside(record, &body, letter).await;
        if settlement == Settlement::Acknowledge {
            let outcome = outcome_with(reason);
            self.end(record, prepared, outcome, (reason, Some(letter)));
        }
        settlement
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

    /// A delivery has its final outcome, for this reason, and with this dead letter.
    fn end(
        &self,
        record: &Record,
        prepared: &Prepared,
        outcome: Outcome,
        why: (CellReason, Option<&DeadLetter>),
    ) {
        let Prepared {
            delivery,
            request,
            trail,
        } = prepared;
        let recipients = delivery.recipients.len();
        let now = self.now();
        if self.environment.outcome_queue.is_some() {
            let entry = Entry {
                position: record.position,
                channel: delivery.envelope.channel,
                outcome: outcome_of(delivery, request, trail, record, why, now),
            };
            self.report.lock().add(&delivery.envelope.run, entry);
        }
        let age = now.duration_since(delivery.envelope.started_at);
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
}

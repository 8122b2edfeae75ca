//! A delivery of the channel `line`: one attempt, and the taking apart of a multicast that LINE refused as a whole.

use std::time::Duration;

use fanline_core::channel::Channel;
use fanline_core::delivery::Delivery;
use fanline_core::outcome::Outcome;
use fanline_core::request::Endpoint;
use futures_util::future::join_all;
use jiff::Timestamp;
use secrecy::SecretString;

use crate::batch::{Invocation, Settlement};
use crate::channel::attempt::{Attempt, too_late};
use crate::channel::backoff::RetryCause;
use crate::channel::classify::{Route, Verdict, classify};
use crate::channel::hold::HoldReason;
use crate::channel::pace::Pace;
use crate::channel::response::{Answer, Reply};
use crate::line::error_body::Blame;
use crate::line::split;
use crate::line::token::TokenError;
use crate::sqs::record::Record;

/// A part of a split is asked so often again within the invocation before it is left for another one.
const PATIENCE: u32 = 6;
/// The wait between two of those: jitter up to this, doubled each time.
const BREATH: Duration = Duration::from_millis(100);

impl Invocation {
    /// Sends a delivery, or its parts where LINE takes no whole.
    pub(crate) async fn settle_line(&self, record: &Record, delivery: &Delivery) -> Settlement {
        let mut attempt = self.attempt_line(delivery).await;
        if matches!(attempt, Attempt::Split(Blame::Nobody, _)) {
            // A refusal that names nobody may be a passing one. Parts are only sent once the whole is refused for good.
            attempt = self.attempt_line(delivery).await;
        }
        match attempt {
            Attempt::Split(blame, reply) => self.take_apart(record, delivery, blame, reply).await,
            attempt => self.conclude(record, delivery, &record.body, attempt).await,
        }
    }

    /// One request, or none where there is a reason not to make it.
    async fn attempt_line(&self, delivery: &Delivery) -> Attempt {
        let environment = &self.environment;
        let endpoint = delivery.endpoint();
        let pace = match endpoint {
            Endpoint::Push => &environment.push,
            Endpoint::Multicast => &environment.multicast,
        };
        let mut renewed: Option<SecretString> = None;
        loop {
            let now = Timestamp::now();
            if let Some(reason) = too_late(&delivery.envelope, now) {
                return Attempt::TooLate(reason);
            }
            // A new token is tried at once, hold or not: perhaps it is what ends the hold.
            let with_new_token = renewed.is_some();
            if !with_new_token && let Some(why) = environment.hold.reason(now) {
                return Attempt::Stopped(why, None);
            }
            let token = match renewed.take() {
                Some(token) => Ok(token),
                None => environment.tokens.current(now).await,
            };
            let token = match token {
                Ok(token) => token,
                Err(TokenError::Missing) => return self.stop(HoldReason::Unauthorized, None),
                Err(TokenError::Unavailable) => return Attempt::Later(RetryCause::Fault),
            };
            if !pace.turn(self.latest_start).await || Timestamp::now() > self.latest_start {
                return Attempt::Later(RetryCause::Fault);
            }
            // Time has passed while it waited for its turn.
            let departed = Timestamp::now();
            if let Some(reason) = too_late(&delivery.envelope, departed) {
                return Attempt::TooLate(reason);
            }
            if !with_new_token && let Some(why) = environment.hold.admit(departed) {
                return Attempt::Stopped(why, None);
            }
            let answer = environment.line.send(delivery, &token).await;
            let route = Route::Line(endpoint);
            self.log_answer(delivery, route, &answer, departed);
            let verdict = classify(route, &answer);
            if verdict == Verdict::Unauthorized && !with_new_token {
                renewed = environment.tokens.after(&token, Timestamp::now()).await;
                if renewed.is_some() {
                    continue;
                }
            }
            return self
                .judge(delivery, pace, verdict, answer, (departed, token))
                .await;
        }
    }

    async fn judge(
        &self,
        delivery: &Delivery,
        pace: &Pace,
        verdict: Verdict,
        answer: Answer,
        (departed, token): (Timestamp, SecretString),
    ) -> Attempt {
        let environment = &self.environment;
        let reply = match answer {
            Answer::Status(reply) => reply,
            Answer::Unanswered(_) => Reply::default(),
        };
        match verdict {
            Verdict::Accepted | Verdict::AlreadyAccepted => {
                environment.hold.end(departed);
                pace.speed_up();
                Attempt::Taken(if verdict == Verdict::Accepted {
                    Outcome::Accepted
                } else {
                    Outcome::AlreadyAccepted
                })
            }
            Verdict::NotSent | Verdict::Unclear => Attempt::Later(RetryCause::Fault),
            Verdict::TooFast => {
                pace.slow_down();
                Attempt::Later(RetryCause::TooFast)
            }
            Verdict::PerhapsQuota => {
                let now = Timestamp::now();
                let month = if now > self.latest_start {
                    None
                } else {
                    environment.line.month(&token, now).await
                };
                if month.is_some_and(|month| month.is_too_short_for(delivery.recipients.len())) {
                    return self.stop(HoldReason::Quota, Some(reply));
                }
                // Another sender may only have reserved what is left, or the text is new to us: neither is for ever.
                pace.slow_down();
                Attempt::Later(RetryCause::TooFast)
            }
            Verdict::Unauthorized | Verdict::Forbidden => {
                self.stop(HoldReason::Unauthorized, Some(reply))
            }
            // The parts must be the same on every attempt, so words that could not be read are asked for again.
            Verdict::Split(_) if reply.body.is_none() => Attempt::Later(RetryCause::Fault),
            Verdict::Split(blame) => Attempt::Split(blame, reply),
            Verdict::Refused => Attempt::Refused(reply),
        }
    }

    fn stop(&self, why: HoldReason, reply: Option<Reply>) -> Attempt {
        self.environment.hold.begin(why, Timestamp::now());
        self.tally().channel(Channel::Line).holds += 1;
        tracing::error!(
            why = why.as_str(),
            status = reply.as_ref().map(|reply| reply.status),
            "the channel `line` is stopped"
        );
        Attempt::Stopped(why, reply)
    }

    /// Takes a refused multicast apart until every part has its outcome. Those that get none here go back to the queue as
    /// deliveries of their own, so that the whole, once refused, is not asked about again.
    async fn take_apart(
        &self,
        record: &Record,
        delivery: &Delivery,
        blame: Blame,
        reply: Reply,
    ) -> Settlement {
        let mut refused = vec![(delivery.clone(), blame, reply)];
        let mut left: Vec<Delivery> = Vec::new();
        let mut patience = PATIENCE;
        while let Some((whole, blame, reply)) = refused.pop() {
            self.tally().channel(Channel::Line).splits += 1;
            let parts = match &blame {
                Blame::Recipients(positions) => split::take_out(&whole, positions),
                Blame::Nobody | Blame::Content => split::halve(&whole),
            };
            let blamed = parts
                .blamed
                .into_iter()
                .map(|part| (part, Attempt::Refused(reply.clone())));
            let others = join_all(parts.others.into_iter().map(|part| async {
                let attempt = self.persist(&part, patience).await;
                (part, attempt)
            }))
            .await;
            for (part, attempt) in blamed.chain(others) {
                if matches!(attempt, Attempt::Later(_)) {
                    // Not this part's bad luck: LINE is down. The others are asked once.
                    patience = 0;
                }
                if let Attempt::Split(blame, reply) = attempt {
                    refused.push((part, blame, reply));
                } else {
                    let body = part.encode();
                    let settlement = self.conclude(record, &part, &body, attempt).await;
                    if settlement != Settlement::Acknowledge {
                        left.push(part);
                    }
                }
            }
        }
        self.put_back(record, &left).await
    }

    /// Asks about a part again and again while only faults keep it from an outcome: a split that started over with every
    /// fault would never end.
    async fn persist(&self, part: &Delivery, patience: u32) -> Attempt {
        let mut attempt = self.attempt_line(part).await;
        for doublings in 0..patience {
            if !matches!(attempt, Attempt::Later(_)) {
                break;
            }
            let breath = BREATH * (1 << doublings);
            let breath = breath.mul_f64(rand::random());
            let room = Duration::try_from(self.latest_start.duration_since(Timestamp::now()));
            if !room.is_ok_and(|room| breath <= room) {
                break;
            }
            tokio::time::sleep(breath).await;
            attempt = self.attempt_line(part).await;
        }
        attempt
    }

    async fn put_back(&self, record: &Record, left: &[Delivery]) -> Settlement {
        if left.is_empty() {
            return Settlement::Acknowledge;
        }
        let later = self.after(record, RetryCause::Fault);
        // On a FIFO queue a part at the end of its group would be overtaken by all that follows: the whole comes again.
        if record.fifo_group.is_some() {
            return later;
        }
        let arn = record.source_arn.as_deref();
        let delay = match later {
            Settlement::Return(wait) => wait,
            Settlement::Acknowledge | Settlement::Untouched => 0,
        };
        for part in left {
            if let Err(error) = self.environment.queue.put(arn, part.encode(), delay).await {
                tracing::warn!(%error, "a part was not put back: the whole is handed back");
                return later;
            }
        }
        Settlement::Acknowledge
    }
}

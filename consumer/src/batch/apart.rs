//! A refused multicast: taken apart within the invocation, and what is left of it put back.

use std::sync::Arc;
use std::time::Duration;

use fanline_core::channel::Channel;
use futures_util::future::join_all;

use crate::batch::report::Trail;
use crate::batch::settlement::{Decision, refuse};
use crate::batch::{Batch, Prepared, Settlement};
use crate::channel::attempt::{Attempt, Conclusion};
use crate::channel::backoff::RetryCause;
use crate::line::split::{self, Split};
use crate::sqs::record::Record;

/// A refused multicast of one record.
pub(super) struct Apart<'a> {
    batch: &'a Batch,
    record: &'a Record,
    split: Split,
}

impl<'a> Apart<'a> {
    /// A multicast that nobody got yet.
    pub(super) fn new(batch: &'a Batch, record: &'a Record, split: Split) -> Self {
        Self {
            batch,
            record,
            split,
        }
    }

    /// Takes it apart until every part has its outcome. Parts that get none go back to the queue as
    /// deliveries of their own, so that the whole is not sent again.
    pub(super) async fn settle(mut self) -> Settlement {
        let batch = self.batch;
        while let Some(round) = self.split.next_round() {
            batch.tally.lock().channel(Channel::Line).splits += 1;
            let retries = self.split.retries();
            let others = join_all(round.others.into_iter().map(|part| async {
                let mut part = Prepared::new(part);
                let attempt = self.persist(&mut part, retries).await;
                (part, attempt)
            }))
            .await;
            for part in round.named {
                let decision = refuse(round.response.as_ref(), &part, self.record);
                let part = Prepared {
                    trail: Trail::REFUSED,
                    ..Prepared::new(part)
                };
                self.settle_part(decision, part).await;
            }
            for (part, attempt) in others {
                if matches!(attempt.conclusion, Conclusion::Retry(_)) {
                    self.split.give_up_retries();
                }
                match attempt.into_split() {
                    Ok((named, response)) => {
                        let part = Arc::unwrap_or_clone(part.delivery);
                        self.split.cut_later(part, named, response);
                    }
                    Err(attempt) => {
                        let decision = batch.decide(&attempt, &part, self.record);
                        self.settle_part(decision, part).await;
                    }
                }
            }
        }
        self.put_back().await
    }

    async fn settle_part(&mut self, decision: Decision, part: Prepared) {
        let settlement = self
            .batch
            .carry_out(decision, self.record, &part, None)
            .await;
        if settlement != Settlement::Acknowledge {
            let is_perhaps_taken = part.is_perhaps_taken(self.record);
            let mut left = Arc::unwrap_or_clone(part.delivery);
            left.perhaps_taken = is_perhaps_taken;
            self.split.leave(left);
        }
    }

    /// Sends a part again and again while only faults keep it from an outcome. A split that began
    /// anew after every fault would never end.
    async fn persist(&self, part: &mut Prepared, retries: u32) -> Attempt {
        let batch = self.batch;
        let mut attempt = batch.attempt(part).await;
        for retry in 1..=retries {
            let wait = split::wait(retry, batch.draw());
            let room = Duration::try_from(batch.latest.duration_since(batch.now()));
            let has_room = room.is_ok_and(|room| wait <= room);
            if !matches!(attempt.conclusion, Conclusion::Retry(_)) || !has_room {
                break;
            }
            tokio::time::sleep(wait).await;
            attempt = batch.attempt(part).await;
        }
        attempt
    }

    /// Puts the parts that have no outcome on the queue. If that can't be done, the whole comes
    /// again.
    async fn put_back(self) -> Settlement {
        let (batch, record) = (self.batch, self.record);
        let parts = self.split.into_unsettled();
        if parts.is_empty() {
            return Settlement::Acknowledge;
        }
        let wait = batch.wait(record, RetryCause::Fault);
        // On a FIFO queue everything that follows would overtake the parts.
        if record.fifo_group.is_some() {
            return batch.back_after(wait);
        }
        let arn = record.source_arn.as_deref();
        for part in parts {
            let queue = &batch.environment.delivery_queue;
            if let Err(error) = queue.put(arn, record.encode(&part), wait).await {
                let message_id = record.message_id.as_deref();
                tracing::warn!(%error, message_id, "part not put back, record handed back");
                return batch.back_after(wait);
            }
        }
        Settlement::Acknowledge
    }
}

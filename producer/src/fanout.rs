//! The fan-out of a list: it is checked as a whole, and then published, or its slices are.

use std::sync::Arc;

use fanline_core::surroundings::Clock;
use fanline_ledger::{ByEndpoint, SliceCounts};
use fanline_telemetry::fingerprint::Fingerprinter;
use jiff::{SignedDuration, Timestamp};

use crate::check::reading::CheckReading;
use crate::check::rejects::{RejectedRow, RejectsWriter};
use crate::error::{ProduceError, Resume};
use crate::ledger::RunLedger;
use crate::list::checked_rows::{Checked, CheckedRows};
use crate::list::cutter::CheckedList;
use crate::list::rows::ReadError;
use crate::list::slice::{OpenSlice, Slice};
use crate::list::source::SourceError;
use crate::list::store::ListStore;
use crate::progress::Progress;
use crate::publish::batch_result::RefusedEntry;
use crate::publish::canary::own_counts;
use crate::publish::encoder::{DeliveryEncoder, Sealer};
use crate::publish::left_out::LeftOut;
use crate::publish::pack::Entry;
use crate::publish::queue::Queue;
use crate::publish::reading::{PublishReading, Unsent};
use crate::publish::roll::SliceRoll;
use crate::publish::sender::{FailedRequest, SendTotals, Sender};
use crate::publish::slice_queue::SliceQueue;
use crate::publish::sqs_entry::EntryWriter;
use crate::settings::Settings;
use crate::summary::{LeftOutPeople, Summary};

/// How long before the end of an invocation nothing new begins, at most. Requests in flight need
/// this time to be answered, and the rest of the slice to be handed over.
const MAX_MARGIN: SignedDuration = SignedDuration::from_secs(20);

/// When nothing new begins any more. A short invocation keeps a third of its time for the end.
fn stop_at(deadline: Timestamp, now: Timestamp) -> Timestamp {
    let third = now.duration_until(deadline) / 3;
    deadline - third.clamp(SignedDuration::ZERO, MAX_MARGIN)
}

/// The fan-out of a list or a slice: what it reads, and where its deliveries and its other rows
/// go.
pub(crate) struct Fanout<'a> {
    pub(crate) open: &'a OpenSlice,
    pub(crate) settings: &'a Settings,
    pub(crate) lists: &'a ListStore,
    pub(crate) delivery_queue: &'a Queue,
    /// Where the rest of the slice goes when time runs out.
    pub(crate) slice_queue: Option<&'a SliceQueue>,
    pub(crate) ledger: &'a RunLedger,
    pub(crate) sealer: &'a Sealer,
    pub(crate) progress: &'a Arc<Progress>,
    pub(crate) clock: &'a Clock,
}

/// Where publishing ended.
enum Reached {
    /// At the end of the slice. The deliveries that were left out have so many recipients.
    End {
        skipped_recipients: u64,
        left_out: LeftOutPeople,
        deliveries: ByEndpoint<u64>,
        roll: Option<Box<SliceRoll>>,
    },
    /// Before this: there was no time for it.
    Unsent(Unsent),
}

impl Fanout<'_> {
    /// When nothing new begins any more, in an invocation that ends at `deadline`.
    pub(crate) fn stop_at(&self, deadline: Option<Timestamp>) -> Option<Timestamp> {
        deadline.map(|deadline| stop_at(deadline, self.clock.now()))
    }

    /// Reads the whole list, or a slice that comes unchecked, and writes down the rows that can't
    /// be sent. Returns an error where these are too many. `cut_bytes`: how long the slices may be,
    /// if the list is to be cut.
    pub(crate) async fn check(
        &self,
        cut_bytes: Option<u64>,
        stop_at: Option<Timestamp>,
    ) -> Result<(CheckedList, Vec<String>), ProduceError> {
        let mut rejects = self.rejects_writer(self.open.slice.name());
        let mut reading = CheckReading::new(self.open, self.progress, stop_at, self.clock.clone());
        if let Some(bytes) = cut_bytes {
            reading = reading.cutting(bytes);
        }
        let mut first = None;
        while let Some(rejected) = reading.next().await? {
            rejects
                .add(&RejectedRow {
                    number: rejected.place.into(),
                    column: rejected.error.column(),
                    reason: &rejected.error.to_string(),
                    recipient: rejected.recipient.as_ref(),
                })
                .await?;
            first.get_or_insert((rejected.place, rejected.error));
        }
        let rejects = rejects.finish().await?;
        let list = reading.finish()?;
        let checked = list.rows.counts();
        let max_bad_rows = &self.open.campaign.max_bad_rows;
        match first {
            Some((place, error)) if !max_bad_rows.allows(checked.rejected, checked.rows) => {
                Err(ProduceError::TooManyBadRows {
                    list: self.open.source.name.clone(),
                    rejected: checked.rejected,
                    rows: checked.rows,
                    first: format!("{place}: {error}"),
                    rejects,
                })
            }
            _ => Ok((list, rejects)),
        }
    }

    /// Publishes a slice whose rows have been checked. Hands the rest of it over at `stop_at`.
    pub(crate) async fn publish(
        &self,
        rows: CheckedRows,
        stop_at: Option<Timestamp>,
    ) -> Result<Summary, ProduceError> {
        let checked = own_counts(self.open, &rows).await?;
        let slice = &self.open.slice;
        let Checked {
            rejected,
            duplicates,
            ..
        } = checked;
        let key = self.sealer.key(self.open).await?;
        let counts = SliceCounts::new(self.open.id, checked.recipients(), rejected, duplicates);
        let begin = self.ledger.begin_slice(&slice.run, &counts, slice.skip);
        let are_copies = begin.await? || slice.perhaps_published;
        let encoder = DeliveryEncoder::of(self.open, are_copies, key);
        let published = self.publish_rows(rows.clone(), checked, encoder, stop_at);
        let (sent, reached) = published.await?;
        let mut summary = Summary {
            run: slice.run.clone(),
            slice: Some(slice.name()),
            recipients: sent.recipients,
            rejected: sent.refused_rows,
            deliveries: sent.deliveries,
            requests: sent.requests,
            skipped_deliveries: slice.skip,
            rejects: self.write_refused(&sent).await?,
            ..Summary::default()
        };
        match reached {
            Reached::End {
                skipped_recipients,
                left_out,
                deliveries,
                roll,
            } => {
                let published = skipped_recipients + sent.recipients + sent.refused_rows;
                if published + left_out.total() != checked.recipients() {
                    return Err(SourceError::Changed(self.open.source.name.clone()).into());
                }
                summary.left_out = left_out;
                summary.rejected += checked.rejected;
                summary.duplicates = checked.duplicates;
                let counts = counts.published(deliveries);
                self.ledger.end_slice(&slice.run, &counts, roll).await?;
            }
            Reached::Unsent(unsent) => {
                self.hand_over(rows, are_copies, unsent).await?;
                summary.handed_over = true;
            }
        }
        let left_out = summary.left_out.total();
        summary.rows = summary.recipients + left_out + summary.rejected + summary.duplicates;
        Ok(summary)
    }

    /// Whether the campaign allows that the queue refuses so many rows of the slice. The rows that
    /// the check rejected were counted over the whole list, and allowed.
    fn allows_refused(&self, checked: Checked, refused: u64) -> bool {
        let max_bad_rows = &self.open.campaign.max_bad_rows;
        refused == 0 || max_bad_rows.allows(refused, checked.rows)
    }

    /// Reads the slice again and publishes its deliveries, as far as time allows.
    async fn publish_rows(
        &self,
        rows: CheckedRows,
        checked: Checked,
        encoder: DeliveryEncoder,
        stop_at: Option<Timestamp>,
    ) -> Result<(SendTotals, Reached), ProduceError> {
        let left_out = self.left_out(checked).await?;
        let roll = self.fingerprinter();
        let mut reading = PublishReading::new(self.open, rows, left_out, encoder.clone(), roll);
        let mut sender = Sender::new(
            self.delivery_queue.clone(),
            EntryWriter::for_deliveries(self.open, encoder, self.settings.queue_groups),
            self.settings.sends_in_flight,
            Arc::clone(self.progress),
        );
        let sending = self.send_requests(&mut reading, &mut sender, checked, stop_at);
        let unsent = sending.await;
        // What is in flight is finished and counted, whatever ended the reading.
        let (sent, failed) = sender.finish().await;
        if let Some(failed) = failed {
            return Err(self.request_failed(failed, &sent));
        }
        let unsent = unsent?;
        self.allow_refused(checked, &sent).await?;
        let reached = self.reached(unsent, &mut reading)?;
        Ok((sent, reached))
    }

    /// What is left out: not everything of the slice may be wanted.
    async fn left_out(&self, checked: Checked) -> Result<LeftOut, ProduceError> {
        let slice = &self.open.slice;
        let known = match &slice.only {
            None => None,
            Some(only) => {
                let book = self
                    .ledger
                    .book(&slice.run, self.open.id, checked.recipients());
                book.await?.map(|book| (only.clone(), book))
            }
        };
        Ok(LeftOut::new(slice.skip, known).watched_by(Arc::clone(self.progress)))
    }

    /// Starts one request after the other, until there are no more, one of them fails, or too many
    /// rows are refused. Returns what there was no time for, if time ran out.
    async fn send_requests(
        &self,
        reading: &mut PublishReading<'_>,
        sender: &mut Sender,
        checked: Checked,
        stop_at: Option<Timestamp>,
    ) -> Result<Option<Unsent>, ReadError> {
        while let Some(request) = reading.next().await? {
            if stop_at.is_some_and(|stop_at| self.clock.now() >= stop_at) {
                return Ok(Some(reading.unsent(&request)));
            }
            if !sender.send(request).await || !self.allows_refused(checked, sender.refused_rows()) {
                break;
            }
        }
        Ok(None)
    }

    /// Returns an error where the queue refused more rows than the campaign allows.
    async fn allow_refused(&self, checked: Checked, sent: &SendTotals) -> Result<(), ProduceError> {
        match sent.refused.first() {
            Some(first) if !self.allows_refused(checked, sent.refused_rows) => {
                Err(ProduceError::RefusedTooMany {
                    published: sent.deliveries,
                    reason: first.reason.clone(),
                    rejects: self.write_refused(sent).await?,
                })
            }
            _ => Ok(()),
        }
    }

    /// Where publishing ended, or an error where it can't have come so far.
    fn reached(
        &self,
        unsent: Option<Unsent>,
        reading: &mut PublishReading<'_>,
    ) -> Result<Reached, ProduceError> {
        let skip = self.open.slice.skip;
        match unsent {
            Some(Unsent { delivery, row }) if delivery <= skip => {
                Err(ProduceError::NoTimeToPublish { before: skip, row })
            }
            Some(unsent) => Ok(Reached::Unsent(unsent)),
            None => {
                let (skipped_recipients, missing) = reading.skipped();
                if missing > 0 {
                    let there = skip - missing;
                    return Err(ProduceError::Skip { skip, there });
                }
                let (deliveries, roll) = reading.take_roll();
                Ok(Reached::End {
                    skipped_recipients,
                    left_out: reading.left_out(),
                    deliveries,
                    roll: roll.map(Box::new),
                })
            }
        }
    }

    /// Writes down the rows whose deliveries the queue refused. They have a file of their own for
    /// each invocation that works on the slice.
    async fn write_refused(&self, sent: &SendTotals) -> Result<Vec<String>, ProduceError> {
        let slice = &self.open.slice;
        let mut rejects = self.rejects_writer(format!("{}.queue-{}", slice.name(), slice.skip));
        for RefusedEntry { entry, reason } in &sent.refused {
            let Entry::Delivery { group, .. } = entry else {
                continue;
            };
            let reason = format!("the queue refused the delivery: {reason}");
            for (recipient, number) in group.recipients.iter().zip(&group.rows) {
                rejects
                    .add(&RejectedRow {
                        number: *number,
                        column: "",
                        reason: &reason,
                        recipient: Some(recipient),
                    })
                    .await?;
            }
        }
        Ok(rejects.finish().await?)
    }

    fn rejects_writer(&self, name: String) -> RejectsWriter<'_> {
        let prefix = self.settings.rejects_prefix.as_ref();
        RejectsWriter::new(self.lists, prefix, &self.open.campaign, name)
    }

    /// Puts the rest of the slice on the slice queue.
    async fn hand_over(
        &self,
        rows: CheckedRows,
        are_copies: bool,
        unsent: Unsent,
    ) -> Result<(), ProduceError> {
        let (before, row) = (unsent.delivery, unsent.row);
        let resume = self.resume(before);
        let Some(slice_queue) = self.slice_queue else {
            return Err(ProduceError::OutOfTime { resume, row });
        };
        let mut rest = Slice {
            skip: before,
            perhaps_published: are_copies,
            checked: Some(rows),
            ..self.open.slice.clone()
        };
        if !SliceQueue::takes(&rest) {
            // It is checked again by itself.
            rest.checked = None;
        }
        match slice_queue.send(self.open, vec![rest]).await {
            Ok(_) => Ok(()),
            Err(error) => Err(ProduceError::HandOver {
                resume,
                row,
                error: error.error,
            }),
        }
    }

    /// The error of a request that could not be sent.
    fn request_failed(&self, failed: FailedRequest, sent: &SendTotals) -> ProduceError {
        #[expect(
            clippy::expect_used,
            reason = "a request has an entry, a delivery has a recipient, a recipient has a row"
        )]
        let first = failed.row.expect("a request of deliveries has a row");
        ProduceError::Publish {
            published: sent.deliveries,
            resume: self.resume(failed.before),
            row: first.row,
            error: failed.error,
        }
    }

    /// What makes the fingerprints of the roll, if one is written.
    fn fingerprinter(&self) -> Option<Fingerprinter> {
        let of_run = || Fingerprinter::new(&self.open.slice.run);
        let fingerprinter = self.settings.fingerprinter.clone();
        self.ledger
            .is_kept()
            .then(|| fingerprinter.unwrap_or_else(of_run))
    }

    /// The first `n` deliveries of this version of the list.
    fn resume(&self, n: u64) -> Resume {
        let etag = self.open.slice.etag.clone();
        Resume { n, etag }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_invocation_keeps_a_third_back_and_a_long_one_twenty_seconds() {
        let now: Timestamp = "2026-12-25T00:00:00Z".parse().unwrap();
        for (left, works_for) in [(900, 880), (60, 40), (3, 2), (0, 0), (-5, -5)] {
            let deadline = now + SignedDuration::from_secs(left);
            let stop = stop_at(deadline, now);
            assert_eq!(now.duration_until(stop).as_secs(), works_for, "{left}");
        }
    }
}

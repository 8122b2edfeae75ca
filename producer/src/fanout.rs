//! One slice, from its first reading to its last delivery.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::check::checker::Checked;
use crate::check::rejects::Rejects;
use crate::error::ProduceError;
use crate::handler::Producer;
use crate::list::slice::Slice;
use crate::list::source::SourceError;
use crate::publish::pack::Entry;
use crate::publish::sender::{Sender, Sent};
use crate::publish::sqs_entry::Postmark;
use crate::reading::{CheckError, FirstReading, Job, SecondReading};
use crate::summary::Summary;

/// How long before the end of an invocation nothing new is begun, at most: what is in flight has this long to be answered,
/// and the rest of the slice to be handed over.
const MARGIN: SignedDuration = SignedDuration::from_secs(20);

/// When to begin nothing new: a third of a short invocation is kept back, and never more than [`MARGIN`].
fn stop_before(deadline: Timestamp, now: Timestamp) -> Timestamp {
    let third = now.duration_until(deadline) / 3;
    deadline - third.clamp(SignedDuration::ZERO, MARGIN)
}

/// How far the second reading came.
enum Reached {
    /// The end, having left out so many recipients of deliveries that were published before.
    End { skipped: u64 },
    /// There was no time for this row and those behind it.
    Row(u64),
}

impl Producer {
    /// Checks the whole slice, then publishes it.
    pub(crate) async fn work(
        &self,
        job: Job,
        mark: Postmark,
        deadline: Option<Timestamp>,
    ) -> Result<Summary, ProduceError> {
        let stop = deadline.map(|deadline| stop_before(deadline, Timestamp::now()));
        let (mut checked, rejects) = self.check(&job, stop).await?;
        let (sent, reached) = self.publish(&job, mark, &mut checked, stop).await?;
        let mut summary = Summary {
            run: job.slice.run.clone(),
            slice: Some(job.slice.name()),
            recipients: sent.recipients,
            rejected: sent.refused_rows,
            deliveries: sent.deliveries,
            requests: sent.requests,
            skipped_deliveries: job.slice.skip,
            rejects: self.write_refused(&job, &sent).await?,
            ..Summary::default()
        };
        match reached {
            Reached::End { skipped } => {
                if skipped + sent.recipients + sent.refused_rows != checked.recipients() {
                    return Err(SourceError::Changed(job.source.name.clone()).into());
                }
                summary.rejected += checked.rejected;
                summary.duplicates = checked.duplicates;
                summary.rejects.extend(rejects);
            }
            Reached::Row(row) => {
                self.hand_over(&job, sent.all(), row).await?;
                summary.handed_over = true;
            }
        }
        summary.rows = summary.recipients + summary.rejected + summary.duplicates;
        Ok(summary)
    }

    /// Reads the slice whole and writes down what can't be sent; an error where that is too much, or nothing is left.
    async fn check(
        &self,
        job: &Job,
        stop: Option<Timestamp>,
    ) -> Result<(Checked, Vec<String>), ProduceError> {
        let prefix = self.settings.rejects_prefix.as_ref();
        let mut rejects = Rejects::new(&self.lists, prefix, &job.campaign, job.slice.name());
        let mut reading = FirstReading::new(job, &self.progress, stop);
        let mut first = None;
        loop {
            match reading.next().await {
                Ok(Some(rejected)) => {
                    rejects.add(&rejected).await?;
                    first.get_or_insert((rejected.place, rejected.error));
                }
                Ok(None) => break,
                Err(CheckError::Read(error)) => return Err(error.into()),
                Err(CheckError::OutOfTime) => {
                    return Err(ProduceError::NoTimeToCheck(job.source.name.clone()));
                }
            }
        }
        let rejects = rejects.finish().await?;
        let checked = reading.finish();
        if checked.rows == 0 {
            return Err(ProduceError::NoRows(job.source.name.clone()));
        }
        match first {
            Some((place, error))
                if !job
                    .campaign
                    .max_bad_rows
                    .allows(checked.rejected, checked.rows) =>
            {
                Err(ProduceError::TooManyBadRows {
                    list: job.source.name.clone(),
                    rejected: checked.rejected,
                    rows: checked.rows,
                    first: format!("{place}: {error}"),
                    rejects,
                })
            }
            _ => Ok((checked, rejects)),
        }
    }

    /// Reads the slice again and publishes its deliveries, as far as time allows.
    async fn publish(
        &self,
        job: &Job,
        mark: Postmark,
        checked: &mut Checked,
        stop: Option<Timestamp>,
    ) -> Result<(Sent, Reached), ProduceError> {
        let allows = |refused: u64| {
            refused == 0
                || job
                    .campaign
                    .max_bad_rows
                    .allows(checked.rejected + refused, checked.rows)
        };
        let mut reading = SecondReading::new(job, std::mem::take(&mut checked.windows));
        let mut sender = Sender::new(
            self.deliveries.clone(),
            mark,
            &self.settings,
            Arc::clone(&self.progress),
        )
        .starting_at(job.slice.skip);
        let mut reached = None;
        let read = loop {
            let request = match reading.next().await {
                Ok(Some(request)) => request,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            };
            if stop.is_some_and(|stop| Timestamp::now() >= stop) {
                reached = Some(Reached::Row(reading.first_waiting(&request)));
                break Ok(());
            }
            if !sender.send(request).await || !allows(sender.refused_rows()) {
                break Ok(());
            }
        };
        let (sent, failed) = sender.finish().await;
        if let Some(failed) = failed {
            let row = failed.row.map_or(job.slice.start.row, |row| row.row);
            return Err(ProduceError::Publish {
                published: sent.deliveries,
                before: failed.before,
                row,
                source: failed.error,
            });
        }
        read?;
        if let Some((_, reason)) = sent.refused.first().filter(|_| !allows(sent.refused_rows)) {
            let rejects = self.write_refused(job, &sent).await?;
            return Err(ProduceError::RefusedTooMany {
                published: sent.deliveries,
                reason: reason.clone(),
                rejects,
            });
        }
        let (skipped, missing) = reading.skipped();
        match reached {
            Some(Reached::Row(row)) if sent.all() == 0 => Err(ProduceError::NoTimeToPublish {
                before: job.slice.skip,
                row,
            }),
            Some(reached) => Ok((sent, reached)),
            None if missing > 0 => Err(ProduceError::Skip {
                skip: job.slice.skip,
                there: job.slice.skip - missing,
            }),
            None => Ok((sent, Reached::End { skipped })),
        }
    }

    /// Writes down the rows whose deliveries the queue refused, in a file of their own: another invocation may write more of
    /// the same slice.
    async fn write_refused(&self, job: &Job, sent: &Sent) -> Result<Vec<String>, ProduceError> {
        let name = format!("{}.queue-{}", job.slice.name(), job.slice.skip);
        let prefix = self.settings.rejects_prefix.as_ref();
        let mut rejects = Rejects::new(&self.lists, prefix, &job.campaign, name);
        for (entry, reason) in &sent.refused {
            if let Entry::Delivery { group, .. } = entry {
                rejects.add_delivery(group, reason).await?;
            }
        }
        Ok(rejects.finish().await?)
    }

    /// Puts what is left of a slice on the slice queue, `published` more of its deliveries being done.
    async fn hand_over(&self, job: &Job, published: u64, row: u64) -> Result<(), ProduceError> {
        let slice = Slice {
            skip: job.slice.skip + published,
            ..job.slice.clone()
        };
        let before = slice.skip;
        if self.slices.is_none() {
            return Err(ProduceError::OutOfTime { before, row });
        }
        match self.send_slices(job, vec![slice]).await {
            Err(ProduceError::Slices { source, .. }) => Err(ProduceError::HandOver {
                before,
                row,
                source,
            }),
            other => other.map(|_| ()),
        }
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
            let stop = stop_before(deadline, now);
            assert_eq!(now.duration_until(stop).as_secs(), works_for, "{left}");
        }
    }
}

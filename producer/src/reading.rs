//! A slice is read twice: once to check it whole, once to publish it.

use std::sync::Arc;

use fanline_core::campaign::Campaign;
use jiff::Timestamp;

use crate::check::checker::{Checked, Checker, Rejected, Window};
use crate::check::row_rules::Rules;
use crate::list::rows::{ReadError, Rows};
use crate::list::slice::Slice;
use crate::list::source::{Source, SourceError};
use crate::progress::Progress;
use crate::publish::deliveries::Deliveries;
use crate::publish::pack::{Entry, Packer};

/// A slice with all that is needed to read it.
pub(crate) struct Job {
    pub(crate) campaign: Arc<Campaign>,
    pub(crate) slice: Slice,
    pub(crate) source: Arc<Source>,
}

impl Job {
    pub(crate) fn rules(&self) -> Rules<'_> {
        Rules::new(
            &self.campaign,
            &self.campaign.envelope(self.slice.started_at),
        )
    }
}

/// The reading that checks.
pub(crate) struct FirstReading<'a> {
    rows: Rows,
    checker: Checker<'a>,
    progress: &'a Progress,
    /// When there is no time left to go on.
    stop: Option<Timestamp>,
}

/// Why a slice could not be checked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("out of time")]
    OutOfTime,
}

impl<'a> FirstReading<'a> {
    pub(crate) fn new(job: &'a Job, progress: &'a Progress, stop: Option<Timestamp>) -> Self {
        let end = job.slice.end.unwrap_or(job.source.length);
        // How long a packed list is once it is unpacked, nobody knows.
        let bytes = if job.source.is_packed() {
            u64::MAX
        } else {
            end - job.slice.start.byte
        };
        Self {
            rows: Rows::new(&job.source, &job.slice),
            checker: Checker::new(job.rules(), job.slice.window_bytes, bytes),
            progress,
            stop,
        }
    }

    /// Reads on to the next row that can't be sent, or to the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Rejected>, CheckError> {
        loop {
            while let Some(parsed) = self.rows.next()? {
                if let Some(rejected) = self.checker.row(parsed) {
                    return Ok(Some(rejected));
                }
            }
            if self.stop.is_some_and(|stop| Timestamp::now() >= stop) {
                return Err(CheckError::OutOfTime);
            }
            let more = self.rows.fill(self.checker.rules()).await?;
            if !more {
                self.checker.end();
            }
            let (rows, rejected, duplicates) = self.checker.fresh();
            self.progress.add_checked(rows, rejected, duplicates);
            if !more {
                return Ok(None);
            }
        }
    }

    /// What was found, once there is no next.
    pub(crate) fn finish(self) -> Checked {
        self.checker.finish()
    }
}

/// The reading that publishes: rows become deliveries, and deliveries requests.
pub(crate) struct SecondReading<'a> {
    job: &'a Job,
    rows: Rows,
    deliveries: Deliveries<'a>,
    packer: Packer,
    ended: bool,
}

impl<'a> SecondReading<'a> {
    pub(crate) fn new(job: &'a Job, windows: Vec<Window>) -> Self {
        let encoder = job.campaign.envelope(job.slice.started_at).encoder();
        Self {
            job,
            rows: Rows::new(&job.source, &job.slice),
            deliveries: Deliveries::new(job.rules(), encoder, windows, job.slice.skip),
            packer: Packer::default(),
            ended: false,
        }
    }

    /// The next request.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Entry>>, ReadError> {
        let changed = || SourceError::Changed(self.job.source.name.clone());
        loop {
            while let Some(entry) = self.deliveries.pop() {
                if let Some(request) = self.packer.push(entry) {
                    return Ok(Some(request));
                }
            }
            if self.ended {
                return Ok(self.packer.finish());
            }
            if let Some(parsed) = self.rows.next()? {
                self.deliveries.row(parsed).map_err(|_| changed())?;
            } else if !self.rows.fill(self.deliveries.rules()).await? {
                self.deliveries.finish().map_err(|_| changed())?;
                self.ended = true;
            }
        }
    }

    /// The first row that has not gone out, `request` being held back as well.
    pub(crate) fn first_waiting(&self, request: &[Entry]) -> u64 {
        let held = request
            .iter()
            .chain(self.packer.waiting())
            .filter_map(|entry| entry.rows().first());
        let waiting = held
            .copied()
            .chain(self.deliveries.first_row())
            .map(|row| row.row);
        waiting
            .min()
            .unwrap_or(u64::MAX)
            .min(self.rows.next_place().row)
    }

    /// The recipients of the deliveries that were left out, and how many of those there were too few.
    pub(crate) fn skipped(&self) -> (u64, u64) {
        self.deliveries.skipped()
    }
}

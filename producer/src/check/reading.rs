//! The reading of a list that checks its rows.

use std::io;

use fanline_core::surroundings::Clock;
use jiff::Timestamp;

use crate::check::checker::{Checker, Rejected};
use crate::check::row_rules::RowRules;
use crate::check::samples::Samples;
use crate::list::cutter::{CheckedList, Cutter};
use crate::list::rows::{ReadError, Rows};
use crate::list::slice::OpenSlice;
use crate::progress::Progress;

/// Reads a list, or a slice of it, and checks its rows.
pub(crate) struct CheckReading<'a> {
    open: &'a OpenSlice,
    rows: Rows,
    checker: Checker<'a>,
    /// Only where the list is to be cut.
    cutter: Option<Cutter>,
    progress: &'a Progress,
    /// When there is no more time.
    stop_at: Option<Timestamp>,
    clock: Clock,
}

/// Why a slice was not checked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckError {
    /// The rows can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The recipients did not fit into memory, and could not be sorted on the disk.
    #[error(
        "the recipients of `{list}` can't be sorted in the folder for temporary files: {error}"
    )]
    Sort {
        /// The name of the list.
        list: String,
        /// What went wrong.
        error: io::Error,
    },
    /// The list has no rows.
    #[error("`{0}` has no rows")]
    NoRows(String),
    /// Time ran out before the last row.
    #[error("there was not enough time to check `{0}`")]
    OutOfTime(String),
}

impl<'a> CheckReading<'a> {
    /// Reads until `clock` shows `stop_at` at most.
    pub(crate) fn new(
        open: &'a OpenSlice,
        progress: &'a Progress,
        stop_at: Option<Timestamp>,
        clock: Clock,
    ) -> Self {
        // Nobody knows how long a list will be that is packed or a workbook.
        let bytes = if open.source.form.has_places() {
            open.end() - open.slice.start.byte
        } else {
            u64::MAX
        };
        let rules = RowRules::of(open);
        Self {
            open,
            rows: Rows::new(open),
            checker: Checker::new(rules, open.slice.window_bytes, bytes),
            cutter: None,
            progress,
            stop_at,
            clock,
        }
    }

    /// Also finds where the list is cut into slices of at most so many bytes.
    pub(crate) fn cutting(mut self, max_bytes: u64) -> Self {
        self.cutter = Some(Cutter::new(max_bytes));
        self
    }

    /// Keeps some of the rows that can be sent, to show them.
    pub(crate) fn keep_samples(&mut self, samples: Samples) {
        self.checker.keep_samples(samples);
    }

    /// The rows that were kept, if any were asked for.
    pub(crate) fn take_samples(&mut self) -> Samples {
        self.checker.take_samples()
    }

    /// Reads on to the next row that can't be sent, or to the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Rejected>, CheckError> {
        loop {
            while let Some(parsed) = self.rows.next()? {
                if let Some(cutter) = &mut self.cutter {
                    cutter.row(parsed.place);
                }
                let rejected = self.checker.row(parsed);
                if let Some(rejected) = rejected.map_err(|error| sort_error(self.open, error))? {
                    return Ok(Some(rejected));
                }
            }
            if self.stop_at.is_some_and(|stop| self.clock.now() >= stop) {
                return Err(CheckError::OutOfTime(self.open.source.name.clone()));
            }
            let rules = self.checker.rules();
            let has_more = self.rows.fill(|header| rules.check_header(header)).await?;
            self.report_progress();
            if !has_more {
                return Ok(None);
            }
        }
    }

    fn report_progress(&mut self) {
        let (rows, rejected) = self.checker.newly_checked();
        self.progress.add_checked(rows, rejected);
    }

    /// What was found, and where the list is cut. For when there is no next row.
    pub(crate) fn finish(self) -> Result<CheckedList, CheckError> {
        let rows = self.checker.finish();
        let rows = rows.map_err(|error| sort_error(self.open, error))?;
        if rows.rows() == 0 {
            return Err(CheckError::NoRows(self.open.source.name.clone()));
        }
        self.progress.add_duplicates(rows.counts().duplicates);
        let length = self.open.source.length;
        Ok(CheckedList {
            rows,
            header: self.rows.header().cloned(),
            parts: self
                .cutter
                .map_or_else(Vec::new, |cutter| cutter.finish(length)),
        })
    }
}

fn sort_error(open: &OpenSlice, error: io::Error) -> CheckError {
    CheckError::Sort {
        list: open.source.name.clone(),
        error,
    }
}

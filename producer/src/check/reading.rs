//! The reading of a slice that checks its rows.

use fanline_core::surroundings::Clock;
use jiff::Timestamp;

use crate::check::checker::{Checked, Checker, Rejected};
use crate::check::row_rules::RowRules;
use crate::check::samples::Samples;
use crate::check::window::Window;
use crate::list::rows::{ReadError, Rows};
use crate::list::slice::OpenSlice;
use crate::progress::Progress;

/// Reads a slice and checks its rows.
pub(crate) struct CheckReading<'a> {
    open: &'a OpenSlice,
    rows: Rows,
    checker: Checker<'a>,
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
        // Nobody knows how long a packed list will be.
        let bytes = if open.source.is_packed() {
            u64::MAX
        } else {
            open.end() - open.slice.start.byte
        };
        let rules = RowRules::new(&open.campaign, &open.envelope());
        Self {
            open,
            rows: Rows::new(open),
            checker: Checker::new(rules, open.slice.window_bytes, bytes),
            progress,
            stop_at,
            clock,
        }
    }

    /// Keeps some of the rows that can be sent, to show them.
    pub(crate) fn keep_samples(&mut self) {
        self.checker.keep_samples();
    }

    /// The rows that were kept, if any were asked for.
    pub(crate) fn take_samples(&mut self) -> Samples {
        self.checker.take_samples()
    }

    /// Reads on to the next row that can't be sent, or to the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Rejected>, CheckError> {
        loop {
            while let Some(parsed) = self.rows.next()? {
                if let Some(rejected) = self.checker.row(parsed) {
                    return Ok(Some(rejected));
                }
            }
            if self.stop_at.is_some_and(|stop| self.clock.now() >= stop) {
                return Err(CheckError::OutOfTime(self.open.source.name.clone()));
            }
            let rules = self.checker.rules();
            let has_more = self.rows.fill(|header| rules.check_header(header)).await?;
            if !has_more {
                self.checker.end();
            }
            let Checked {
                rows,
                rejected,
                duplicates,
            } = self.checker.newly_checked();
            self.progress.add_checked(rows, rejected, duplicates);
            if !has_more {
                return Ok(None);
            }
        }
    }

    /// What was found, and which rows of each window are sent. For when there is no next row.
    pub(crate) fn finish(self) -> Result<(Checked, Vec<Window>), CheckError> {
        let (checked, windows) = self.checker.finish();
        if checked.rows == 0 {
            return Err(CheckError::NoRows(self.open.source.name.clone()));
        }
        Ok((checked, windows))
    }
}

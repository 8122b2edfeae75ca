//! The sum of a run: every row of the list in exactly one outcome.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use consumer::Settled;
use fanline_core::outcome::Outcome;
use serde::Serialize;
use uuid::Uuid;

/// What became of the rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Sum {
    pub(crate) rows: u64,
    pub(crate) accepted: u64,
    pub(crate) already_accepted: u64,
    pub(crate) refused: u64,
    pub(crate) expired: u64,
    pub(crate) unknown: u64,
    pub(crate) rejected: u64,
    pub(crate) duplicates: u64,
}

impl Sum {
    /// Whether every row got its message, duplicates counted with the row they repeat.
    pub(crate) fn all_accepted(&self) -> bool {
        self.rows == self.accepted + self.already_accepted + self.duplicates
    }

    /// The rows whose outcome has been counted.
    pub(crate) fn counted(&self) -> u64 {
        self.settled() + self.rejected + self.duplicates
    }

    fn settled(&self) -> u64 {
        self.accepted + self.already_accepted + self.refused + self.expired + self.unknown
    }
}

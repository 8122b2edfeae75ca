//! How far the work has come, for a task that watches it.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::summary::LeftOutPeople;

/// Counts that only grow. Any thread can read them at any time.
#[derive(Debug, Default)]
pub struct Progress {
    rows: AtomicU64,
    recipients: AtomicU64,
    rejected: AtomicU64,
    duplicates: AtomicU64,
    deliveries: AtomicU64,
    left_out: Mutex<LeftOutPeople>,
}

impl Progress {
    /// Rows that have been checked.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Recipients whose delivery is on the queue.
    pub fn recipients(&self) -> u64 {
        self.recipients.load(Ordering::Relaxed)
    }

    /// Rows that can't be sent.
    pub fn rejected(&self) -> u64 {
        self.rejected.load(Ordering::Relaxed)
    }

    /// Rows whose recipient has an earlier row. They are found once all rows have been
    /// checked.
    pub fn duplicates(&self) -> u64 {
        self.duplicates.load(Ordering::Relaxed)
    }

    /// Deliveries on the queue.
    pub fn deliveries(&self) -> u64 {
        self.deliveries.load(Ordering::Relaxed)
    }

    /// Recipients who are left out because they have an outcome already.
    pub fn left_out(&self) -> LeftOutPeople {
        *self.left_out.lock()
    }

    pub(crate) fn add_left_out(&self, people: &LeftOutPeople) {
        self.left_out.lock().add(people);
    }

    pub(crate) fn add_checked(&self, rows: u64, rejected: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.rejected.fetch_add(rejected, Ordering::Relaxed);
    }

    pub(crate) fn add_duplicates(&self, duplicates: u64) {
        self.duplicates.fetch_add(duplicates, Ordering::Relaxed);
    }

    pub(crate) fn add_published(&self, recipients: u64, deliveries: u64) {
        self.recipients.fetch_add(recipients, Ordering::Relaxed);
        self.deliveries.fetch_add(deliveries, Ordering::Relaxed);
    }
}

//! The producer of a run, and what its invocations gave.

use std::collections::BTreeSet;

use fanline_producer::{LeftOutPeople, ProduceError, Producer, Progress, Summary};
use parking_lot::Mutex;
use serde_json::Value;

use crate::report::accounting::FanOutCounts;

/// A producer that keeps the result of each invocation.
pub(crate) struct FanOut {
    producer: Producer,
    results: Mutex<Results>,
}

#[derive(Default)]
struct Results {
    summaries: Vec<Summary>,
    error: Option<ProduceError>,
}

/// What all invocations gave together.
pub(crate) struct FanOutTotals {
    pub(crate) counts: FanOutCounts,
    pub(crate) deliveries: u64,
    pub(crate) queue_requests: u64,
    /// The files with the rejected rows.
    pub(crate) rejects: Vec<String>,
    /// The error that ended an invocation.
    pub(crate) error: Option<String>,
}

impl Results {
    /// Keeps a summary. A slice that comes twice from its queue is published twice, under the same
    /// retry keys, and counts once.
    fn add(&mut self, summary: Summary) {
        let is_known = self.summaries.iter().any(|known| {
            known.slice.is_some()
                && known.slice == summary.slice
                && known.skipped_deliveries == summary.skipped_deliveries
        });
        if !is_known {
            self.summaries.push(summary);
        }
    }
}

impl FanOut {
    pub(crate) fn new(producer: Producer) -> Self {
        Self {
            producer,
            results: Mutex::default(),
        }
    }

    /// Invokes the producer with an event and keeps the result.
    ///
    /// There is no second attempt after an error: the producer has already repeated what can be
    /// repeated.
    pub(crate) async fn invoke(&self, event: Value) {
        let result = self.producer.handle(event, None).await;
        let mut results = self.results.lock();
        match result {
            Ok(summary) => results.add(summary),
            Err(error) => results.error = Some(error),
        }
    }

    /// How far the producer has come.
    pub(crate) fn progress(&self) -> &Progress {
        self.producer.progress()
    }

    /// The error of an invocation, where nothing was published at all.
    pub(crate) fn error_before_publishing(&self) -> Option<ProduceError> {
        if self.progress().deliveries() > 0 {
            return None;
        }
        self.results.lock().error.take()
    }

    /// Whether an invocation failed: then not everybody will be sent to.
    pub(crate) fn has_failed(&self) -> bool {
        self.results.lock().error.is_some()
    }

    /// All results together. An invocation that was interrupted or failed gave no summary: then the
    /// counts are of the rows that the producer had dealt with.
    pub(crate) fn totals(&self, interrupted: bool) -> FanOutTotals {
        let results = self.results.lock();
        let sum = |count: fn(&Summary) -> u64| results.summaries.iter().map(count).sum::<u64>();
        let counts = if interrupted || results.error.is_some() {
            self.counts_so_far()
        } else {
            FanOutCounts {
                rows: self.progress().rows(),
                published: sum(|summary| summary.recipients),
                left_out: left_out(&results.summaries),
                rejected: sum(|summary| summary.rejected),
                duplicates: sum(|summary| summary.duplicates),
            }
        };
        // Whoever reads the list again writes the same file.
        let rejects: BTreeSet<&String> = results
            .summaries
            .iter()
            .flat_map(|summary| &summary.rejects)
            .collect();
        let deliveries = if interrupted || results.error.is_some() {
            self.progress().deliveries()
        } else {
            sum(|summary| summary.deliveries)
        };
        FanOutTotals {
            counts,
            deliveries,
            queue_requests: sum(|summary| summary.requests),
            rejects: rejects.into_iter().cloned().collect(),
            error: results.error.as_ref().map(ToString::to_string),
        }
    }

    fn counts_so_far(&self) -> FanOutCounts {
        let progress = self.progress();
        let (rows, rejected) = (progress.rows(), progress.rejected());
        let duplicates = progress.duplicates();
        // A slice that came twice was published twice.
        let max_published = rows.saturating_sub(rejected + duplicates);
        FanOutCounts {
            rows,
            published: progress.recipients().min(max_published),
            left_out: progress.left_out(),
            rejected,
            duplicates,
        }
    }
}

fn left_out(summaries: &[Summary]) -> LeftOutPeople {
    let mut all = LeftOutPeople::default();
    for summary in summaries {
        all.add(&summary.left_out);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_that_comes_twice_counts_once() {
        let mut results = Results::default();
        let summary = |slice: Option<&str>| Summary {
            slice: slice.map(str::to_owned),
            recipients: 5,
            ..Summary::default()
        };
        for slice in [None, Some("row-1"), Some("row-6"), Some("row-1")] {
            results.add(summary(slice));
        }
        assert_eq!(results.summaries.len(), 3);
    }
}

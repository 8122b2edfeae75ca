//! What an invocation did.

use fanline_ledger::FinalOutcome;
use fanline_telemetry::MetricLine;
use jiff::Timestamp;
use serde::Serialize;

/// What one invocation did. Every row that it settled is counted once:
/// `rows = recipients + left_out + rejected + duplicates`.
///
/// A slice that was handed over is settled in parts. Each part counts the recipients that it
/// published. The last part also counts the rejected rows and the duplicates. So the summaries of a
/// run add up to the run.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Summary {
    /// The name of the run.
    pub run: String,
    /// The name of the slice, after its first row. `None` where the list was only cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slice: Option<String>,
    /// Rows that this invocation settled.
    pub rows: u64,
    /// Recipients of the deliveries that this invocation put on the queue.
    pub recipients: u64,
    /// Recipients of deliveries that were left out: they have an outcome. Only where the run began
    /// before, and counted by the invocation that ends the slice.
    pub left_out: LeftOutPeople,
    /// Rows that can't be sent.
    pub rejected: u64,
    /// Rows whose recipient has an earlier row.
    pub duplicates: u64,
    /// Deliveries that this invocation put on the queue.
    pub deliveries: u64,
    /// Requests that this took.
    pub requests: u64,
    /// Slices that were put on the slice queue.
    pub slices: u64,
    /// Rows of these slices. The rows in the summaries of the slices add up to this.
    pub sliced_rows: u64,
    /// How many deliveries of the slice earlier invocations published.
    pub skipped_deliveries: u64,
    /// Whether time ran out and the rest of the slice was handed over.
    pub handed_over: bool,
    /// The files with the rejected rows.
    pub rejects: Vec<String>,
    /// How long the invocation took.
    pub seconds: f64,
}

/// People who are left out, by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct LeftOutPeople {
    /// LINE has taken it.
    pub accepted: u64,
    /// Nobody knows whether LINE has taken it, and nobody can find out.
    pub unknown: u64,
    /// LINE will never take it.
    pub refused: u64,
    /// Its time had passed.
    pub expired: u64,
    /// It waits among the dead letters for quota or for a valid token.
    pub set_aside: u64,
    /// The run was cancelled.
    pub cancelled: u64,
}

impl LeftOutPeople {
    /// All of them.
    pub fn total(&self) -> u64 {
        let Self {
            accepted,
            unknown,
            refused,
            expired,
            set_aside,
            cancelled,
        } = self;
        accepted + unknown + refused + expired + set_aside + cancelled
    }

    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        self.accepted += other.accepted;
        self.unknown += other.unknown;
        self.refused += other.refused;
        self.expired += other.expired;
        self.set_aside += other.set_aside;
        self.cancelled += other.cancelled;
    }

    pub(crate) fn count(&mut self, outcome: FinalOutcome) {
        *match outcome {
            FinalOutcome::Accepted => &mut self.accepted,
            FinalOutcome::Unknown => &mut self.unknown,
            FinalOutcome::Refused => &mut self.refused,
            FinalOutcome::Expired => &mut self.expired,
            FinalOutcome::SetAside => &mut self.set_aside,
            FinalOutcome::Cancelled => &mut self.cancelled,
        } += 1;
    }
}

impl Summary {
    /// Adds the counts of another slice: an event can carry several.
    pub(crate) fn add(&mut self, other: Self) {
        self.run = other.run;
        self.slice = other.slice;
        self.rows += other.rows;
        self.recipients += other.recipients;
        self.left_out.add(&other.left_out);
        self.rejected += other.rejected;
        self.duplicates += other.duplicates;
        self.deliveries += other.deliveries;
        self.requests += other.requests;
        self.slices += other.slices;
        self.sliced_rows += other.sliced_rows;
        self.skipped_deliveries += other.skipped_deliveries;
        self.handed_over |= other.handed_over;
        self.rejects.extend(other.rejects);
        self.seconds += other.seconds;
    }

    /// The summary as one line of log, which CloudWatch also reads as metrics of this `function`.
    /// Nothing else may be on the line.
    pub fn metrics(&self, function: &str, now: Timestamp) -> String {
        // By the name of the function, people know which stack of an account it is.
        let mut line = MetricLine::new(now, &[("function", function)]);
        line.field("timestamp", now.to_string());
        line.field("level", "INFO");
        line.field("message", "summary");
        line.field("run", self.run.as_str());
        if let Some(slice) = &self.slice {
            line.field("slice", slice.as_str());
        }
        line.field("sliced_rows", self.sliced_rows);
        line.field("skipped_deliveries", self.skipped_deliveries);
        line.field("handed_over", self.handed_over);
        line.field("rejects", &self.rejects);
        line.metric("rows", "Count", self.rows);
        line.metric("recipients", "Count", self.recipients);
        line.field("left_out", self.left_out.total());
        line.metric("rejected", "Count", self.rejected);
        line.metric("duplicates", "Count", self.duplicates);
        line.metric("deliveries", "Count", self.deliveries);
        line.metric("requests", "Count", self.requests);
        line.metric("slices", "Count", self.slices);
        line.metric("seconds", "Seconds", self.seconds);
        line.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn a_summary_is_one_line_whose_metrics_are_all_there() {
        let summary = Summary {
            run: "xmas".into(),
            rows: 5,
            recipients: 3,
            rejected: 1,
            duplicates: 1,
            ..Summary::default()
        };
        let line = summary.metrics("fanline-producer", "2026-12-25T00:00:00Z".parse().unwrap());
        assert!(!line.contains('\n'));
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["run"], "xmas");
        assert_eq!(line["function"], "fanline-producer");
        assert_eq!(line["_aws"]["Timestamp"], 1_798_156_800_000_i64);
        for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]
            .as_array()
            .unwrap()
        {
            assert!(
                line[metric["Name"].as_str().unwrap()].is_number(),
                "{metric}"
            );
        }
        for dimension in line["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0]
            .as_array()
            .unwrap()
        {
            assert!(line[dimension.as_str().unwrap()].is_string(), "{dimension}");
        }
    }
}

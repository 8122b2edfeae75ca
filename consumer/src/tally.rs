//! What a batch came to, as CloudWatch's embedded metrics: JSON lines that stand by themselves in the log.

use std::collections::BTreeMap;

use fanline_core::channel::Channel;
use fanline_core::outcome::Outcome;
use fanline_telemetry::{MAX_VALUES, MetricLine};
use jiff::Timestamp;

const OUTCOMES: [Outcome; 7] = [
    Outcome::Accepted,
    Outcome::AlreadyAccepted,
    Outcome::Retry,
    Outcome::Hold,
    Outcome::Refused,
    Outcome::Expired,
    Outcome::Unknown,
];

/// Counts of one batch.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    channels: BTreeMap<&'static str, Counts>,
    /// Records whose body is no delivery.
    pub undecodable: u64,
}

/// Counts of one batch and one channel.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    outcomes: BTreeMap<Outcome, (u64, u64)>,
    latencies: Vec<u64>,
    /// Answers with 429.
    pub too_fast: u64,
    /// Times that the channel was stopped.
    pub holds: u64,
    /// Multicasts that were taken apart.
    pub splits: u64,
    /// Requests a second as of now, by endpoint.
    pub paces: Vec<(&'static str, f64)>,
    /// Seconds since the run of the batch's last delivery began.
    pub run_age: Option<f64>,
}

impl Tally {
    /// The counts of a channel.
    pub(crate) fn channel(&mut self, channel: Channel) -> &mut Counts {
        self.channels.entry(channel.as_str()).or_default()
    }

    /// Whether there was anything for a channel.
    pub(crate) fn has(&self, channel: Channel) -> bool {
        self.channels.contains_key(channel.as_str())
    }

    /// One line of this `function` for each channel that the batch had deliveries for, and one for bodies that named none.
    pub(crate) fn lines(&self, function: &str, now: Timestamp) -> Vec<String> {
        // The function tells the stacks of an account apart.
        let line = |channel| MetricLine::new(now, &[("function", function), ("channel", channel)]);
        let mut lines: Vec<String> = self
            .channels
            .iter()
            .map(|(channel, counts)| counts.write(line(channel)).to_string())
            .collect();
        if self.undecodable > 0 {
            let mut line = line("none");
            line.metric("undecodable", "Count", self.undecodable);
            lines.push(line.to_string());
        }
        lines
    }
}

impl Counts {
    /// A delivery, or a part of one, with its outcome.
    pub(crate) fn add(&mut self, outcome: Outcome, recipients: usize) {
        let (deliveries, people) = self.outcomes.entry(outcome).or_default();
        *deliveries += 1;
        *people += u64::try_from(recipients).unwrap_or(u64::MAX);
    }

    /// How long the channel took to answer.
    pub(crate) fn latency(&mut self, milliseconds: u64) {
        if self.latencies.len() < MAX_VALUES {
            self.latencies.push(milliseconds);
        }
    }

    fn write(&self, mut line: MetricLine) -> MetricLine {
        // Zeros too: a metric that is only there when something went wrong can't be divided by, nor an alarm be calm.
        for outcome in OUTCOMES {
            let (deliveries, people) = self.outcomes.get(&outcome).copied().unwrap_or_default();
            line.metric(outcome.as_str(), "Count", people);
            line.metric(&format!("{outcome}_deliveries"), "Count", deliveries);
        }
        line.metric("too_fast", "Count", self.too_fast);
        line.metric("holds", "Count", self.holds);
        line.metric("splits", "Count", self.splits);
        if !self.latencies.is_empty() {
            line.metric("latency", "Milliseconds", self.latencies.clone());
        }
        for (endpoint, pace) in &self.paces {
            line.metric(&format!("pace_{endpoint}"), "Count/Second", *pace);
        }
        if let Some(age) = self.run_age {
            line.metric("run_age", "Seconds", age);
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn a_line_is_what_cloudwatch_reads() {
        let mut tally = Tally::default();
        let counts = tally.channel(Channel::Line);
        counts.add(Outcome::Accepted, 500);
        counts.add(Outcome::Accepted, 1);
        counts.add(Outcome::Refused, 1);
        for i in 0..200 {
            counts.latency(i);
        }
        counts.paces.push(("push", 190.0));
        counts.run_age = Some(12.5);
        tally.undecodable = 2;
        let lines = tally.lines(
            "fanline-consumer",
            Timestamp::from_second(1_700_000_000).unwrap(),
        );
        assert_eq!(lines.len(), 2);
        let line: Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(line["_aws"]["Timestamp"], 1_700_000_000_000_u64);
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Namespace"], "fanline");
        assert_eq!(line["function"], "fanline-consumer");
        assert_eq!(line["accepted"], 501);
        assert_eq!(line["accepted_deliveries"], 2);
        assert_eq!(line["refused"], 1);
        assert_eq!(line["hold"], 0);
        assert_eq!(line["latency"].as_array().unwrap().len(), 100);
        let metrics = line["_aws"]["CloudWatchMetrics"][0]["Metrics"]
            .as_array()
            .unwrap();
        assert!(metrics.len() <= 100);
        for metric in metrics {
            let name = metric["Name"].as_str().unwrap();
            assert!(!line[name].is_null(), "{name} has no value at the root");
        }
        assert!(!lines[0].contains('\n'));
        let none: Value = serde_json::from_str(&lines[1]).unwrap();
        assert_eq!(none["undecodable"], 2);
    }
}

//! What a batch came to, as CloudWatch's embedded metrics: JSON lines in the log.

use std::collections::BTreeMap;
use std::time::Duration;

use fanline_core::channel::Channel;
use fanline_core::outcome::Outcome;
use fanline_telemetry::{MAX_VALUES, MetricLine};
use jiff::Timestamp;

use crate::channel::attempt::Exchange;
use crate::channel::hold::HoldReason;

const OUTCOMES: [Outcome; 8] = [
    Outcome::Accepted,
    Outcome::AlreadyAccepted,
    Outcome::Retry,
    Outcome::Hold,
    Outcome::Refused,
    Outcome::Expired,
    Outcome::Unknown,
    Outcome::Cancelled,
];

/// The counts of one batch.
#[derive(Debug, Default)]
pub(crate) struct BatchTally {
    channels: BTreeMap<&'static str, ChannelTally>,
    /// Records whose body is not a delivery.
    pub undecodable: u64,
    /// Records that are not what the producer sealed, or not sealed where they must be.
    pub forged: u64,
    /// Records that came while there was no key to open them with.
    pub no_key: u64,
}

/// The counts of one batch and one channel.
#[derive(Debug, Default)]
pub(crate) struct ChannelTally {
    outcomes: BTreeMap<Outcome, OutcomeCount>,
    latencies: Vec<u64>,
    too_fast: u64,
    /// How often the channel was put on hold.
    holds: u64,
    /// How many of the holds are outages, which end by themselves.
    outages: u64,
    /// Multicasts that were taken apart.
    pub splits: u64,
    /// People of settled deliveries that the ledger was not told of and does not hear of again.
    /// `None`: there is no ledger.
    pub unrecorded: Option<u64>,
    /// People whose run is paused: they wait, and are counted each time.
    pub paused: u64,
    /// People whose deliveries were parked.
    pub parked: u64,
    /// Seconds since the control object was read. `None`: there is no control.
    pub control_age: Option<f64>,
    /// Requests a second as of now, by endpoint.
    pub paces: Vec<(&'static str, f64)>,
    /// Seconds since the run of the batch's last delivery began.
    pub run_age: Option<f64>,
}

/// How many deliveries had an outcome, and to how many people they were.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct OutcomeCount {
    /// Deliveries, and parts of splits.
    pub deliveries: u64,
    /// People.
    pub recipients: u64,
}

/// What a batch came to, for whoever called the handler in its own process. The metric lines say
/// the same to CloudWatch.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct BatchCounts {
    /// The outcomes of both channels. [`Outcome::Retry`] and [`Outcome::Hold`] are those of
    /// deliveries that were handed back, and of ones that were set aside for want of quota or of a
    /// token.
    pub outcomes: BTreeMap<Outcome, OutcomeCount>,
    /// Milliseconds of each request, at most 100 for each channel.
    pub latencies_ms: Vec<u64>,
    /// Answers with 429.
    pub too_fast: u64,
    /// How often a channel was put on hold.
    pub holds: u64,
    /// How many of the holds are outages, which end by themselves.
    pub outages: u64,
    /// People whose run is paused: their deliveries were handed back.
    pub paused: u64,
    /// People whose deliveries were parked.
    pub parked: u64,
}

impl BatchTally {
    /// The counts of a channel.
    pub(crate) fn channel(&mut self, channel: Channel) -> &mut ChannelTally {
        self.channels.entry(channel.as_str()).or_default()
    }

    /// Notes the paces of a channel, if the batch had a delivery for it.
    pub(crate) fn note_paces(&mut self, channel: Channel, paces: &[(&'static str, f64)]) {
        if let Some(tally) = self.channels.get_mut(channel.as_str()) {
            tally.paces = paces.to_vec();
        }
    }

    /// There is a ledger: how many people it was not told of is counted, zeros too.
    pub(crate) fn note_ledger(&mut self) {
        for tally in self.channels.values_mut() {
            tally.unrecorded.get_or_insert(0);
        }
    }

    /// So long ago the control object was read.
    pub(crate) fn note_control(&mut self, age: Duration) {
        for tally in self.channels.values_mut() {
            tally.control_age = Some(age.as_secs_f64());
        }
    }

    /// What both channels came to.
    pub(crate) fn counts(&self) -> BatchCounts {
        let mut counts = BatchCounts::default();
        for tally in self.channels.values() {
            for (outcome, count) in &tally.outcomes {
                let all = counts.outcomes.entry(*outcome).or_default();
                all.deliveries += count.deliveries;
                all.recipients += count.recipients;
            }
            counts.latencies_ms.extend(&tally.latencies);
            counts.too_fast += tally.too_fast;
            counts.holds += tally.holds;
            counts.outages += tally.outages;
            counts.paused += tally.paused;
            counts.parked += tally.parked;
        }
        counts
    }

    /// One line for each channel that the batch had deliveries for, and one for bodies that name no
    /// channel. The name of the function tells the stacks of an account apart.
    pub(crate) fn lines(&self, function: &str, now: Timestamp) -> Vec<String> {
        let line = |channel| MetricLine::new(now, &[("function", function), ("channel", channel)]);
        let mut lines: Vec<String> = self
            .channels
            .iter()
            .map(|(channel, tally)| tally.write(line(channel)).to_string())
            .collect();
        let unread = [
            ("undecodable", self.undecodable),
            ("forged", self.forged),
            ("no_key", self.no_key),
        ];
        let unread: Vec<_> = unread.into_iter().filter(|(_, count)| *count > 0).collect();
        if !unread.is_empty() {
            let mut line = line("none");
            for (name, count) in unread {
                line.metric(name, "Count", count);
            }
            lines.push(line.to_string());
        }
        lines
    }
}

impl ChannelTally {
    /// A delivery, or a part of one, has this outcome.
    pub(crate) fn add(&mut self, outcome: Outcome, recipients: usize) {
        let tally = self.outcomes.entry(outcome).or_default();
        tally.deliveries += 1;
        tally.recipients += recipients as u64;
    }

    /// A request was made.
    pub(crate) fn add_exchange(&mut self, exchange: &Exchange) {
        if self.latencies.len() < MAX_VALUES {
            self.latencies.push(exchange.latency_ms);
        }
        if exchange.status() == Some(429) {
            self.too_fast += 1;
        }
    }

    /// Counts a hold that begins.
    pub(crate) fn add_hold(&mut self, reason: HoldReason) {
        self.holds += 1;
        self.outages += u64::from(reason == HoldReason::Outage);
    }

    /// How many percent of the deliveries have no outcome yet. `None`: there were none.
    fn retry_share(&self) -> Option<f64> {
        let mut all = 0;
        let mut retried = 0;
        for (outcome, tally) in &self.outcomes {
            all += tally.deliveries;
            if matches!(outcome, Outcome::Retry | Outcome::Hold) {
                retried += tally.deliveries;
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "a batch has few deliveries")]
        let percent = 100.0 * retried as f64 / all as f64;
        (all > 0).then_some(percent)
    }

    fn write(&self, mut line: MetricLine) -> MetricLine {
        // Zeros too. An alarm needs them to be calm, and nothing can be divided by a missing value.
        for outcome in OUTCOMES {
            let tally = self.outcomes.get(&outcome).copied().unwrap_or_default();
            // Only an operator's word leads to it, and no alarm looks at it.
            if outcome == Outcome::Cancelled && tally.deliveries == 0 {
                continue;
            }
            line.metric(outcome.as_str(), "Count", tally.recipients);
            line.metric(&format!("{outcome}_deliveries"), "Count", tally.deliveries);
        }
        if let Some(share) = self.retry_share() {
            line.metric("retry_share", "Percent", share);
        }
        line.metric("too_fast", "Count", self.too_fast);
        line.metric("holds", "Count", self.holds);
        if self.outages > 0 {
            line.field("outages", self.outages);
        }
        line.metric("splits", "Count", self.splits);
        if let Some(people) = self.unrecorded {
            line.metric("unrecorded", "Count", people);
        }
        for (name, people) in [("paused", self.paused), ("parked", self.parked)] {
            // As with cancelled ones.
            if people > 0 {
                line.metric(name, "Count", people);
            }
        }
        if let Some(age) = self.control_age {
            line.metric("control_age", "Seconds", age);
        }
        if !self.latencies.is_empty() {
            line.metric("latency", "Milliseconds", &self.latencies);
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
    use crate::channel::response::Response;
    use crate::channel::route::Route;
    use fanline_core::delivery::Endpoint;
    use serde_json::Value;

    fn exchange(status: u16) -> Exchange {
        Exchange {
            route: Route::Line(Endpoint::Push),
            departed: Timestamp::UNIX_EPOCH,
            latency_ms: 12,
            response: Ok(Response {
                status,
                ..Response::default()
            }),
        }
    }

    #[test]
    fn a_line_is_what_cloudwatch_reads() {
        let mut tally = BatchTally::default();
        let counts = tally.channel(Channel::Line);
        counts.add(Outcome::Accepted, 500);
        counts.add(Outcome::Accepted, 1);
        counts.add(Outcome::Refused, 1);
        counts.add(Outcome::Retry, 1);
        for _ in 0..100 {
            counts.add_exchange(&exchange(200));
            counts.add_exchange(&exchange(429));
        }
        counts.run_age = Some(12.5);
        let notify = tally.channel(Channel::LineNotify);
        notify.add(Outcome::Accepted, 1);
        notify.paused = 3;
        let both = tally.counts();
        let accepted = OutcomeCount {
            deliveries: 3,
            recipients: 502,
        };
        assert_eq!(both.outcomes[&Outcome::Accepted], accepted);
        assert_eq!((both.too_fast, both.holds, both.paused), (100, 0, 3));
        assert_eq!(both.latencies_ms.len(), 100);
        tally.channels.remove(Channel::LineNotify.as_str());
        tally.note_paces(Channel::Line, &[("push", 190.0)]);
        tally.note_paces(Channel::LineNotify, &[("notify", 50.0)]);
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
        assert_eq!(line["retry_share"], 25.0);
        assert_eq!(line["latency"].as_array().unwrap().len(), 100);
        assert_eq!(line["too_fast"], 100);
        assert_eq!(line["pace_push"], 190.0);
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

//! One log line that CloudWatch reads as metrics, in its embedded metric format.
//!
//! The JSON must be the whole line.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

/// The most values that one metric may have in one line.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>
pub const MAX_VALUES: usize = 100;

/// The name under which CloudWatch shows the metrics.
const NAMESPACE: &str = "fanline";

/// A metric line. [`fmt::Display`] gives its JSON: print that and nothing else on the line.
///
/// Every batch of a consumer writes one, so it is written as it grows.
#[derive(Debug, Clone)]
pub struct MetricLine {
    now: Timestamp,
    /// The names as JSON, with commas between them.
    dimensions: String,
    /// The names and units as JSON, with commas between them.
    metrics: String,
    /// The fields as JSON, each behind a comma.
    fields: String,
}

impl MetricLine {
    /// A line with these dimensions, each a name and a value. CloudWatch bills each value of a
    /// dimension as a metric of its own, so a run or a recipient must never be a dimension.
    pub fn new(now: Timestamp, dimensions: &[(&'static str, &str)]) -> Self {
        let mut line = Self {
            now,
            dimensions: String::new(),
            metrics: String::new(),
            fields: String::new(),
        };
        for (name, value) in dimensions {
            separate(&mut line.dimensions);
            line.dimensions.push_str(&json(name));
            line.field(name, value);
        }
        line
    }

    /// Adds a metric: a number or an array of at most [`MAX_VALUES`] numbers, in one of
    /// CloudWatch's units. Each name once.
    pub fn metric(&mut self, name: &str, unit: &str, value: impl Serialize) {
        separate(&mut self.metrics);
        for piece in ["{\"Name\":", &json(name), ",\"Unit\":", &json(unit), "}"] {
            self.metrics.push_str(piece);
        }
        self.field(name, value);
    }

    /// Adds a field that is not a metric, for people who read the log. Each name once.
    pub fn field(&mut self, name: &str, value: impl Serialize) {
        for piece in [",", &json(name), ":", &json(value)] {
            self.fields.push_str(piece);
        }
    }
}

impl fmt::Display for MetricLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            now,
            dimensions,
            metrics,
            fields,
        } = self;
        let now = now.as_millisecond();
        write!(
            f,
            r#"{{"_aws":{{"Timestamp":{now},"CloudWatchMetrics":[{{"Namespace":"{NAMESPACE}","#
        )?;
        write!(
            f,
            r#""Dimensions":[[{dimensions}]],"Metrics":[{metrics}]}}]}}{fields}}}"#
        )
    }
}

/// A comma, where something stands already.
fn separate(list: &mut String) {
    if !list.is_empty() {
        list.push(',');
    }
}

/// JSON of a name or a value of a metric.
fn json(value: impl Serialize) -> String {
    #[expect(clippy::expect_used, reason = "text and numbers are JSON")]
    serde_json::to_string(&value).expect("text and numbers are JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn every_metric_and_dimension_has_its_value_at_the_root() {
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let mut line = MetricLine::new(now, &[("function", "consumer"), ("channel", "line")]);
        line.metric("accepted", "Count", 3);
        line.metric("latency", "Milliseconds", vec![1_u64, 2]);
        line.field("run", "xmas");
        assert_eq!(
            serde_json::from_str::<Value>(&line.to_string()).unwrap(),
            json!({
                "_aws": {
                    "Timestamp": 1_700_000_000_000_u64,
                    "CloudWatchMetrics": [{
                        "Namespace": "fanline",
                        "Dimensions": [["function", "channel"]],
                        "Metrics": [
                            {"Name": "accepted", "Unit": "Count"},
                            {"Name": "latency", "Unit": "Milliseconds"},
                        ],
                    }],
                },
                "function": "consumer",
                "channel": "line",
                "accepted": 3,
                "latency": [1, 2],
                "run": "xmas",
            })
        );
        assert!(!line.to_string().contains('\n'));
    }
}

//! One log line that CloudWatch reads as metrics, in its embedded metric format.
//!
//! The JSON must be the whole line.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::fmt;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// The most values that one metric may have in one line.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>
pub const MAX_VALUES: usize = 100;

/// The name under which CloudWatch shows the metrics.
const NAMESPACE: &str = "fanline";

/// A metric line. [`fmt::Display`] gives its JSON: print that and nothing else on the line.
#[derive(Debug, Clone)]
pub struct MetricLine {
    now: Timestamp,
    dimensions: Vec<&'static str>,
    metrics: Vec<Value>,
    fields: Map<String, Value>,
}

impl MetricLine {
    /// A line with these dimensions, each a name and a value. CloudWatch bills each value of a
    /// dimension as a metric of its own, so a run or a recipient must never be a dimension.
    pub fn new(now: Timestamp, dimensions: &[(&'static str, &str)]) -> Self {
        Self {
            now,
            dimensions: dimensions.iter().map(|(name, _)| *name).collect(),
            metrics: Vec::new(),
            fields: dimensions
                .iter()
                .map(|(name, value)| ((*name).to_owned(), Value::from(*value)))
                .collect(),
        }
    }

    /// Adds a metric: a number or an array of at most [`MAX_VALUES`] numbers, in one of
    /// CloudWatch's units.
    pub fn metric(&mut self, name: &str, unit: &str, value: impl Into<Value>) {
        self.metrics.push(json!({"Name": name, "Unit": unit}));
        self.fields.insert(name.to_owned(), value.into());
    }

    /// Adds a field that is not a metric, for people who read the log.
    pub fn field(&mut self, name: &str, value: impl Into<Value>) {
        self.fields.insert(name.to_owned(), value.into());
    }
}

impl fmt::Display for MetricLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = self.fields.clone();
        line.insert(
            "_aws".to_owned(),
            json!({
                "Timestamp": self.now.as_millisecond(),
                "CloudWatchMetrics": [{
                    "Namespace": NAMESPACE,
                    "Dimensions": [self.dimensions],
                    "Metrics": self.metrics,
                }],
            }),
        );
        Value::Object(line).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

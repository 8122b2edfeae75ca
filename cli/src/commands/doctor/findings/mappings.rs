//! What is wrong with the event source mappings of the consumer.

use fanline_core::campaign::Lane;
use fanline_core::limits::sqs::MAX_ENTRIES;

use super::{Finding, finding, redeploy};
use crate::commands::doctor::facts::{Facts, Mapping};
use crate::stack::{Stack, concurrency_parameter};

/// What is wrong with the mappings of all lanes.
pub(super) fn findings(stack: &Stack, facts: &Facts) -> Vec<Finding> {
    let lanes = facts.mappings.iter();
    lanes
        .flat_map(|(lane, mapping)| of_lane(stack, *lane, mapping))
        .collect()
}

fn of_lane(stack: &Stack, lane: Lane, mapping: &Result<Mapping, String>) -> Vec<Finding> {
    let (of_the, sending) = match lane {
        Lane::Bulk => ("", "sending"),
        Lane::Urgent => (" for the urgent lane", "urgent sending"),
    };
    let name = format!("the event source mapping of the consumer{of_the}");
    let mapping = match mapping {
        Ok(mapping) => mapping,
        Err(problem) => {
            return vec![finding(format!("{name}: {problem}"), redeploy(stack, ""))];
        }
    };
    let mut all = Vec::new();
    if matches!(mapping.state.as_str(), "Disabled" | "Disabling") {
        all.push(finding(
            format!(
                "{sending} is paused: the deliveries wait on their queue, unless workers take them"
            ),
            update(mapping, "--enabled"),
        ));
    }
    let shared = stack.parameter(concurrency_parameter(lane));
    let shared = shared.and_then(|number| number.parse::<i32>().ok());
    if let Some(shared) = shared.filter(|shared| mapping.concurrency != Some(*shared)) {
        let calls = match mapping.concurrency {
            Some(number) => format!("up to {number} consumers"),
            None => "any number of consumers".into(),
        };
        all.push(finding(
            format!("{name} calls {calls} at once, and the pace is shared among {shared}"),
            update(
                mapping,
                &format!("--scaling-config MaximumConcurrency={shared}"),
            ),
        ));
    }
    if let Some(batch) = mapping.batch
        && usize::try_from(batch) != Ok(MAX_ENTRIES)
    {
        all.push(finding(
            format!("{name} has a batch size of {batch}, in place of {MAX_ENTRIES}"),
            update(mapping, &format!("--batch-size {MAX_ENTRIES}")),
        ));
    }
    if !mapping.reports_failures {
        all.push(finding(
            format!("{name}: one failed delivery brings its whole batch back"),
            update(mapping, "--function-response-types ReportBatchItemFailures"),
        ));
    }
    all
}

/// The command that changes a mapping.
fn update(mapping: &Mapping, change: &str) -> String {
    let id = &mapping.id;
    format!("aws lambda update-event-source-mapping {change} --uuid {id}")
}

//! What is wrong with a stack, and the command that mends it.

mod mappings;
mod seal_key;

use std::fmt;

use aws_sdk_scheduler::types::ScheduleState;
use jiff::Timestamp;

use super::facts::{BucketEvents, EventsError, FAILURE_QUEUES, Facts, Function};
use crate::commands::schedule::Schedule;
use crate::stack::Stack;

/// One thing that is wrong.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Finding {
    what: String,
    /// The command that mends it, or tells more.
    mend: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n    {}", self.what, self.mend)
    }
}

fn finding(what: impl Into<String>, mend: impl Into<String>) -> Finding {
    Finding {
        what: what.into(),
        mend: mend.into(),
    }
}

/// All that is wrong, in the order in which it should be mended.
pub(super) fn findings(stack: &Stack, facts: &Facts, now: Timestamp) -> Vec<Finding> {
    let mut all = Vec::new();
    all.extend(deployment(stack));
    for function in &facts.functions {
        all.extend(of_function(stack, function));
    }
    all.extend(secret(stack, facts));
    all.extend(seal_key::finding(stack, facts));
    all.extend(bucket(stack, facts).or_else(|| events(stack, facts)));
    all.extend(mappings::findings(stack, facts));
    for schedule in &facts.schedules {
        all.extend(of_schedule(stack, schedule, now));
    }
    for ((output, what), number) in FAILURE_QUEUES.into_iter().zip(&facts.failures) {
        all.extend(failures(stack, output, what, number));
    }
    all
}

fn deployment(stack: &Stack) -> Option<Finding> {
    let (name, status) = (&stack.name, stack.status.as_str());
    let events = format!("aws cloudformation describe-stack-events --stack-name {name}");
    match status {
        "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" => None,
        "UPDATE_ROLLBACK_FAILED" => Some(finding(
            "the last deployment failed, and so did its rollback",
            format!("aws cloudformation continue-update-rollback --stack-name {name}"),
        )),
        "UPDATE_ROLLBACK_COMPLETE" => Some(finding(
            "the last deployment failed, and the version before it runs",
            events,
        )),
        _ => Some(finding(
            format!("the stack is in the state {status}"),
            events,
        )),
    }
}

fn of_function(stack: &Stack, function: &Result<Function, String>) -> Option<Finding> {
    let function = match function {
        Ok(function) => function,
        Err(problem) => {
            return Some(finding(
                format!("the function {problem}"),
                redeploy(stack, ""),
            ));
        }
    };
    let (code, words) = function.fault.as_ref()?;
    let name = &function.name;
    let key = stack
        .parameter("KmsKeyArn")
        .filter(|_| code.contains("KMS"));
    Some(match key {
        Some(key) => finding(
            format!("`{name}` can't use its key: {words} ({code})"),
            format!("aws kms get-key-policy --policy-name default --key-id {key}"),
        ),
        None => finding(
            format!("`{name}` can't run: {words} ({code})"),
            format!("aws lambda get-function-configuration --function-name {name}"),
        ),
    })
}

/// The consumer sends the secret's text as the token. LINE answers 401 to anything else.
fn secret(stack: &Stack, facts: &Facts) -> Option<Finding> {
    let arn = stack.parameter("ChannelTokenSecretArn")?;
    let put = format!(
        "aws secretsmanager put-secret-value --secret-id {arn} \
         --secret-string \"$LINE_CHANNEL_ACCESS_TOKEN\""
    );
    let token = match facts.secret.as_ref()? {
        // The consumer trims it, too.
        Ok(token) => token.trim(),
        Err(problem) => {
            return Some(finding(
                format!("the secret with the token: {problem}"),
                format!("aws secretsmanager describe-secret --secret-id {arn}"),
            ));
        }
    };
    let problem = if token.is_empty() {
        "is empty"
    } else if token.starts_with(['{', '"']) {
        "is JSON, and must be the token alone"
    } else if token.contains(|letter: char| !letter.is_ascii_graphic()) {
        "has a blank or a line end in it"
    } else {
        return None;
    };
    Some(finding(format!("the secret with the token {problem}"), put))
}

fn bucket(stack: &Stack, facts: &Facts) -> Option<Finding> {
    let bucket = stack.output("ListsBucketName").ok()?;
    match &facts.bucket {
        Ok(None) => None,
        Ok(Some(region)) if *region == facts.region => None,
        Ok(Some(region)) => Some(finding(
            format!(
                "the bucket `{bucket}` is in {region}, and the stack in {}",
                facts.region
            ),
            redeploy(stack, "ExistingListsBucket=BUCKET-IN-THIS-REGION"),
        )),
        Err(problem) => Some(finding(
            format!("the bucket `{bucket}`: {problem}"),
            format!("aws s3api head-bucket --bucket {bucket}"),
        )),
    }
}

/// Without the bucket's events, no file in the outbox starts anything, and nobody is told.
fn events(stack: &Stack, facts: &Facts) -> Option<Finding> {
    let bucket = stack.output("ListsBucketName").ok()?;
    let ask = format!("aws s3api get-bucket-notification-configuration --bucket {bucket}");
    let others = match facts.events.as_ref()? {
        Ok(BucketEvents {
            reach_event_bridge: true,
            ..
        }) => return None,
        Ok(events) => events.others,
        Err(EventsError::Denied) => {
            return Some(finding(
                format!(
                    "whether the bucket `{bucket}` tells EventBridge of its files is unknown: you \
                     have no permission for `s3:GetBucketNotification`"
                ),
                ask,
            ));
        }
        Err(EventsError::Failed(problem)) => {
            return Some(finding(
                format!("whether the bucket `{bucket}` tells EventBridge is unknown: {problem}"),
                ask,
            ));
        }
    };
    let keep = match others {
        0 => String::new(),
        others => {
            format!(" (put its {others} other notifications into the JSON: it replaces them)")
        }
    };
    Some(finding(
        format!("no upload starts a run: the bucket `{bucket}` does not tell EventBridge{keep}"),
        format!(
            "aws s3api put-bucket-notification-configuration --bucket {bucket} \
             --notification-configuration '{{\"EventBridgeConfiguration\": {{}}}}'"
        ),
    ))
}

fn of_schedule(stack: &Stack, schedule: &Schedule, now: Timestamp) -> Option<Finding> {
    let (name, at) = (&schedule.name, &stack.name);
    if schedule.state == ScheduleState::Enabled && schedule.when.is_over(now) {
        let when = &schedule.when;
        return Some(finding(
            format!("the schedule `{name}` is on and fires no more: {when} is past"),
            format!("fanline schedule remove {name} --at {at}"),
        ));
    }
    if Some(schedule.target.as_str()) != stack.output("ProducerArn").ok() {
        return Some(finding(
            format!(
                "the schedule `{name}` calls `{}`, not the producer",
                schedule.target
            ),
            format!("fanline schedule set {name} CAMPAIGN.json --when WHEN --at {at}"),
        ));
    }
    None
}

fn failures(
    stack: &Stack,
    output: &str,
    what: &str,
    number: &Result<u64, String>,
) -> Option<Finding> {
    let url = stack.output(output).ok()?;
    match number {
        Ok(0) => None,
        Ok(number) => Some(finding(
            format!("{number} {what}"),
            format!(
                "aws sqs receive-message --message-attribute-names All --max-number-of-messages 10 \
                 --queue-url {url}"
            ),
        )),
        Err(problem) => Some(finding(
            problem.clone(),
            format!("aws sqs get-queue-attributes --attribute-names All --queue-url {url}"),
        )),
    }
}

fn redeploy(stack: &Stack, overrides: &str) -> String {
    let deploy = format!("sam deploy --stack-name {}", stack.name);
    if overrides.is_empty() {
        return deploy;
    }
    format!("{deploy} --parameter-overrides {overrides}")
}

#[cfg(test)]
mod tests;

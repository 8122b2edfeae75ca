//! What AWS says about the parts of a stack.

use aws_config::SdkConfig;
use aws_sdk_lambda::types::{
    FunctionResponseType, LastUpdateStatus, LastUpdateStatusReasonCode, ScalingConfig, State,
    StateReasonCode,
};
use aws_sdk_sqs::types::QueueAttributeName;
use fanline_core::campaign::Lane;
use fanline_seal::{KeyArn, KeyArnError, KeyDescription, KeyError, KeyService};
use fanline_telemetry::aws_error::{is_denied, other_region};

use crate::commands::schedule::{Schedule, Schedules};
use crate::stack::{Stack, sdk_problem};

/// The queues in which something waits for a person, with what it is.
pub(super) const FAILURE_QUEUES: [(&str, &str); 4] = [
    ("DeadLetterQueueUrl", "deliveries were set aside"),
    (
        "SliceDeadLetterQueueUrl",
        "slices of a list were not published",
    ),
    ("ProducerFailureQueueUrl", "firings failed in the producer"),
    (
        "ScheduleDeadLetterQueueUrl",
        "firings did not reach the producer",
    ),
];

/// All that the findings are made from. What can't be read is the problem in its place.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) region: String,
    /// The consumer's event source mapping of each lane that the stack has.
    pub(super) mappings: Vec<(Lane, Result<Mapping, String>)>,
    pub(super) functions: Vec<Result<Function, String>>,
    /// The secret's text. `None`: the stack has no secret.
    pub(super) secret: Option<Result<String, String>>,
    /// The key that seals deliveries. `None`: they are in plain text.
    pub(super) seal_key: Option<SealKey>,
    /// The Region of the bucket for lists, where S3 says it.
    pub(super) bucket: Result<Option<String>, String>,
    /// Whom the bucket tells of its events. `None`: the stack starts nothing on an upload.
    pub(super) events: Option<Result<BucketEvents, EventsError>>,
    pub(super) schedules: Vec<Schedule>,
    /// How many messages each of [`FAILURE_QUEUES`] holds.
    pub(super) failures: Vec<Result<u64, String>>,
}

/// The key that seals deliveries: what KMS says about it, or why it could not be asked.
pub(super) type SealKey = Result<(KeyArn, Result<KeyDescription, KeyError>), KeyArnError>;

/// An event source mapping as Lambda describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mapping {
    pub(super) id: String,
    /// Such as `Enabled`.
    pub(super) state: String,
    /// How many consumers it calls at once at most. `None`: it has no limit.
    pub(super) concurrency: Option<i32>,
    /// How many deliveries it gives to a consumer at most.
    pub(super) batch: Option<i32>,
    /// Whether only the deliveries that a consumer names as failed come again.
    pub(super) reports_failures: bool,
}

/// A function as Lambda describes it.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) name: String,
    /// Why Lambda can't run it, or could not update it: a code such as `DisabledKMSKey` and words.
    pub(super) fault: Option<(String, String)>,
}

/// Whom a bucket tells of its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BucketEvents {
    /// Whether it is also `EventBridge`.
    pub(super) reach_event_bridge: bool,
    /// How many topics, queues and functions it tells.
    pub(super) others: usize,
}

/// Why a bucket does not say whom it tells.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum EventsError {
    /// The right to ask is missing.
    Denied,
    /// Anything else.
    Failed(String),
}

impl Facts {
    /// Asks the services about the stack, and gives the stack back.
    pub(super) async fn of(stack: Stack, config: &SdkConfig) -> anyhow::Result<(Self, Stack)> {
        let lambda = aws_sdk_lambda::Client::new(config);
        let region = config
            .region()
            .map_or("", |region| region.as_ref())
            .to_owned();
        let id = stack.output("ConsumerMapping")?;
        let mut mappings = vec![(Lane::Bulk, mapping(&lambda, id).await)];
        if let Ok(id) = stack.output("ConsumerUrgentMapping") {
            mappings.push((Lane::Urgent, mapping(&lambda, id).await));
        }
        let mut functions = Vec::new();
        for output in ["ProducerFunction", "ConsumerFunction"] {
            functions.push(function(&lambda, stack.output(output)?).await);
        }
        let secret = match stack.parameter("ChannelTokenSecretArn") {
            Some(arn) => Some(secret(config, arn).await),
            None => None,
        };
        let seal_key = match stack.parameter("SealKeyArn") {
            Some(arn) => Some(seal_key(config, arn).await),
            None => None,
        };
        let bucket = bucket(config, stack.output("ListsBucketName")?).await;
        let events = match stack.parameter("OnUpload") {
            Some("ENABLED") => Some(events(config, stack.output("ListsBucketName")?).await),
            _ => None,
        };
        let sqs = aws_sdk_sqs::Client::new(config);
        let mut failures = Vec::new();
        for (output, _) in FAILURE_QUEUES {
            failures.push(waiting(&sqs, stack.output(output)?).await);
        }
        let client = aws_sdk_scheduler::Client::new(config);
        let schedules = Schedules::in_stack(stack, client)?;
        let facts = Self {
            region,
            mappings,
            functions,
            secret,
            seal_key,
            bucket,
            events,
            schedules: schedules.all().await?,
            failures,
        };
        Ok((facts, schedules.stack))
    }
}

async fn mapping(lambda: &aws_sdk_lambda::Client, id: &str) -> Result<Mapping, String> {
    let found = lambda.get_event_source_mapping().uuid(id).send().await;
    let found = found.map_err(|error| sdk_problem(&error))?;
    let scaling = found.scaling_config();
    let reports = FunctionResponseType::ReportBatchItemFailures;
    Ok(Mapping {
        id: id.to_owned(),
        state: found.state().unwrap_or("unknown").to_owned(),
        concurrency: scaling.and_then(ScalingConfig::maximum_concurrency),
        batch: found.batch_size(),
        reports_failures: found.function_response_types().contains(&reports),
    })
}

async fn function(lambda: &aws_sdk_lambda::Client, name: &str) -> Result<Function, String> {
    let found = lambda
        .get_function_configuration()
        .function_name(name)
        .send()
        .await;
    let found = found.map_err(|error| format!("`{name}`: {}", sdk_problem(&error)))?;
    let is_updated = found.last_update_status() != Some(&LastUpdateStatus::Failed);
    let is_able = found.state() != Some(&State::Failed);
    let update = found
        .last_update_status_reason_code()
        .map(LastUpdateStatusReasonCode::as_str);
    let state = found.state_reason_code().map(StateReasonCode::as_str);
    let fault = if !is_updated {
        Some((update, found.last_update_status_reason()))
    } else if !is_able {
        Some((state, found.state_reason()))
    } else {
        None
    };
    let text = |text: Option<&str>| text.unwrap_or("no reason given").to_owned();
    Ok(Function {
        name: name.to_owned(),
        fault: fault.map(|(code, words)| (text(code), text(words))),
    })
}

async fn secret(config: &SdkConfig, arn: &str) -> Result<String, String> {
    let client = aws_sdk_secretsmanager::Client::new(config);
    let found = client.get_secret_value().secret_id(arn).send().await;
    let found = found.map_err(|error| sdk_problem(&error))?;
    Ok(found.secret_string().unwrap_or("").to_owned())
}

/// Asks KMS about the key, in the key's own Region.
pub(super) async fn seal_key(config: &SdkConfig, arn: &str) -> SealKey {
    let arn: KeyArn = arn.parse()?;
    let answer = KeyService::new(config, arn.clone()).describe().await;
    Ok((arn, answer))
}

/// S3 tells the Region of a bucket also when it refuses the request for being in another one.
async fn bucket(config: &SdkConfig, name: &str) -> Result<Option<String>, String> {
    let client = aws_sdk_s3::Client::new(config);
    match client.head_bucket().bucket(name).send().await {
        Ok(found) => Ok(found.bucket_region().map(str::to_owned)),
        Err(error) => match other_region(&error) {
            Some(region) => Ok(Some(region.to_owned())),
            None => Err(sdk_problem(&error)),
        },
    }
}

async fn events(config: &SdkConfig, bucket: &str) -> Result<BucketEvents, EventsError> {
    let client = aws_sdk_s3::Client::new(config);
    let asked = client.get_bucket_notification_configuration();
    match asked.bucket(bucket).send().await {
        Ok(found) => Ok(BucketEvents {
            reach_event_bridge: found.event_bridge_configuration().is_some(),
            others: found.topic_configurations().len()
                + found.queue_configurations().len()
                + found.lambda_function_configurations().len(),
        }),
        Err(error) if is_denied(&error) => Err(EventsError::Denied),
        Err(error) => Err(EventsError::Failed(sdk_problem(&error))),
    }
}

async fn waiting(sqs: &aws_sdk_sqs::Client, url: &str) -> Result<u64, String> {
    let name = QueueAttributeName::ApproximateNumberOfMessages;
    let request = sqs
        .get_queue_attributes()
        .queue_url(url)
        .attribute_names(name.clone());
    let answer = request.send().await.map_err(|error| sdk_problem(&error))?;
    let number = answer
        .attributes()
        .and_then(|attributes| attributes.get(&name));
    number
        .and_then(|number| number.parse().ok())
        .ok_or_else(|| format!("`{url}`: SQS does not say how many messages it holds"))
}

#[cfg(test)]
mod tests;

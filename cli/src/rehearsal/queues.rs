//! The queues of a run.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Context;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;

/// How often a delivery is received before the queue sets it aside, as in the template.
pub(crate) const MAX_RECEIVE_COUNT: u32 = 20;

/// The part of a queue's name that is of the run: the whole name has at most 80 characters.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html>
const MAX_RUN_NAME: usize = 60;

/// The queues of a run, by URL.
pub(crate) struct Queues {
    pub(crate) slices: String,
    pub(crate) deliveries: String,
    pub(crate) dead_letters: String,
    pub(crate) outcomes: String,
}

impl Queues {
    /// Creates the queues of a campaign. `visibility`: of slices, and of all else.
    pub(crate) async fn create(
        sqs: &Client,
        campaign: &str,
        (slice_visibility, visibility): (Duration, Duration),
    ) -> anyhow::Result<Self> {
        let name: String = campaign
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .take(MAX_RUN_NAME)
            .collect();
        let (slices, _) = create_pair(sqs, &format!("{name}-slices"), slice_visibility).await?;
        let (deliveries, dead_letters) =
            create_pair(sqs, &format!("{name}-deliveries"), visibility).await?;
        let (outcomes, _) = create_pair(sqs, &format!("{name}-outcomes"), visibility).await?;
        Ok(Self {
            slices,
            deliveries,
            dead_letters,
            outcomes,
        })
    }
}

/// Creates a queue and its dead-letter queue.
async fn create_pair(
    sqs: &Client,
    name: &str,
    visibility: Duration,
) -> anyhow::Result<(String, String)> {
    let dead_letters = create(sqs, &format!("{name}-dead"), HashMap::new()).await?;
    let arn = sqs
        .get_queue_attributes()
        .queue_url(&dead_letters)
        .attribute_names(QueueAttributeName::QueueArn)
        .send()
        .await
        .context("reading the ARN of a queue")?
        .attributes
        .and_then(|mut attributes| attributes.remove(&QueueAttributeName::QueueArn))
        .context("the queue has no ARN")?;
    let redrive =
        serde_json::json!({"deadLetterTargetArn": arn, "maxReceiveCount": MAX_RECEIVE_COUNT});
    let attributes = HashMap::from([
        (
            QueueAttributeName::VisibilityTimeout,
            visibility.as_secs().to_string(),
        ),
        (QueueAttributeName::RedrivePolicy, redrive.to_string()),
    ]);
    Ok((create(sqs, name, attributes).await?, dead_letters))
}

async fn create(
    sqs: &Client,
    name: &str,
    attributes: HashMap<QueueAttributeName, String>,
) -> anyhow::Result<String> {
    sqs.create_queue()
        .queue_name(name)
        .set_attributes(Some(attributes))
        .send()
        .await
        .context("creating a queue")?
        .queue_url
        .context("the queue has no URL")
}

/// How many messages a queue has: those to receive, the hidden and the delayed ones.
pub(crate) async fn waiting(sqs: &Client, queue_url: &str) -> anyhow::Result<u64> {
    let counts = [
        QueueAttributeName::ApproximateNumberOfMessages,
        QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        QueueAttributeName::ApproximateNumberOfMessagesDelayed,
    ];
    let attributes = sqs
        .get_queue_attributes()
        .queue_url(queue_url)
        .set_attribute_names(Some(counts.to_vec()))
        .send()
        .await
        .context("reading how many messages the queue has")?
        .attributes
        .context("the queue does not say how many messages it has")?;
    let mut waiting = 0;
    for name in &counts {
        let count = attributes
            .get(name)
            .and_then(|count| count.parse::<u64>().ok());
        waiting += count.with_context(|| format!("the queue does not say its `{name}`"))?;
    }
    Ok(waiting)
}

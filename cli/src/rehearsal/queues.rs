//! The queues of a run, each with its dead-letter queue.

use std::collections::HashMap;

use anyhow::Context;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;

/// How often a delivery is received before the queue sets it aside, as in the template.
pub(crate) const MAX_RECEIVE_COUNT: u32 = 20;

/// Seconds: six times the quarter of an hour that a producer may take at most.
const SLICE_VISIBILITY_SECONDS: u32 = 5400;

/// The queues of a run, by URL.
pub(crate) struct Queues {
    pub(crate) slices: String,
    pub(crate) deliveries: String,
    pub(crate) dead_letters: String,
}

impl Queues {
    pub(crate) async fn create(sqs: &Client, run: &str, visibility: u32) -> anyhow::Result<Self> {
        let name: String = run
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .take(60)
            .collect();
        let (slices, _) = pair(sqs, &format!("{name}-slices"), SLICE_VISIBILITY_SECONDS).await?;
        let (deliveries, dead_letters) =
            pair(sqs, &format!("{name}-deliveries"), visibility).await?;
        Ok(Self {
            slices,
            deliveries,
            dead_letters,
        })
    }
}

/// A queue and its dead-letter queue.
async fn pair(sqs: &Client, name: &str, visibility: u32) -> anyhow::Result<(String, String)> {
    let dead_letters = create(sqs, &format!("{name}-dead"), HashMap::new()).await?;
    let arn = sqs
        .get_queue_attributes()
        .queue_url(&dead_letters)
        .attribute_names(QueueAttributeName::QueueArn)
        .send()
        .await
        .context("asking the queue for its name")?
        .attributes
        .and_then(|mut attributes| attributes.remove(&QueueAttributeName::QueueArn))
        .context("the queue has no ARN")?;
    let redrive =
        serde_json::json!({"deadLetterTargetArn": arn, "maxReceiveCount": MAX_RECEIVE_COUNT})
            .to_string();
    let attributes = HashMap::from([
        (
            QueueAttributeName::VisibilityTimeout,
            visibility.to_string(),
        ),
        (QueueAttributeName::RedrivePolicy, redrive),
    ]);
    Ok((create(sqs, name, attributes).await?, dead_letters))
}

async fn create(
    sqs: &Client,
    name: &str,
    attributes: HashMap<QueueAttributeName, String>,
) -> anyhow::Result<String> {
    let made = sqs
        .create_queue()
        .queue_name(name)
        .set_attributes(Some(attributes))
        .send()
        .await;
    made.context("making a queue")?
        .queue_url
        .context("the queue has no URL")
}

/// Whether a queue holds nothing: nothing to receive, in hand or delayed.
pub(crate) async fn is_empty(sqs: &Client, queue_url: &str) -> anyhow::Result<bool> {
    use QueueAttributeName as Name;
    let asked = sqs
        .get_queue_attributes()
        .queue_url(queue_url)
        .attribute_names(Name::ApproximateNumberOfMessages)
        .attribute_names(Name::ApproximateNumberOfMessagesNotVisible)
        .attribute_names(Name::ApproximateNumberOfMessagesDelayed)
        .send()
        .await
        .context("asking the queue how much it holds")?;
    Ok(asked
        .attributes
        .is_some_and(|counts| counts.values().all(|count| count == "0")))
}

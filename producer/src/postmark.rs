//! What is said to the queue about a delivery, besides its body.

use std::sync::Arc;

use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use fanline_core::campaign::{Campaign, CampaignError};
use fanline_core::delivery::Delivery;
use jiff::Timestamp;

use crate::settings::QueueGroups;

/// What is said to the queue about every delivery of a campaign.
#[derive(Debug)]
pub(crate) struct Postmark {
    campaign: Arc<Campaign>,
    groups: QueueGroups,
}

impl Postmark {
    /// What a campaign's deliveries are marked with; an error where the queue can't do what the campaign asks for.
    pub(crate) fn new(campaign: Arc<Campaign>, groups: QueueGroups) -> Result<Self, CampaignError> {
        if groups == QueueGroups::Fifo && campaign.deliver_at.is_some() {
            // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
            return Err(CampaignError::field(
                "deliver_at",
                "can't be kept by a FIFO queue, which delays no single message: schedule the fan-out for that time",
            ));
        }
        campaign.delay_seconds(Timestamp::now())?;
        Ok(Self { campaign, groups })
    }

    /// How long what is sent now stays hidden; unsaid where the campaign does not care.
    pub(crate) fn delay(&self, now: Timestamp) -> Option<i32> {
        self.campaign.deliver_at?;
        self.campaign.delay_seconds(now).ok().map(i32::from)
    }
}

/// An entry as the SDK sends it. The SDK takes what it sends, and what the queue refuses is sent again: so one copy is made.
#[expect(
    clippy::expect_used,
    reason = "id and body, all that the builder asks for, are set"
)]
pub(crate) fn request_entry(
    id: usize,
    body: &str,
    mark: Option<&Postmark>,
    delay: Option<i32>,
) -> SendMessageBatchRequestEntry {
    let entry = SendMessageBatchRequestEntry::builder()
        .id(id.to_string())
        .message_body(body)
        .set_delay_seconds(delay);
    let entry = match mark.map(|mark| (mark.groups, &mark.campaign.id)) {
        None | Some((QueueGroups::None, _)) => entry,
        Some((QueueGroups::Fair, group)) => entry.message_group_id(group),
        Some((QueueGroups::Fifo, group)) => {
            let key = Delivery::decode(body).map(|delivery| delivery.retry_key().to_string());
            entry
                .message_group_id(group)
                .set_message_deduplication_id(key.ok())
        }
    };
    entry.build().expect("id and body are set")
}

//! What a message is for the queue: its body, and what is said beside it.

use std::sync::Arc;

use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use fanline_core::campaign::{Campaign, CampaignError};
use fanline_core::envelope::{Encoder, Envelope};
use jiff::Timestamp;

use crate::publish::pack::Entry;
use crate::settings::QueueGroups;

/// What all messages of a slice have in common.
#[derive(Debug)]
pub(crate) struct Postmark {
    envelope: Envelope,
    encoder: Encoder,
    campaign: Arc<Campaign>,
    groups: QueueGroups,
    /// Whether `deliver_at` is for them: slices are worked on at once.
    is_delayed: bool,
}

impl Postmark {
    /// For the deliveries of a campaign; an error where the queue can't do what the campaign asks for.
    pub(crate) fn of_deliveries(
        campaign: &Arc<Campaign>,
        started_at: Timestamp,
        groups: QueueGroups,
    ) -> Result<Self, CampaignError> {
        if groups == QueueGroups::Fifo && campaign.deliver_at.is_some() {
            // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
            return Err(CampaignError::field(
                "deliver_at",
                "can't be kept by a FIFO queue, which delays no single message: schedule the fan-out for that time",
            ));
        }
        campaign.delay_seconds(Timestamp::now())?;
        let is_delayed = campaign.deliver_at.is_some();
        let mark = Self::of_slices(campaign, started_at);
        Ok(Self {
            groups,
            is_delayed,
            ..mark
        })
    }

    /// For the slices of a campaign.
    pub(crate) fn of_slices(campaign: &Arc<Campaign>, started_at: Timestamp) -> Self {
        let envelope = campaign.envelope(started_at);
        Self {
            encoder: envelope.encoder(),
            envelope,
            campaign: Arc::clone(campaign),
            groups: QueueGroups::None,
            is_delayed: false,
        }
    }

    /// The entries as the client sends them now, so that what was held up is not delayed on top.
    pub(crate) fn request(
        &self,
        entries: &[Entry],
        now: Timestamp,
    ) -> Vec<SendMessageBatchRequestEntry> {
        let delay = self
            .is_delayed
            .then(|| self.campaign.delay_seconds(now).map_or(0, i32::from));
        entries
            .iter()
            .enumerate()
            .map(|(id, entry)| self.entry(id, entry, delay))
            .collect()
    }

    #[expect(
        clippy::expect_used,
        reason = "id and body, all that the builder asks for, are set"
    )]
    fn entry(&self, id: usize, entry: &Entry, delay: Option<i32>) -> SendMessageBatchRequestEntry {
        let body = match entry {
            Entry::Delivery { group, .. } => {
                self.encoder.encode(&group.recipients, &group.messages)
            }
            Entry::Slice(body) => body.clone(),
        };
        let request = SendMessageBatchRequestEntry::builder()
            .id(id.to_string())
            .set_delay_seconds(delay);
        let request = match self.groups {
            QueueGroups::None => request,
            QueueGroups::Fair => request.message_group_id(&self.campaign.id),
            QueueGroups::Fifo => {
                // Only deliveries go to a FIFO queue: slices need a standard one.
                let key = match entry {
                    Entry::Delivery { group, .. } => {
                        let request = self.envelope.request(&group.recipients, &group.messages);
                        Some(request.retry_key.to_string())
                    }
                    Entry::Slice(_) => None,
                };
                request
                    .message_group_id(&self.campaign.id)
                    .set_message_deduplication_id(key)
            }
        };
        request
            .message_body(body)
            .build()
            .expect("id and body are set")
    }
}

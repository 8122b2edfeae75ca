//! An entry in SQS's form: the body, and what the queue is told beside it.

use std::sync::Arc;

use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use aws_sdk_sqs::types::builders::SendMessageBatchRequestEntryBuilder;
use fanline_core::campaign::{Campaign, CampaignError};
use fanline_core::delivery::Envelope;
use fanline_core::limits::sqs::MAX_DELAY_SECONDS;
use jiff::Timestamp;

use crate::list::slice::OpenSlice;
use crate::publish::encoder::DeliveryEncoder;
use crate::publish::pack::Entry;
use crate::settings::QueueGroups;

/// Writes the entries of a slice as SQS takes them.
#[derive(Debug)]
pub(crate) struct EntryWriter {
    envelope: Envelope,
    encoder: DeliveryEncoder,
    campaign: Arc<Campaign>,
    groups: QueueGroups,
    /// Whether the entries wait for `deliver_at`.
    is_delayed: bool,
}

impl EntryWriter {
    /// Whether a queue of these groups can do what the campaign asks for.
    pub(crate) fn check(
        campaign: &Campaign,
        now: Timestamp,
        groups: QueueGroups,
    ) -> Result<(), CampaignError> {
        if groups == QueueGroups::Fifo && campaign.deliver_at.is_some() {
            // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
            return Err(CampaignError::field(
                "deliver_at",
                "can't be kept by a FIFO queue, which delays no single message: \
                 schedule the fan-out for that time",
            ));
        }
        campaign.delay_seconds(now)?;
        Ok(())
    }

    /// For the deliveries of a slice, which `encoder` writes.
    pub(crate) fn for_deliveries(
        open: &OpenSlice,
        encoder: DeliveryEncoder,
        groups: QueueGroups,
    ) -> Self {
        Self {
            encoder,
            groups,
            is_delayed: open.campaign.deliver_at.is_some(),
            ..Self::for_slices(open)
        }
    }

    /// For the slices of this list. They are never delayed, and go to a standard queue.
    pub(crate) fn for_slices(open: &OpenSlice) -> Self {
        Self {
            encoder: DeliveryEncoder::of(open, false, None),
            envelope: open.envelope(),
            campaign: Arc::clone(&open.campaign),
            groups: QueueGroups::None,
            is_delayed: false,
        }
    }

    /// The entries as they are sent `now`: an entry that had to wait is delayed less.
    pub(crate) fn write(
        &self,
        entries: &[Entry],
        now: Timestamp,
    ) -> Vec<SendMessageBatchRequestEntry> {
        let delay = self.is_delayed.then(|| self.delay_seconds(now));
        entries
            .iter()
            .enumerate()
            .map(|(id, entry)| self.write_entry(id, entry, delay))
            .collect()
    }

    fn delay_seconds(&self, now: Timestamp) -> i32 {
        // The delay was short enough when this writer was made. If it is too long now, the clock
        // was set back: the longest delay is then the nearest to `deliver_at`.
        self.campaign
            .delay_seconds(now)
            .unwrap_or(MAX_DELAY_SECONDS)
            .into()
    }

    #[expect(
        clippy::expect_used,
        reason = "the builder asks for an ID and a body, and both are set here"
    )]
    fn write_entry(
        &self,
        id: usize,
        entry: &Entry,
        delay: Option<i32>,
    ) -> SendMessageBatchRequestEntry {
        let request = SendMessageBatchRequestEntry::builder()
            .id(id.to_string())
            .message_body(self.body(entry))
            .set_delay_seconds(delay);
        self.add_group(request, entry)
            .build()
            .expect("the ID and the body are set")
    }

    fn body(&self, entry: &Entry) -> String {
        match entry {
            Entry::Delivery { number, group, .. } => {
                self.encoder
                    .encode(&group.recipients, &group.messages, *number)
            }
            Entry::Slice(body) => body.clone(),
        }
    }

    fn add_group(
        &self,
        request: SendMessageBatchRequestEntryBuilder,
        entry: &Entry,
    ) -> SendMessageBatchRequestEntryBuilder {
        match (self.groups, entry) {
            (QueueGroups::None, _) | (_, Entry::Slice(_)) => request,
            (QueueGroups::Fair, Entry::Delivery { .. }) => {
                request.message_group_id(&self.campaign.id)
            }
            (QueueGroups::Fifo, Entry::Delivery { group, .. }) => {
                let key = self
                    .envelope
                    .request(&group.recipients, &group.messages)
                    .retry_key;
                // Nothing here needs an order. In one group, one delivery that fails would stop the
                // whole campaign.
                request
                    .message_group_id(key.to_string())
                    .message_deduplication_id(key.to_string())
            }
        }
    }
}

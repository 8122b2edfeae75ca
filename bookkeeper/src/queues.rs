//! The stack's queues: whether they are empty, orders for the slice queue, and parked deliveries
//! that go back to their lanes.

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use fanline_ledger::{Lane, SliceId, SliceOrder, Stack};

use crate::queue::{Queue, QueueError};

/// The stack's queues.
#[derive(Debug)]
pub(crate) struct Queues {
    deliveries: Option<Queue>,
    urgent: Option<Queue>,
    parked: Option<Queue>,
    slices: Option<Queue>,
    outcomes: Option<Queue>,
}

/// Slices were not ordered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OrderError {
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error("there is no slice queue: `SLICE_QUEUE_URL` is not set")]
    NoSliceQueue,
}

impl Queues {
    pub(crate) fn new(stack: &Stack, config: &SdkConfig) -> Self {
        let client = Client::new(config);
        let queue = |url: Option<&str>| url.map(|url| Queue::new(client.clone(), url));
        Self {
            deliveries: queue(stack.deliveries.as_deref()),
            urgent: queue(stack.deliveries_of(Lane::Urgent)),
            parked: queue(stack.parked.as_deref()),
            slices: queue(stack.slices.as_deref()),
            outcomes: queue(stack.outcomes.as_deref()),
        }
    }

    /// Whether no queue has a message from which something of a run could come.
    pub(crate) async fn are_empty(&self) -> Result<bool, QueueError> {
        let all = [
            &self.deliveries,
            &self.urgent,
            &self.parked,
            &self.slices,
            &self.outcomes,
        ];
        for queue in all.into_iter().flatten() {
            if !queue.is_empty().await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The queue of deliveries that are not sent now, where there is one.
    pub(crate) fn parked(&self) -> Option<&Queue> {
        self.parked.as_ref()
    }

    /// The delivery queue of a lane.
    pub(crate) fn deliveries(&self, lane: Lane) -> Option<&Queue> {
        match lane {
            Lane::Bulk => self.deliveries.as_ref(),
            Lane::Urgent => self.urgent.as_ref().or(self.deliveries.as_ref()),
        }
    }

    /// Orders these slices of a run. An error can leave some of them ordered: an order that comes
    /// twice does no harm.
    pub(crate) async fn order(&self, run: &str, slices: &[SliceId]) -> Result<(), OrderError> {
        let queue = self.slices.as_ref().ok_or(OrderError::NoSliceQueue)?;
        let orders = slices.iter().map(|slice| SliceOrder::new(run, *slice));
        let bodies: Vec<_> = orders.map(|order| order.encode()).collect();
        Ok(queue.send(&bodies).await?)
    }
}

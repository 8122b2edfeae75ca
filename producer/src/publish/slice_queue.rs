//! The queue on which slices wait for a producer.

use std::sync::Arc;

use fanline_core::campaign::Lane;
use fanline_core::channel::Channel;
use fanline_core::limits::sqs::MAX_BYTES;
use fanline_core::text::push_json;
use fanline_ledger::SliceOrder;

use crate::error::ProduceError;
use crate::list::cutter::CheckedList;
use crate::list::slice::{OpenSlice, Slice};
use crate::publish::pack::{Entry, Packer};
use crate::publish::queue::{Queue, QueueError};
use crate::publish::sender::{SendTotals, Sender};
use crate::publish::sqs_entry::EntryWriter;
use crate::summary::Summary;

/// The slice queue.
#[derive(Debug)]
pub(crate) struct SliceQueue {
    queue: Queue,
    max_in_flight: usize,
}

/// Not all slices are on the queue.
#[derive(Debug)]
pub(crate) struct SliceQueueError {
    /// How many slices are on the queue.
    pub(crate) published: u64,
    pub(crate) error: QueueError,
}

impl SliceQueue {
    /// A slice queue with at most so many requests at the same time.
    pub(crate) fn new(queue: Queue, max_in_flight: usize) -> Self {
        Self {
            queue,
            max_in_flight,
        }
    }

    /// Whether a message of the queue has room for a slice.
    pub(crate) fn takes(slice: &Slice) -> bool {
        body(slice).len() <= MAX_BYTES
    }

    /// Puts slices of this list on the queue. Returns an error where one of them is not on it.
    pub(crate) async fn send(
        &self,
        list: &OpenSlice,
        slices: Vec<Slice>,
    ) -> Result<SendTotals, SliceQueueError> {
        let writer = EntryWriter::for_slices(list);
        // Nobody watches the progress of slices: no recipient is in them yet.
        let progress = Arc::default();
        let mut sender = Sender::new(self.queue.clone(), writer, self.max_in_flight, progress);
        let mut packer = Packer::default();
        for slice in slices {
            if let Some(request) = packer.push(Entry::Slice(body(&slice))) {
                sender.send(request).await;
            }
        }
        if let Some(request) = packer.finish() {
            sender.send(request).await;
        }
        let (totals, failed) = sender.finish().await;
        let refused = totals.refused.first();
        let error = match (failed, refused) {
            (Some(failed), _) => failed.error,
            (None, Some(refused)) => self.queue.refused(refused.reason.clone()),
            (None, None) => return Ok(totals),
        };
        Err(SliceQueueError {
            published: totals.slices,
            error,
        })
    }
}

/// Puts the slices of a list with so many rows on the queue. The run began when the list did.
pub(crate) async fn send_slices(
    queue: &SliceQueue,
    list: &OpenSlice,
    mut slices: Vec<Slice>,
    rows: u64,
) -> Result<Summary, ProduceError> {
    // Only now it is known when the run began.
    for slice in &mut slices {
        slice.started_at = list.slice.started_at;
    }
    let sent = queue
        .send(list, slices)
        .await
        .map_err(
            |SliceQueueError { published, error }| ProduceError::Slices { published, error },
        )?;
    Ok(Summary {
        run: list.slice.run.clone(),
        slices: sent.slices,
        sliced_rows: rows,
        requests: sent.requests,
        ..Summary::default()
    })
}

fn body(slice: &Slice) -> String {
    let mut body = String::new();
    push_json(&mut body, slice);
    body
}

/// The slices of a list that go to the slice queue. `None` where one invocation publishes the list
/// by itself.
///
/// A list that is one slice goes there too: if the work on it dies, the queue gives it to another
/// invocation. But not on LINE Notify, where that would send people a second message. And not an
/// urgent one without a canary: on the slice queue it would wait behind the slices of the others.
/// If the work on it dies, the event is kept as a failed one, and the campaign can be fired again.
pub(crate) fn slices_of(
    list: &OpenSlice,
    checked: &CheckedList,
    has_canary: bool,
) -> Result<Option<Vec<Slice>>, ProduceError> {
    if checked.parts.is_empty() {
        let whole = Slice {
            checked: Some(checked.rows.clone()),
            ..list.slice.clone()
        };
        let is_safe = list.campaign.channel == Channel::Line;
        let may_wait = list.campaign.lane == Lane::Bulk || has_canary;
        return Ok((is_safe && may_wait && SliceQueue::takes(&whole)).then(|| vec![whole]));
    }
    let slices = checked.slices(list);
    match slices.iter().find(|slice| !SliceQueue::takes(slice)) {
        Some(slice) => Err(ProduceError::SliceTooLong {
            list: list.source.name.clone(),
            row: slice.start.row,
        }),
        None => Ok(Some(slices)),
    }
}

/// Only the slice that is ordered is left, if one is.
pub(crate) fn keep_ordered(
    order: Option<&SliceOrder>,
    slices: Option<&mut Vec<Slice>>,
) -> Result<(), ProduceError> {
    let (Some(order), Some(slices)) = (order, slices) else {
        return Ok(());
    };
    slices.retain(|slice| slice.id() == Some(order.slice));
    if slices.is_empty() {
        return Err(ProduceError::no_such_slice(order));
    }
    Ok(())
}

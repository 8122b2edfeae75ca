//! Why an event was not worked off.

use fanline_core::campaign::CampaignError;

use crate::check::rejects::RejectsError;
use crate::event::EventError;
use crate::list::rows::ReadError;
use crate::list::source::SourceError;
use crate::publish::queue::QueueError;

/// Why an event was not worked off. Where deliveries are on the queue all the same, it says how many.
#[derive(Debug, thiserror::Error)]
pub enum ProduceError {
    /// The event asks for nothing that can be done.
    #[error(transparent)]
    Event(#[from] EventError),
    /// The campaign can't be sent.
    #[error(transparent)]
    Campaign(#[from] CampaignError),
    /// A slice names another run than its campaign.
    #[error("the slice is of run `{slice}`, its campaign of run `{campaign}`")]
    OtherRun {
        /// What the slice says.
        slice: String,
        /// What the campaign says.
        campaign: String,
    },
    /// The list can't be read, or is none.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// There is nobody to send to.
    #[error("`{0}` has no rows: there is nobody to send to")]
    NoRows(String),
    /// The list is more wrong than the campaign allows. Nothing of the slice was sent.
    #[error(
        "`{list}`: {rejected} of {rows} rows can't be sent, which is more than `max_bad_rows` allows, so nothing was sent; {first}{}",
        at(.rejects)
    )]
    TooManyBadRows {
        /// The list.
        list: String,
        /// How many rows can't be sent.
        rejected: u64,
        /// Of how many.
        rows: u64,
        /// The first of them and what is wrong with it.
        first: String,
        /// Where all of them are written down.
        rejects: Vec<String>,
    },
    /// The queue refuses more deliveries than `max_bad_rows` allows.
    #[error("the queue refused more deliveries than `max_bad_rows` allows: {reason}; {published} others are on it{}", at(.rejects))]
    RefusedTooMany {
        /// How many deliveries it took.
        published: u64,
        /// Why it refused the first.
        reason: String,
        /// Where the rows of the refused ones are written down.
        rejects: Vec<String>,
    },
    /// The rejected rows can't be written down, so nothing of the slice is sent.
    #[error(transparent)]
    Rejects(#[from] RejectsError),
    /// The time allowed was too short for the first reading.
    #[error(
        "there was no time to check `{0}` whole, so nothing was sent: allow more time, or set `SLICE_QUEUE_URL`"
    )]
    NoTimeToCheck(String),
    /// The time allowed was too short for a single request.
    #[error(
        "there was no time to publish anything: allow more time; {before} deliveries are on the queue from before, row {row} is the first that is not sent"
    )]
    NoTimeToPublish {
        /// How many deliveries earlier invocations published.
        before: u64,
        /// The first row that is not sent.
        row: u64,
    },
    /// Time ran out and there is no slice queue to hand the rest to.
    #[error(
        "out of time with {before} deliveries on the queue; resume at row {row}: send the same event with `\"skip_deliveries\": {before}`, or set `SLICE_QUEUE_URL`"
    )]
    OutOfTime {
        /// How many deliveries are on the queue.
        before: u64,
        /// The first row that is not sent.
        row: u64,
    },
    /// Time ran out and the slice queue did not take the rest.
    #[error(
        "out of time with {before} deliveries on the queue, and the rest from row {row} could not be handed over: send the same event with `\"skip_deliveries\": {before}`"
    )]
    HandOver {
        /// How many deliveries are on the queue.
        before: u64,
        /// The first row that is not sent.
        row: u64,
        /// What went wrong.
        source: QueueError,
    },
    /// A request could not be sent.
    #[error(
        "{source}; {published} deliveries of this invocation are on the queue; resume at row {row}: send the same event with `\"skip_deliveries\": {before}`"
    )]
    Publish {
        /// How many deliveries are known to be on the queue.
        published: u64,
        /// How many of the slice's first deliveries are.
        before: u64,
        /// The first row that may not be sent.
        row: u64,
        /// What went wrong. It is part of the sentence already.
        source: QueueError,
    },
    /// The slices could not be put on their queue.
    #[error(
        "{source}; {published} slices are on the queue: starting the campaign again repeats them harmlessly"
    )]
    Slices {
        /// How many are on it.
        published: u64,
        /// What went wrong.
        source: QueueError,
    },
    /// There are fewer deliveries than were to be left out.
    #[error(
        "`skip_deliveries` is {skip}, but the list makes {there} deliveries in all: is it of another list?"
    )]
    Skip {
        /// How many were to be left out.
        skip: u64,
        /// How many there are.
        there: u64,
    },
    /// The producer panicked. The panic's message may hold a row, so it is not repeated.
    #[error(
        "the producer panicked, the log says where: deliveries may be on the queue, \
         and the same event sends them again under the same retry keys"
    )]
    Panicked,
}

impl From<SourceError> for ProduceError {
    fn from(error: SourceError) -> Self {
        Self::Read(error.into())
    }
}

/// The end of a sentence that says where the rejected rows are.
fn at(rejects: &[String]) -> String {
    rejects
        .first()
        .map_or_else(String::new, |at| format!("; all of them are in `{at}`"))
}

//! Why an event was not worked off.

use fanline_core::campaign::CampaignError;

use crate::check::reading::CheckError;
use crate::check::rejects::RejectsError;
use crate::event::EventError;
use crate::list::rows::ReadError;
use crate::list::source::SourceError;
use crate::publish::queue::QueueError;

/// Why an event was not worked off: one complete sentence, with its cause in it. Where a request
/// failed or time ran out, the sentence says how many deliveries are on the queue all the same.
#[derive(Debug, thiserror::Error)]
pub enum ProduceError {
    /// The event asks for nothing that can be done.
    #[error(transparent)]
    Event(#[from] EventError),
    /// The campaign can't be sent.
    #[error(transparent)]
    Campaign(#[from] CampaignError),
    /// The run of a slice is not the run of its campaign.
    #[error("the slice is of run `{slice}`, but its campaign is of run `{campaign}`")]
    OtherRun {
        /// The run that the slice names.
        slice: String,
        /// The run that the campaign makes.
        campaign: String,
    },
    /// The list can't be read, or it is not a list.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The list has no rows.
    #[error("`{0}` has no rows: there is nobody to send to")]
    NoRows(String),
    /// More rows are bad than the campaign allows. Nothing of the slice was sent.
    #[error(
        "`{list}`: {rejected} of {rows} rows can't be sent, which is more than `max_bad_rows` \
         allows, so nothing was sent; the first is {first}{}",
        where_all_are(.rejects)
    )]
    TooManyBadRows {
        /// The name of the list.
        list: String,
        /// How many rows can't be sent.
        rejected: u64,
        /// How many rows there are.
        rows: u64,
        /// The first row that can't be sent, and what is wrong with it.
        first: String,
        /// The files with all rows that can't be sent.
        rejects: Vec<String>,
    },
    /// The queue refused more rows than the campaign allows.
    #[error(
        "the queue refused more deliveries than `max_bad_rows` allows: {reason}; \
         {published} other deliveries are on the queue{}",
        where_all_are(.rejects)
    )]
    RefusedTooMany {
        /// How many deliveries are on the queue.
        published: u64,
        /// Why the queue refused the first one.
        reason: String,
        /// The files with the rows of the refused deliveries.
        rejects: Vec<String>,
    },
    /// The rejected rows can't be written down. So nothing of the slice was sent.
    #[error(transparent)]
    Rejects(#[from] RejectsError),
    /// There was not enough time for the check.
    #[error(
        "there was not enough time to check all of `{0}`, so nothing was sent: \
         allow more time, or set `SLICE_QUEUE_URL`"
    )]
    NoTimeToCheck(String),
    /// There was not enough time for a single request.
    #[error(
        "there was not enough time to publish anything: allow more time; {before} deliveries are \
         on the queue from before, and row {row} is the first that is not sent"
    )]
    NoTimeToPublish {
        /// How many deliveries earlier invocations published.
        before: u64,
        /// The first row that is not sent.
        row: u64,
    },
    /// Time ran out, and there is no slice queue for the rest.
    #[error(
        "out of time with {before} deliveries on the queue; resume at row {row}: \
         send the same event with `\"skip_deliveries\": {before}`, or set `SLICE_QUEUE_URL`"
    )]
    OutOfTime {
        /// How many deliveries are on the queue.
        before: u64,
        /// The first row that is not sent.
        row: u64,
    },
    /// Time ran out, and the slice queue did not take the rest.
    #[error(
        "out of time with {before} deliveries on the queue, and {error}; resume at row {row}: \
         send the same event with `\"skip_deliveries\": {before}`"
    )]
    HandOver {
        /// How many deliveries are on the queue.
        before: u64,
        /// The first row that is not sent.
        row: u64,
        /// Why the slice queue did not take the rest.
        error: QueueError,
    },
    /// A request could not be sent.
    #[error(
        "{error}; {published} deliveries of this invocation are on the queue; \
         resume at row {row}: send the same event with `\"skip_deliveries\": {before}`"
    )]
    Publish {
        /// How many deliveries of this invocation are on the queue.
        published: u64,
        /// How many of the slice's first deliveries are on the queue.
        before: u64,
        /// The first row that may not be sent.
        row: u64,
        /// Why the request could not be sent.
        error: QueueError,
    },
    /// The slices could not be put on their queue.
    #[error(
        "{error}; {published} slices are on the queue: \
         starting the campaign again repeats them harmlessly"
    )]
    Slices {
        /// How many slices are on the queue.
        published: u64,
        /// Why the others are not.
        error: QueueError,
    },
    /// More deliveries were to be left out than there are.
    #[error(
        "`skip_deliveries` is {skip}, but the list makes {there} deliveries in all: \
         is it of another list?"
    )]
    Skip {
        /// How many deliveries were to be left out.
        skip: u64,
        /// How many deliveries there are.
        there: u64,
    },
    /// The producer panicked. The panic's message may hold a row, so it is not repeated.
    #[error(
        "the producer panicked, the log says where: deliveries may be on the queue, \
         and the same event sends them again under the same retry keys"
    )]
    Panicked,
}

impl ProduceError {
    /// The columns of the list, where the error is about them and none of them looks like a value
    /// of a person. They are for a terminal, and never for a log.
    pub fn columns(&self) -> Option<String> {
        match self {
            Self::Read(ReadError::List { error, .. }) => error.columns(),
            _ => None,
        }
    }
}

impl From<SourceError> for ProduceError {
    fn from(error: SourceError) -> Self {
        Self::Read(error.into())
    }
}

impl From<CheckError> for ProduceError {
    fn from(error: CheckError) -> Self {
        match error {
            CheckError::Read(error) => Self::Read(error),
            CheckError::NoRows(list) => Self::NoRows(list),
            CheckError::OutOfTime(list) => Self::NoTimeToCheck(list),
        }
    }
}

/// The end of a sentence: where all rejected rows are, if they are in a file.
fn where_all_are(rejects: &[String]) -> String {
    match rejects.first() {
        Some(file) => format!("; all of them are in `{file}`"),
        None => String::new(),
    }
}

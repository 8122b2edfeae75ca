//! Why an event was not worked off.

use std::fmt;
use std::panic::AssertUnwindSafe;

use fanline_core::campaign::CampaignError;
use fanline_ledger::{EditError, ObjectError, Refusal, SliceOrder};
use fanline_seal::KeyError;
use futures_util::FutureExt;
use serde_json::Value;

use crate::check::reading::CheckError;
use crate::check::rejects::RejectsError;
use crate::event::EventError;
use crate::event::upload::notice::NoticeError;
use crate::event::upload::origin::OriginError;
use crate::event::upload::outbox::OutboxError;
use crate::list::rows::ReadError;
use crate::list::source::SourceError;
use crate::publish::queue::{NoUrgentQueue, QueueError};

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
    /// The campaign's canary or brake can't be used.
    #[error(transparent)]
    Rule(#[from] ObjectError),
    /// The order to send to the others may come twice, and LINE Notify can't tell.
    #[error("`canary` is for the channel `line`: LINE Notify can't tell a repeated message")]
    CanaryOnNotify,
    /// Nothing takes urgent deliveries.
    #[error(transparent)]
    NoUrgentQueue(#[from] NoUrgentQueue),
    /// Nobody would send to the others.
    #[error(
        "the campaign has a `canary`, and nobody would watch it: that needs a deployed stack with \
         `LEDGER_URI`, `CONTROL_URI`, `SLICE_QUEUE_URL` and the bookkeeper, or `fanline run`"
    )]
    CanaryUnwatched,
    /// The others could not be read again.
    #[error(
        "a campaign with a `canary` needs its list in a file or in S3: the list is read again when \
         the others follow, and rows in the campaign itself are kept nowhere"
    )]
    CanaryInline,
    /// An event of S3 names no file.
    #[error(transparent)]
    Notice(#[from] NoticeError),
    /// A file of the outbox can't be read or moved.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// The campaign in a file of the outbox was not sent.
    #[error("`{file}`: {error}")]
    InFile {
        /// The file.
        file: String,
        /// Why.
        error: Box<ProduceError>,
    },
    /// Another file or a schedule has sent the campaign. Nothing was sent.
    #[error(transparent)]
    Origin(#[from] OriginError),
    /// The run of a slice is not the run of its campaign.
    #[error("the slice is of run `{slice}`, but its campaign is of run `{campaign}`")]
    OtherRun {
        /// The run that the slice names.
        slice: String,
        /// The run that the campaign makes.
        campaign: String,
    },
    /// The deliveries can't be sealed.
    #[error("{0}; nothing of the slice was sent")]
    Seal(#[from] KeyError),
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
         give the function more memory, which also makes it faster, or more time"
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
        "out of time with {} deliveries on the queue; resume at row {row}: \
         send the same event with {resume}, or set `SLICE_QUEUE_URL`",
        .resume.n
    )]
    OutOfTime {
        /// What is on the queue.
        resume: Resume,
        /// The first row that is not sent.
        row: u64,
    },
    /// Time ran out, and the slice queue did not take the rest.
    #[error(
        "out of time with {} deliveries on the queue, and {error}; resume at row {row}: \
         send the same event with {resume}",
        .resume.n
    )]
    HandOver {
        /// What is on the queue.
        resume: Resume,
        /// The first row that is not sent.
        row: u64,
        /// Why the slice queue did not take the rest.
        error: QueueError,
    },
    /// A request could not be sent.
    #[error(
        "{error}; {published} deliveries of this invocation are on the queue; \
         resume at row {row}: send the same event with {resume}"
    )]
    Publish {
        /// How many deliveries of this invocation are on the queue.
        published: u64,
        /// Which of the slice's first deliveries are on the queue.
        resume: Resume,
        /// The first row that may not be sent.
        row: u64,
        /// Why the request could not be sent.
        error: QueueError,
    },
    /// The slices could not be put on their queue, because one of them is too long for a message.
    /// Nothing was sent.
    #[error(
        "`{list}`: its slice at row {row} is too long for a message of the slice queue, \
         so nothing was sent: set a smaller `SLICE_BYTES`"
    )]
    SliceTooLong {
        /// The name of the list.
        list: String,
        /// The first row of the slice.
        row: u64,
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
    /// The run's record does not allow the firing. Nothing was sent.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The run was cancelled, or ended too long ago. Nothing was sent.
    #[error(transparent)]
    Ended(EditError),
    /// An order for a slice names a run that has no record, or a slice that its list has not.
    #[error("an order names slice {slice} of the run `{run}`, and there is no such slice")]
    NoSuchSlice {
        /// The run.
        run: String,
        /// The slice.
        slice: String,
    },
    /// The run's record can't be read or written. Nothing was sent.
    #[error("the record of the run can't be read or written, so nothing was sent: {0}")]
    Ledger(String),
    /// Everything of the slice is on the queue, but its roll can't be written.
    #[error(
        "all deliveries of the slice are on the queue, but its roll can't be written: {0}; the \
         same event again publishes them under the same retry keys"
    )]
    Roll(String),
    /// Another firing with other settings has begun the run at this very time.
    #[error(
        "another firing began the run `{0}` at the same time with another `SLICE_BYTES`, \
         so nothing was sent: fire it again"
    )]
    BegunMeanwhile(String),
    /// The recipients did not fit into memory, and could not be sorted on the disk.
    #[error(
        "the recipients of `{list}` can't be sorted in the folder for temporary files, \
         so nothing was sent: {problem}"
    )]
    Sort {
        /// The name of the list.
        list: String,
        /// What went wrong.
        problem: String,
    },
    /// The deliveries that were to be left out are those of another list.
    #[error(
        "`skip_deliveries` is of another version of `{0}`, whose first deliveries were others, \
         so nothing was sent: put that list back, or fire the campaign without it"
    )]
    SkipOfAnotherList(String),
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
    /// The error of a file of the outbox.
    pub(crate) fn in_file(file: String, error: Self) -> Self {
        match error {
            // It names the object.
            Self::Outbox(OutboxError::Denied { .. } | OutboxError::Failed { .. }) => error,
            error => Self::InFile {
                file,
                error: Box::new(error),
            },
        }
    }

    pub(crate) fn no_such_slice(order: &SliceOrder) -> Self {
        Self::NoSuchSlice {
            run: order.run.clone(),
            slice: order.slice.to_string(),
        }
    }

    /// The columns of the list, where the error is about them and none of them looks like a value
    /// of a person. They are for a terminal, and never for a log.
    pub fn columns(&self) -> Option<String> {
        match self {
            Self::Read(ReadError::List { error, .. }) => error.columns(),
            Self::InFile { error, .. } => error.columns(),
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
            CheckError::Sort { list, error } => Self::Sort {
                list,
                problem: error.to_string(),
            },
            CheckError::OutOfTime(list) => Self::NoTimeToCheck(list),
        }
    }
}

/// The work, or an error in place of its panic. The message of a panic may hold a row, so it is
/// dropped.
pub(crate) async fn unpanicked<T>(
    work: impl Future<Output = Result<T, ProduceError>>,
) -> Result<T, ProduceError> {
    let work = AssertUnwindSafe(work).catch_unwind();
    work.await.unwrap_or(Err(ProduceError::Panicked))
}

/// The deliveries that a resumed fan-out leaves out: the first `n` of this version of the list.
///
/// It is written as the field of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resume {
    /// How many deliveries are on the queue.
    pub n: u64,
    /// The version of the list.
    pub etag: String,
}

impl fmt::Display for Resume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let etag = Value::from(self.etag.as_str());
        write!(
            f,
            "`\"skip_deliveries\": {{\"n\": {}, \"etag\": {etag}}}`",
            self.n
        )
    }
}

/// The end of a sentence: where all rejected rows are, if they are in a file.
fn where_all_are(rejects: &[String]) -> String {
    match rejects.first() {
        Some(file) => format!("; all of them are in `{file}`"),
        None => String::new(),
    }
}

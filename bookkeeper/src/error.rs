//! Why a run was not looked at.

use fanline_ledger::{EditControlError, ObjectError, ReadObjectError, ReadSumError, UpdateError};

use crate::queue::QueueError;
use crate::queues::OrderError;
use crate::runs::ReadRunError;

/// Why a run was not looked at, by the tick or by the brake. The next look begins anew.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LookError {
    #[error(transparent)]
    Run(#[from] ReadRunError),
    #[error(transparent)]
    Sum(#[from] ReadSumError),
    #[error(transparent)]
    Watch(#[from] ReadObjectError),
    #[error(transparent)]
    EditWatch(#[from] UpdateError<ObjectError>),
    #[error(transparent)]
    Control(#[from] UpdateError<EditControlError>),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Order(#[from] OrderError),
}

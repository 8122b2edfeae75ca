//! SQS's errors: the code, the HTTP status and the text of each.

use hyper::StatusCode;

/// Why SQS refuses a request or one entry of a batch.
///
/// The shapes, codes and statuses are those of the API description. The texts are those that users
/// have seen.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html>
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("There should be at least one {0} in the request.")]
    EmptyBatchRequest(&'static str),
    #[error("Maximum number of entries per request are 10. You have sent {0}.")]
    TooManyEntriesInBatchRequest(usize),
    #[error("Id {0} repeated.")]
    BatchEntryIdsNotDistinct(String),
    #[error(
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. \
         It can be at most 80 letters long."
    )]
    InvalidBatchEntryId,
    #[error("Batch requests cannot be longer than {limit} bytes. You have sent {sent} bytes.")]
    BatchRequestTooLong { limit: usize, sent: usize },
    #[error("The specified queue does not exist.")]
    QueueDoesNotExist,
    #[error("A queue already exists with the same name and a different value for attribute {0}")]
    QueueNameExists(String),
    #[error(
        "You must wait 60 seconds after deleting a queue before you can create another with the \
         same name."
    )]
    QueueDeletedRecently,
    #[error("{0}")]
    InvalidAttributeName(String),
    #[error("Invalid value for the parameter {0}.")]
    InvalidAttributeValue(String),
    #[error("{0}")]
    InvalidParameterValue(String),
    #[error("The request must contain the parameter {0}.")]
    MissingParameter(&'static str),
    #[error("The message contains characters outside the allowed set.")]
    InvalidMessageContents,
    #[error("The input receipt handle \"{0}\" is not a valid receipt handle.")]
    ReceiptHandleIsInvalid(String),
    #[error("Only one PurgeQueue operation on {0} is allowed every 60 seconds.")]
    PurgeQueueInProgress(String),
    #[error("{0}")]
    OverLimit(String),
    #[error("{0}")]
    ResourceNotFound(&'static str),
    #[error("Request is throttled.")]
    RequestThrottled,
    #[error("We encountered an internal error. Please try again.")]
    InternalError,
    #[error("The address {0} is not valid for this endpoint.")]
    InvalidAddress(String),
    #[error("The action or operation requested is invalid.")]
    UnknownOperation,
    #[error("The request must contain the parameter Action.")]
    MissingAction,
    #[error("The request body is not valid: {0}")]
    Serialization(String),
}

impl Refusal {
    /// A value outside its limits. SQS has one text for all of them.
    pub(crate) fn value(value: impl std::fmt::Display, parameter: &str, reason: &str) -> Self {
        Self::InvalidParameterValue(format!(
            "Value {value} for parameter {parameter} is invalid. Reason: {reason}"
        ))
    }

    /// The body did not come as a whole.
    pub(crate) fn incomplete_body() -> Self {
        Self::Serialization("the request is too long, or it ended early".to_owned())
    }

    /// The name of the error on the wire: `__type` in the JSON.
    pub(crate) fn shape(&self) -> &'static str {
        match self {
            Self::EmptyBatchRequest(_) => "com.amazonaws.sqs#EmptyBatchRequest",
            Self::TooManyEntriesInBatchRequest(_) => {
                "com.amazonaws.sqs#TooManyEntriesInBatchRequest"
            }
            Self::BatchEntryIdsNotDistinct(_) => "com.amazonaws.sqs#BatchEntryIdsNotDistinct",
            Self::InvalidBatchEntryId => "com.amazonaws.sqs#InvalidBatchEntryId",
            Self::BatchRequestTooLong { .. } => "com.amazonaws.sqs#BatchRequestTooLong",
            Self::QueueDoesNotExist => "com.amazonaws.sqs#QueueDoesNotExist",
            Self::QueueNameExists(_) => "com.amazonaws.sqs#QueueNameExists",
            Self::QueueDeletedRecently => "com.amazonaws.sqs#QueueDeletedRecently",
            Self::InvalidAttributeName(_) => "com.amazonaws.sqs#InvalidAttributeName",
            Self::InvalidAttributeValue(_) => "com.amazonaws.sqs#InvalidAttributeValue",
            Self::InvalidParameterValue(_) => {
                "com.amazon.coral.service#InvalidParameterValueException"
            }
            Self::MissingParameter(_) => {
                "com.amazon.coral.service#MissingRequiredParameterException"
            }
            Self::InvalidMessageContents => "com.amazonaws.sqs#InvalidMessageContents",
            Self::ReceiptHandleIsInvalid(_) => "com.amazonaws.sqs#ReceiptHandleIsInvalid",
            Self::PurgeQueueInProgress(_) => "com.amazonaws.sqs#PurgeQueueInProgress",
            Self::OverLimit(_) => "com.amazonaws.sqs#OverLimit",
            Self::ResourceNotFound(_) => "com.amazonaws.sqs#ResourceNotFoundException",
            Self::RequestThrottled => "com.amazonaws.sqs#RequestThrottled",
            Self::InternalError => "com.amazon.coral.service#InternalFailure",
            Self::InvalidAddress(_) => "com.amazonaws.sqs#InvalidAddress",
            Self::UnknownOperation | Self::MissingAction => {
                "com.amazon.coral.service#UnknownOperationException"
            }
            Self::Serialization(_) => "com.amazon.coral.service#SerializationException",
        }
    }

    /// The code of the older query protocol. The SDKs show it, and an entry in `Failed` has it.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::EmptyBatchRequest(_) => "AWS.SimpleQueueService.EmptyBatchRequest",
            Self::TooManyEntriesInBatchRequest(_) => {
                "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"
            }
            Self::BatchEntryIdsNotDistinct(_) => "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
            Self::InvalidBatchEntryId => "AWS.SimpleQueueService.InvalidBatchEntryId",
            Self::BatchRequestTooLong { .. } => "AWS.SimpleQueueService.BatchRequestTooLong",
            Self::QueueDoesNotExist => "AWS.SimpleQueueService.NonExistentQueue",
            Self::QueueNameExists(_) => "QueueAlreadyExists",
            Self::QueueDeletedRecently => "AWS.SimpleQueueService.QueueDeletedRecently",
            Self::InvalidAttributeName(_) => "InvalidAttributeName",
            Self::InvalidAttributeValue(_) => "InvalidAttributeValue",
            Self::InvalidParameterValue(_) => "InvalidParameterValue",
            Self::MissingParameter(_) => "MissingParameter",
            Self::InvalidMessageContents => "InvalidMessageContents",
            Self::ReceiptHandleIsInvalid(_) => "ReceiptHandleIsInvalid",
            Self::PurgeQueueInProgress(_) => "AWS.SimpleQueueService.PurgeQueueInProgress",
            Self::OverLimit(_) => "OverLimit",
            Self::ResourceNotFound(_) => "ResourceNotFoundException",
            Self::RequestThrottled => "RequestThrottled",
            Self::InternalError => "InternalError",
            Self::InvalidAddress(_) => "InvalidAddress",
            Self::UnknownOperation => "InvalidAction",
            Self::MissingAction => "MissingAction",
            Self::Serialization(_) => "SerializationException",
        }
    }

    /// The HTTP status of a refused request.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::PurgeQueueInProgress(_) | Self::OverLimit(_) => StatusCode::FORBIDDEN,
            Self::ResourceNotFound(_) => StatusCode::NOT_FOUND,
            Self::InternalError => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// Whether the request itself is wrong, so that it would fail again.
    pub(crate) fn sender_fault(&self) -> bool {
        !matches!(self, Self::InternalError | Self::RequestThrottled)
    }
}

//! What goes wrong with requests to the stand-in for KMS.

use axum::http::StatusCode;

/// What goes wrong with requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KmsFault {
    /// `AccessDeniedException`: the role or the key's policy does not allow it.
    Denied,
    /// `DisabledException`.
    Disabled,
    /// `KMSInvalidStateException`: the key waits for its deletion.
    PendingDeletion,
    /// `NotFoundException`: the key is gone.
    Missing,
    /// `ThrottlingException`.
    Throttled,
    /// `KMSInternalException`.
    Internal,
    /// No answer comes.
    Silent,
}

/// An error as KMS answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    /// KMS leaves it out for a ciphertext that does not decrypt.
    pub(crate) message: Option<String>,
}

impl Refusal {
    /// An error with status 400, as nearly all of KMS's are.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code,
            message: Some(message.into()),
        }
    }

    /// The ciphertext does not decrypt, or not with this encryption context.
    pub(crate) fn invalid_ciphertext() -> Self {
        Self {
            message: None,
            ..Self::new("InvalidCiphertextException", "")
        }
    }

    /// There is no such key.
    pub(crate) fn not_found(key: &str) -> Self {
        Self::new("NotFoundException", format!("Key '{key}' does not exist"))
    }
}

impl KmsFault {
    /// The answer to a request for this action and key. `None`: there is none.
    pub(crate) fn refusal(self, action: &str, key: &str) -> Option<Refusal> {
        Some(match self {
            Self::Denied => Refusal::new(
                "AccessDeniedException",
                format!(
                    "User: arn:aws:sts::000000000000:assumed-role/fanline/fanline is not \
                     authorized to perform: kms:{action} on resource: {key} because no \
                     identity-based policy allows the kms:{action} action"
                ),
            ),
            Self::Disabled => Refusal::new("DisabledException", format!("{key} is disabled.")),
            Self::PendingDeletion => Refusal::new(
                "KMSInvalidStateException",
                format!("{key} is pending deletion."),
            ),
            Self::Missing => Refusal::not_found(key),
            Self::Throttled => Refusal::new(
                "ThrottlingException",
                "You have exceeded the rate at which you may call KMS. Reduce the frequency of \
                 your calls.",
            ),
            Self::Internal => Refusal {
                status: StatusCode::INTERNAL_SERVER_ERROR,
                ..Refusal::new("KMSInternalException", "")
            },
            Self::Silent => return None,
        })
    }
}

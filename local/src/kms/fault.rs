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
    /// `InvalidKeyUsageException`: it is a key for signatures.
    Unfit,
    /// `ThrottlingException`.
    Throttled,
    /// `KMSInternalException`.
    Internal,
    /// No answer comes.
    Silent,
}

/// What `DescribeKey` says of a key, in KMS's words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Described {
    pub(crate) state: &'static str,
    pub(crate) usage: &'static str,
    pub(crate) spec: &'static str,
}

/// A key that seals and opens.
pub(crate) const HEALTHY: Described = Described {
    state: "Enabled",
    usage: "ENCRYPT_DECRYPT",
    spec: "SYMMETRIC_DEFAULT",
};

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
    /// What `DescribeKey` says of a key with this fault. `None`: it is refused too. It says what
    /// a key is also where the key can't be used.
    pub(crate) fn described(self) -> Option<Described> {
        match self {
            Self::Disabled => Some(Described {
                state: "Disabled",
                ..HEALTHY
            }),
            Self::PendingDeletion => Some(Described {
                state: "PendingDeletion",
                ..HEALTHY
            }),
            Self::Unfit => Some(Described {
                usage: "SIGN_VERIFY",
                spec: "ECC_NIST_P256",
                ..HEALTHY
            }),
            Self::Denied | Self::Missing | Self::Throttled | Self::Internal | Self::Silent => None,
        }
    }

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
            Self::Unfit => Refusal::new(
                "InvalidKeyUsageException",
                format!("{key} key usage is SIGN_VERIFY which is not valid for {action}."),
            ),
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

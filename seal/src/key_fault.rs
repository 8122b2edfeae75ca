//! Why KMS gave no data key, and what a person can do. Pure.

/// What the key was wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyUse {
    /// To seal: `kms:GenerateDataKey`.
    Seal,
    /// To open: `kms:Decrypt`.
    Open,
    /// To see what it is: `kms:DescribeKey`.
    Describe,
}

impl KeyUse {
    /// The right that it needs.
    pub fn right(self) -> &'static str {
        match self {
            Self::Seal => "kms:GenerateDataKey",
            Self::Open => "kms:Decrypt",
            Self::Describe => "kms:DescribeKey",
        }
    }
}

/// Why KMS gave no data key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyFault {
    /// The role or the key's policy does not allow it, or the credentials are not valid.
    Denied,
    /// The key is disabled.
    Disabled,
    /// The key is in a state in which it can't be used: it waits for its deletion, for example.
    State,
    /// There is no such key.
    Missing,
    /// The key is no symmetric key for encryption.
    Unfit,
    /// The data key was made with another KMS key.
    OtherKey,
    /// The data key, its run or its slice is not what KMS encrypted.
    Forged,
    /// KMS takes no more requests now.
    Throttled,
    /// KMS did not answer, or has a fault of its own.
    Unavailable,
}

impl KeyFault {
    /// What an error of KMS means. `code` is the error's name, `status` the HTTP status.
    /// <https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html#API_Decrypt_Errors>
    pub(crate) fn of(code: Option<&str>, status: Option<u16>) -> Self {
        match code {
            Some("DisabledException") => Self::Disabled,
            Some("KMSInvalidStateException") => Self::State,
            Some("NotFoundException" | "InvalidArnException") => Self::Missing,
            Some("InvalidKeyUsageException" | "UnsupportedOperationException") => Self::Unfit,
            Some("IncorrectKeyException") => Self::OtherKey,
            Some("InvalidCiphertextException" | "ValidationException") => Self::Forged,
            Some(
                "ThrottlingException"
                | "Throttling"
                | "RequestLimitExceeded"
                | "TooManyRequestsException",
            ) => Self::Throttled,
            Some(
                "DependencyTimeoutException"
                | "KeyUnavailableException"
                | "KMSInternalException"
                | "InternalFailure"
                | "ServiceUnavailable"
                | "ServiceUnavailableException",
            ) => Self::Unavailable,
            _ => match status {
                Some(429) => Self::Throttled,
                Some(400..=499) => Self::Denied,
                _ => Self::Unavailable,
            },
        }
    }

    /// Whether it is the matter of one queue message. Otherwise no message opens.
    pub fn is_of_one_message(self) -> bool {
        matches!(self, Self::OtherKey | Self::Forged)
    }

    /// Whether it ends by itself. Otherwise a person has to do something.
    pub fn may_pass(self) -> bool {
        matches!(self, Self::Throttled | Self::Unavailable)
    }

    /// What is wrong and what a person can do about it, in one sentence.
    fn cure(self, wanted: KeyUse) -> String {
        let right = wanted.right();
        match self {
            Self::Denied => format!("allow `{right}` on it, in the role and in the key's policy"),
            Self::Disabled => "the key is disabled: enable it".into(),
            Self::State => "the key can't be used in its state: cancel its deletion, if it is \
                            waiting for that"
                .into(),
            Self::Missing => "there is no such key in its Region: compare `SealKeyArn` with the \
                              key's ARN"
                .into(),
            Self::Unfit => "the key is not a symmetric key for encryption: name one that is".into(),
            Self::OtherKey => "the delivery was sealed with another key: set `SealKeyArn` to that \
                               one until no delivery of it is left"
                .into(),
            Self::Forged => "the delivery is not what the producer sealed".into(),
            Self::Throttled => "KMS takes no more requests now: that passes".into(),
            Self::Unavailable => "KMS does not answer: if that lasts, look at the way to it, such \
                                  as a VPC without an endpoint for KMS"
                .into(),
        }
    }
}

/// KMS gave no data key, or did not say what the key is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the key `{key}` can't be {}: {}; KMS says: {words}", match .wanted {
    KeyUse::Seal => "used to seal",
    KeyUse::Open => "used to open",
    KeyUse::Describe => "looked at",
}, .fault.cure(*.wanted))]
pub struct KeyError {
    /// Why.
    pub fault: KeyFault,
    /// What for.
    pub wanted: KeyUse,
    /// The key's ARN.
    pub key: String,
    /// KMS's own words.
    pub words: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_of_kms_has_its_meaning() {
        use KeyFault as F;
        for (code, status, fault) in [
            (Some("AccessDeniedException"), Some(400), F::Denied),
            (Some("UnrecognizedClientException"), Some(400), F::Denied),
            (Some("ExpiredTokenException"), Some(400), F::Denied),
            (None, Some(403), F::Denied),
            (Some("DisabledException"), Some(400), F::Disabled),
            (Some("KMSInvalidStateException"), Some(400), F::State),
            (Some("NotFoundException"), Some(400), F::Missing),
            (Some("InvalidArnException"), Some(400), F::Missing),
            (Some("InvalidKeyUsageException"), Some(400), F::Unfit),
            (Some("IncorrectKeyException"), Some(400), F::OtherKey),
            (Some("InvalidCiphertextException"), Some(400), F::Forged),
            (Some("ThrottlingException"), Some(400), F::Throttled),
            (None, Some(429), F::Throttled),
            (Some("KeyUnavailableException"), Some(500), F::Unavailable),
            (
                Some("DependencyTimeoutException"),
                Some(503),
                F::Unavailable,
            ),
            (Some("KMSInternalException"), Some(500), F::Unavailable),
            (None, Some(503), F::Unavailable),
            (None, None, F::Unavailable),
        ] {
            assert_eq!(KeyFault::of(code, status), fault, "{code:?} {status:?}");
        }
    }

    #[test]
    fn an_error_says_what_to_do_and_repeats_what_kms_says() {
        let error = KeyError {
            fault: KeyFault::Denied,
            wanted: KeyUse::Open,
            key: "arn:aws:kms:eu-west-1:1:key/1".into(),
            words: "AccessDeniedException: no".into(),
        };
        assert_eq!(
            error.to_string(),
            "the key `arn:aws:kms:eu-west-1:1:key/1` can't be used to open: allow `kms:Decrypt` on \
             it, in the role and in the key's policy; KMS says: AccessDeniedException: no"
        );
    }
}

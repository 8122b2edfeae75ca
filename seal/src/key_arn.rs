//! The ARN of a KMS key.

use std::fmt;
use std::str::FromStr;

/// The ARN of a KMS key, such as `arn:aws:kms:ap-northeast-1:123456789012:key/1234abcd-…`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyArn {
    text: String,
    region: String,
}

/// Why a text is not the ARN of a KMS key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyArnError {
    /// It has another form.
    #[error("it is not the ARN of a KMS key, such as `arn:aws:kms:REGION:ACCOUNT:key/ID`")]
    Form,
    /// It names an alias. The rights of a role are for a key.
    #[error(
        "it is the ARN of an alias, and rights are given for a key: name the key's own ARN, which \
         `aws kms describe-key --key-id ALIAS` prints"
    )]
    Alias,
}

impl KeyArn {
    /// The ARN.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The Region that the key is in.
    pub fn region(&self) -> &str {
        &self.region
    }
}

impl FromStr for KeyArn {
    type Err = KeyArnError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.split(':').collect();
        let ["arn", partition, "kms", region, account, resource] = parts[..] else {
            return Err(KeyArnError::Form);
        };
        let is_filled = |part: &str| !part.is_empty() && !part.contains(char::is_whitespace);
        if ![partition, region, account].into_iter().all(is_filled) {
            return Err(KeyArnError::Form);
        }
        match resource.split_once('/') {
            Some(("key", id)) if is_filled(id) => Ok(Self {
                text: text.to_owned(),
                region: region.to_owned(),
            }),
            Some(("alias", _)) => Err(KeyArnError::Alias),
            _ => Err(KeyArnError::Form),
        }
    }
}

impl fmt::Display for KeyArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_arn_of_a_key_is_one() {
        let arn: KeyArn = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab"
            .parse()
            .unwrap();
        assert_eq!(arn.region(), "eu-west-1");
        for (text, error) in [
            ("", KeyArnError::Form),
            ("1234abcd-12ab", KeyArnError::Form),
            (
                "arn:aws:sqs:eu-west-1:123456789012:key/1",
                KeyArnError::Form,
            ),
            ("arn:aws:kms:eu-west-1:123456789012:key/", KeyArnError::Form),
            ("arn:aws:kms::123456789012:key/1", KeyArnError::Form),
            ("arn:aws:kms:eu-west-1:1:key/1:2", KeyArnError::Form),
            ("alias/mine", KeyArnError::Form),
            ("arn:aws:kms:eu-west-1:1:alias/mine", KeyArnError::Alias),
        ] {
            assert_eq!(text.parse::<KeyArn>().unwrap_err(), error, "{text}");
        }
    }
}

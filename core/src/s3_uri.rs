//! S3 URIs.

use std::fmt;
use std::str::FromStr;

const SCHEME: &str = "s3://";

/// `s3://BUCKET/KEY`: an object, or the beginning of many objects' keys.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct S3Uri {
    /// The bucket's name.
    pub bucket: String,
    /// The key of an object, or the beginning of keys, which may be empty.
    pub key: String,
}

/// Why a text is not an S3 URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum S3UriError {
    /// The text does not begin with `s3://`.
    #[error("is not `s3://BUCKET/KEY`")]
    Scheme,
    /// There is nothing between `s3://` and the next slash.
    #[error("is not `s3://BUCKET/KEY`: it names no bucket")]
    NoBucket,
    /// An object is needed, and there is a bucket and no key.
    #[error("is not `s3://BUCKET/KEY`: it names no object in the bucket")]
    NoKey,
}

impl S3Uri {
    /// Whether a text is meant as an S3 URI, valid or not.
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(SCHEME)
    }

    /// Reads an S3 URI that has to name an object.
    pub fn object(text: &str) -> Result<Self, S3UriError> {
        let uri: Self = text.parse()?;
        if uri.key.is_empty() {
            return Err(S3UriError::NoKey);
        }
        Ok(uri)
    }

    /// The S3 URI whose key is this key and then `name`.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        Self {
            bucket: self.bucket.clone(),
            key: format!("{}{name}", self.key),
        }
    }
}

impl FromStr for S3Uri {
    type Err = S3UriError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text.strip_prefix(SCHEME).ok_or(S3UriError::Scheme)?;
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(S3UriError::NoBucket);
        }
        Ok(Self {
            bucket: bucket.into(),
            key: key.into(),
        })
    }
}

impl fmt::Display for S3Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}", self.bucket, self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_or_refused_in_words() {
        let uri = |bucket: &str, key: &str| S3Uri {
            bucket: bucket.into(),
            key: key.into(),
        };
        for (text, place, object) in [
            ("s3://b/k", Ok(uri("b", "k")), Ok(())),
            ("s3://b/a/b c/d.csv", Ok(uri("b", "a/b c/d.csv")), Ok(())),
            ("s3://b", Ok(uri("b", "")), Err(S3UriError::NoKey)),
            ("s3://b/", Ok(uri("b", "")), Err(S3UriError::NoKey)),
            (
                "s3://",
                Err(S3UriError::NoBucket),
                Err(S3UriError::NoBucket),
            ),
            (
                "s3:///k",
                Err(S3UriError::NoBucket),
                Err(S3UriError::NoBucket),
            ),
            ("S3://b/k", Err(S3UriError::Scheme), Err(S3UriError::Scheme)),
            ("b/k", Err(S3UriError::Scheme), Err(S3UriError::Scheme)),
            ("", Err(S3UriError::Scheme), Err(S3UriError::Scheme)),
        ] {
            assert_eq!(text.parse(), place, "{text}");
            assert_eq!(S3Uri::object(text).map(drop), object, "{text}");
        }
        assert_eq!(uri("b", "k/").join("x").to_string(), "s3://b/k/x");
    }
}

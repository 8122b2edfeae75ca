//! The answers of the stand-in for S3.

use std::borrow::Cow;

use bytes::Bytes;
use hyper::StatusCode;

use crate::s3::bucket::{PutRefusal, Version};
use crate::s3::call::Range;
use crate::s3::listing::element;

/// Where a bucket is that is in another Region.
const OTHER_REGION: &str = "eu-west-1";

/// An answer. A drop of `Silent` is up to the client.
#[derive(Debug)]
pub(crate) enum Answer {
    /// A status with headers and a body.
    Http {
        status: StatusCode,
        headers: Vec<(Cow<'static, str>, String)>,
        body: Bytes,
    },
    /// No answer comes.
    Silent,
}

impl Answer {
    /// A status and nothing else.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self::Http {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    /// An XML document.
    pub(crate) fn xml(document: String) -> Self {
        Self::Http {
            status: StatusCode::OK,
            headers: vec![("content-type".into(), "application/xml".to_owned())],
            body: document.into(),
        }
    }

    /// S3's error with this code.
    pub(crate) fn error(status: StatusCode, code: &str) -> Self {
        Self::error_with_message(status, code, "the stand-in for S3 says so")
    }

    fn error_with_message(status: StatusCode, code: &str, message: &str) -> Self {
        let (code, message) = (element("Code", code), element("Message", message));
        let body = format!("<Error>{code}{message}</Error>");
        Self::Http {
            status,
            headers: vec![("content-type".into(), "application/xml".to_owned())],
            body: body.into(),
        }
    }

    /// The role may read the object, but not use its key.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html>
    pub(crate) fn key_denied() -> Self {
        let message = "User: arn:aws:sts::123456789012:assumed-role/role/role is not authorized to \
                       perform: kms:Decrypt on resource: arn:aws:kms:us-east-1:123456789012:key/k \
                       because no identity-based policy allows the kms:Decrypt action";
        Self::error_with_message(StatusCode::FORBIDDEN, "AccessDenied", message)
    }

    /// The bucket is in another Region than the one that the client signs for.
    pub(crate) fn other_region() -> Self {
        let mut answer = Self::error(StatusCode::MOVED_PERMANENTLY, "PermanentRedirect");
        if let Self::Http { headers, .. } = &mut answer {
            headers.push(("x-amz-bucket-region".into(), OTHER_REGION.to_owned()));
        }
        answer
    }

    /// Whom a bucket tells of its events: `EventBridge` or nobody.
    pub(crate) fn notifications(tells_event_bridge: bool) -> Self {
        let configuration = if tells_event_bridge {
            "<EventBridgeConfiguration/>"
        } else {
            ""
        };
        let name = "NotificationConfiguration";
        Self::xml(format!("<{name}>{configuration}</{name}>"))
    }

    /// There is no such object.
    pub(crate) fn no_key() -> Self {
        Self::error(StatusCode::NOT_FOUND, "NoSuchKey")
    }

    /// The answer to a put that was not made.
    pub(crate) fn refused(refusal: PutRefusal) -> Self {
        match refusal {
            PutRefusal::Failed => {
                Self::error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed")
            }
            PutRefusal::Absent => Self::no_key(),
        }
    }

    /// The answer to a put that was made.
    pub(crate) fn put(version: &Version, keeps_versions: bool) -> Self {
        Self::Http {
            status: StatusCode::OK,
            headers: tags(version, keeps_versions),
            body: Bytes::new(),
        }
    }

    /// The answer to a copy that was made.
    pub(crate) fn copied(version: &Version) -> Self {
        let tag = element("ETag", &version.etag);
        Self::xml(format!("<CopyObjectResult>{tag}</CopyObjectResult>"))
    }

    /// An object, or a part of it.
    pub(crate) fn object(
        version: &Version,
        content: &Bytes,
        range: Option<Range>,
        keeps_versions: bool,
    ) -> Self {
        let mut headers = tags(version, keeps_versions);
        let length = content.len();
        let Some(range) = range else {
            headers.push(("content-length".into(), length.to_string()));
            return Self::Http {
                status: StatusCode::OK,
                headers,
                body: content.clone(),
            };
        };
        let (first, end) = match range {
            Range::From(first, last) => (first, last.map_or(length, |last| last + 1).min(length)),
            Range::Last(bytes) => (length.saturating_sub(bytes), length),
        };
        if first >= end {
            return Self::error(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange");
        }
        let last = end - 1;
        headers.push((
            "content-range".into(),
            format!("bytes {first}-{last}/{length}"),
        ));
        headers.push(("content-length".into(), (end - first).to_string()));
        Self::Http {
            status: StatusCode::PARTIAL_CONTENT,
            headers,
            body: content.slice(first..end),
        }
    }

    /// The object is the one that is known.
    pub(crate) fn not_modified(version: &Version) -> Self {
        Self::Http {
            status: StatusCode::NOT_MODIFIED,
            headers: tags(version, false),
            body: Bytes::new(),
        }
    }
}

fn tags(version: &Version, keeps_versions: bool) -> Vec<(Cow<'static, str>, String)> {
    let mut headers = vec![("etag".into(), version.etag.clone())];
    if keeps_versions {
        headers.push(("x-amz-version-id".into(), version.id.clone()));
    }
    let metadata = version.metadata.iter().cloned();
    headers.extend(metadata.map(|(name, value)| (name.into(), value)));
    headers
}

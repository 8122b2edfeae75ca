//! A request to S3, read from its method, its path, its query and its headers.

use hyper::header::{HeaderMap, HeaderName, IF_MATCH, IF_NONE_MATCH, RANGE};
use hyper::{Method, Uri};

use crate::s3::faults::S3Call;

/// A request to S3.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) action: Action,
    pub(crate) bucket: String,
    /// Empty for what is asked of a bucket.
    pub(crate) key: String,
    pub(crate) conditions: Conditions,
    /// What a client writes beside an object: the headers `x-amz-meta-…`, with their names.
    pub(crate) metadata: Vec<(String, String)>,
}

/// What is asked.
#[derive(Debug)]
pub(crate) enum Action {
    Get {
        version: Option<String>,
        range: Option<Range>,
        /// `HEAD`: everything but the body.
        is_head: bool,
    },
    Put,
    Copy(CopySource),
    Delete {
        version: Option<String>,
    },
    List(ListQuery),
    ListVersions {
        prefix: String,
    },
    /// Whom the bucket tells of its events.
    Notifications,
    CreateBucket,
}

/// Where a copy is made from.
#[derive(Debug)]
pub(crate) struct CopySource {
    pub(crate) bucket: String,
    pub(crate) key: String,
    /// The tag that it must have.
    pub(crate) if_match: Option<String>,
}

/// What must be true of the object.
#[derive(Debug, Default)]
pub(crate) struct Conditions {
    pub(crate) if_match: Option<String>,
    pub(crate) if_none_match: Option<String>,
}

/// The bytes that are asked for: the first and the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Range {
    /// From the first to the last, or to the end.
    From(usize, Option<usize>),
    /// So many at the end.
    Last(usize),
}

/// The parameters of `ListObjectsV2`.
#[derive(Debug, Default)]
pub(crate) struct ListQuery {
    pub(crate) prefix: String,
    pub(crate) delimiter: String,
    /// Entries begin behind this.
    pub(crate) after: String,
    pub(crate) max_keys: Option<usize>,
}

impl Call {
    /// Reads a request; `None` where it is none that the stand-in knows.
    pub(crate) fn read(method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<Self> {
        let path = uri.path().strip_prefix('/')?;
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        let query = Query(uri.query().unwrap_or_default());
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let unknown = ["uploads", "uploadId", "delete", "acl", "tagging"];
        if bucket.is_empty() || unknown.iter().any(|name| query.get(name).is_some()) {
            return None;
        }
        let version = || query.get("versionId");
        let action = match (method, key.is_empty()) {
            (&Method::GET | &Method::HEAD, false) => Action::Get {
                version: version(),
                range: header(RANGE).and_then(read_range),
                is_head: method == Method::HEAD,
            },
            (&Method::PUT, false) => match header(HeaderName::from_static("x-amz-copy-source")) {
                Some(source) => Action::Copy(copy_source(source, headers)?),
                None => Action::Put,
            },
            (&Method::DELETE, false) => Action::Delete { version: version() },
            (&Method::PUT, true) => Action::CreateBucket,
            (&Method::GET, true) if query.get("notification").is_some() => Action::Notifications,
            (&Method::GET, true) if query.get("versions").is_some() => Action::ListVersions {
                prefix: query.get("prefix").unwrap_or_default(),
            },
            (&Method::GET, true) => Action::List(query.list()),
            _ => return None,
        };
        Some(Self {
            action,
            bucket: percent_decode(bucket)?,
            key: percent_decode(key)?,
            conditions: Conditions {
                if_match: header(IF_MATCH).map(str::to_owned),
                if_none_match: header(IF_NONE_MATCH).map(str::to_owned),
            },
            metadata: metadata(headers),
        })
    }

    /// The request as a test sees it.
    pub(crate) fn seen(&self) -> S3Call {
        let (method, key) = match &self.action {
            Action::Get { is_head: true, .. } => ("HEAD", &self.key),
            Action::Get { .. } => ("GET", &self.key),
            Action::Put | Action::CreateBucket => ("PUT", &self.key),
            Action::Copy(_) => ("COPY", &self.key),
            Action::Delete { .. } => ("DELETE", &self.key),
            Action::List(query) => ("LIST", &query.prefix),
            Action::ListVersions { prefix } => ("LIST", prefix),
            Action::Notifications => ("NOTIFICATIONS", &self.key),
        };
        S3Call {
            method,
            bucket: self.bucket.clone(),
            key: key.clone(),
        }
    }

    /// Whether it is a put with a condition.
    pub(crate) fn is_conditional_put(&self) -> bool {
        let Conditions {
            if_match,
            if_none_match,
        } = &self.conditions;
        matches!(self.action, Action::Put) && (if_match.is_some() || if_none_match.is_some())
    }
}

/// Reads `BUCKET/KEY`, percent-encoded, and the condition beside it.
fn copy_source(source: &str, headers: &HeaderMap) -> Option<CopySource> {
    let source = source.strip_prefix('/').unwrap_or(source);
    let (bucket, key) = source.split_once('/')?;
    let if_match = headers.get("x-amz-copy-source-if-match");
    Some(CopySource {
        bucket: percent_decode(bucket)?,
        key: percent_decode(key)?,
        if_match: if_match.and_then(|tag| Some(tag.to_str().ok()?.to_owned())),
    })
}

fn metadata(headers: &HeaderMap) -> Vec<(String, String)> {
    let all = headers.iter();
    let ours = all.filter(|(name, _)| name.as_str().starts_with("x-amz-meta-"));
    ours.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
        .collect()
}

struct Query<'a>(&'a str);

impl Query<'_> {
    fn get(&self, wanted: &str) -> Option<String> {
        let mut fields = form_urlencoded::parse(self.0.as_bytes());
        fields.find_map(|(name, value)| (name == wanted).then(|| value.into_owned()))
    }

    fn list(&self) -> ListQuery {
        let text = |name: &str| self.get(name).unwrap_or_default();
        let after = self.get("continuation-token");
        ListQuery {
            prefix: text("prefix"),
            delimiter: text("delimiter"),
            after: after.unwrap_or_else(|| text("start-after")),
            max_keys: self.get("max-keys").and_then(|number| number.parse().ok()),
        }
    }
}

/// Reads `bytes=0-99`, `bytes=100-` or `bytes=-100`. What is none of these is left out, as S3 does.
fn read_range(text: &str) -> Option<Range> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    match (first.parse(), last.parse()) {
        (Ok(first), Ok(last)) => Some(Range::From(first, Some(last))),
        (Ok(first), Err(_)) if last.is_empty() => Some(Range::From(first, None)),
        (Err(_), Ok(last)) if first.is_empty() => Some(Range::Last(last)),
        _ => None,
    }
}

/// Unlike in a form, a plus is a plus.
fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first == b'%' {
            let (digits, after) = rest.split_at_checked(2)?;
            let digits = std::str::from_utf8(digits).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = after;
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_decoded_once() {
        assert_eq!(percent_decode("a+b%2Fc%2540").as_deref(), Some("a+b/c%40"));
        for wrong in ["%", "%4", "%xy", "%FF"] {
            assert_eq!(percent_decode(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn ranges_are_read_in_every_form() {
        for (text, range) in [
            ("bytes=0-99", Some(Range::From(0, Some(99)))),
            ("bytes=100-", Some(Range::From(100, None))),
            ("bytes=-5", Some(Range::Last(5))),
            ("bytes=-", None),
            ("bytes=a-b", None),
            ("0-99", None),
        ] {
            assert_eq!(read_range(text), range, "{text}");
        }
    }
}

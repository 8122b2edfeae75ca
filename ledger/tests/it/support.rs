//! A stand-in for S3 that compares before it puts, and folders that are gone afterwards.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use fanline_core::s3_uri::S3Uri;
use fanline_ledger::{Bucket, Folder, Store};
use sha2::{Digest, Sha256};

/// What S3 does with one put.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// Somebody else's put is under way: 409, nothing is put.
    PutUnderWay,
    /// It is put, and the answer says that the service failed.
    LostAnswer,
    /// Nothing is put: 503.
    Unavailable,
    /// Nothing is put: 403.
    Denied,
}

type Script = Box<dyn FnMut(&str) -> Option<Fault> + Send>;

/// A bucket service at an address of its own.
#[derive(Clone)]
pub(crate) struct S3 {
    pub(crate) url: String,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    /// By bucket and key.
    objects: BTreeMap<String, Bytes>,
    /// Asked about each put, with the key.
    script: Option<Script>,
    /// Method and path of each request.
    requests: Vec<String>,
}

impl S3 {
    pub(crate) async fn start() -> Self {
        let inner = Arc::new(Mutex::new(Inner::default()));
        let app = Router::new()
            .route("/{bucket}", get(list))
            .route("/{bucket}/", get(list))
            .route("/{bucket}/{*key}", any(object))
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::clone(&inner));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, inner }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// From now on S3 asks `script` about each put.
    pub(crate) fn script(&self, script: impl FnMut(&str) -> Option<Fault> + Send + 'static) {
        self.inner().script = Some(Box::new(script));
    }

    pub(crate) fn object(&self, path: &str) -> Option<Bytes> {
        self.inner().objects.get(path).cloned()
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.inner().requests.clone()
    }

    pub(crate) fn config(&self) -> SdkConfig {
        let retries = RetryConfig::standard().with_initial_backoff(Duration::from_millis(1));
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(&self.url)
            .retry_config(retries)
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "test", "test", None, None, "test",
            )))
            .build()
    }

    /// A store in a bucket of this service, below a prefix.
    pub(crate) fn store(&self) -> Store {
        let place = S3Uri {
            bucket: "b".into(),
            key: "stack".into(),
        };
        Store::Bucket(Bucket::new(&self.config(), place))
    }
}

type Shared = State<Arc<Mutex<Inner>>>;

async fn object(
    State(inner): Shared,
    Path((bucket, key)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut inner = inner.lock().unwrap();
    inner.requests.push(format!("{method} {bucket}/{key}"));
    match bucket.as_str() {
        "missing" => return xml(StatusCode::NOT_FOUND, "NoSuchBucket"),
        "forbidden" => return xml(StatusCode::FORBIDDEN, "AccessDenied"),
        _ => {}
    }
    let path = format!("{bucket}/{key}");
    match method {
        Method::GET => read(inner.objects.get(&path), &headers),
        Method::PUT => {
            let fault = inner.script.as_mut().and_then(|script| script(&key));
            write(&mut inner.objects, path, &headers, body, fault)
        }
        Method::DELETE => {
            inner.objects.remove(&path);
            StatusCode::NO_CONTENT.into_response()
        }
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

fn read(object: Option<&Bytes>, headers: &HeaderMap) -> Response {
    let Some(bytes) = object else {
        return xml(StatusCode::NOT_FOUND, "NoSuchKey");
    };
    let etag = etag(bytes);
    if header(headers, "if-none-match") == Some(&etag) {
        return (StatusCode::NOT_MODIFIED, [("etag", etag)]).into_response();
    }
    let Some(range) = header(headers, "range") else {
        return ([("etag", etag)], bytes.clone()).into_response();
    };
    let last: usize = range.strip_prefix("bytes=0-").unwrap().parse().unwrap();
    if bytes.is_empty() {
        return xml(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange");
    }
    let part = bytes.slice(..bytes.len().min(last + 1));
    (StatusCode::PARTIAL_CONTENT, [("etag", etag)], part).into_response()
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>
fn write(
    objects: &mut BTreeMap<String, Bytes>,
    path: String,
    headers: &HeaderMap,
    body: Bytes,
    fault: Option<Fault>,
) -> Response {
    assert!(
        header(headers, "content-encoding").is_none(),
        "the body is plain"
    );
    match fault {
        Some(Fault::PutUnderWay) => {
            return xml(StatusCode::CONFLICT, "ConditionalRequestConflict");
        }
        Some(Fault::Unavailable) => {
            return xml(StatusCode::SERVICE_UNAVAILABLE, "SlowDown");
        }
        Some(Fault::Denied) => return xml(StatusCode::FORBIDDEN, "AccessDenied"),
        Some(Fault::LostAnswer) | None => {}
    }
    let now = objects.get(&path).map(etag);
    if header(headers, "if-none-match") == Some("*") && now.is_some() {
        return xml(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
    }
    if let Some(expected) = header(headers, "if-match") {
        match now {
            None => return xml(StatusCode::NOT_FOUND, "NoSuchKey"),
            Some(now) if now != expected => {
                return xml(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
            }
            Some(_) => {}
        }
    }
    let etag = etag(&body);
    objects.insert(path, body);
    match fault {
        Some(Fault::LostAnswer) => xml(StatusCode::INTERNAL_SERVER_ERROR, "InternalError"),
        _ => (StatusCode::OK, [("etag", etag)]).into_response(),
    }
}

/// Objects are listed three at a time, so that every listing of more has pages.
async fn list(
    State(inner): Shared,
    Path(bucket): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    if bucket == "missing" {
        return xml(StatusCode::NOT_FOUND, "NoSuchBucket");
    }
    let query = query.unwrap();
    let value = |wanted: &str| {
        let mut fields = form_urlencoded::parse(query.as_bytes());
        fields.find_map(|(name, value)| (name == wanted).then(|| value.into_owned()))
    };
    let prefix = format!("{bucket}/{}", value("prefix").unwrap());
    let after = value("continuation-token").unwrap_or_default();
    let inner = inner.lock().unwrap();
    // With a delimiter, all keys that go on behind it are one entry.
    let delimited = value("delimiter").is_some();
    let mut entries: BTreeMap<String, Option<usize>> = BTreeMap::new();
    for (path, bytes) in inner.objects.range(prefix.clone()..) {
        let Some(name) = path.strip_prefix(&prefix) else {
            break;
        };
        match name.split_once('/').filter(|_| delimited) {
            Some((folder, _)) => entries.insert(format!("{prefix}{folder}/"), None),
            None => entries.insert(path.clone(), Some(bytes.len())),
        };
    }
    let mut found = entries
        .range(after.clone()..)
        .filter(|(path, _)| **path > after)
        .peekable();
    let mut contents = String::new();
    let mut last = String::new();
    for (path, bytes) in found.by_ref().take(3) {
        let key = path.strip_prefix(&format!("{bucket}/")).unwrap();
        let entry = match bytes {
            Some(size) => format!("<Contents><Key>{key}</Key><Size>{size}</Size></Contents>"),
            None => format!("<CommonPrefixes><Prefix>{key}</Prefix></CommonPrefixes>"),
        };
        contents.push_str(&entry);
        last.clone_from(path);
    }
    let more = found.peek().is_some();
    let token = if more {
        format!("<NextContinuationToken>{last}</NextContinuationToken>")
    } else {
        String::new()
    };
    let body = format!(
        "<ListBucketResult><IsTruncated>{more}</IsTruncated>{contents}{token}</ListBucketResult>"
    );
    ([("content-type", "application/xml")], body).into_response()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap())
}

fn etag(bytes: &Bytes) -> String {
    let digest = Sha256::digest(bytes);
    format!(
        "\"{:02x}{:02x}{:02x}{:02x}\"",
        digest[0], digest[1], digest[2], digest[3]
    )
}

fn xml(status: StatusCode, code: &str) -> Response {
    let body = format!("<Error><Code>{code}</Code><Message>as told</Message></Error>");
    (status, [("content-type", "application/xml")], body).into_response()
}

/// A folder that is deleted at the end of its test.
pub(crate) struct TestFolder(pub(crate) PathBuf);

impl TestFolder {
    pub(crate) fn new() -> Self {
        let name = format!("ledger-{:032x}", rand::random::<u128>());
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn store(&self) -> Store {
        Store::Folder(Folder::new(self.0.join("stack")))
    }
}

impl Drop for TestFolder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

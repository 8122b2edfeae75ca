//! The far ends at one address: a queue that can be told to fail, and an S3 with a few buckets.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// What the queue does with one request.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// It takes nothing, and says that it is throttled.
    Throttle,
    /// It takes nothing, and the server fails.
    Unavailable,
    /// It takes everything, and the answer breaks off.
    LostAnswer,
    /// It takes everything, but only at this time.
    TakeAt(Timestamp),
    /// It does not take these entries, by its own fault.
    Fail(Vec<usize>),
    /// It does not take these entries, and never will.
    Refuse(Vec<usize>),
}

/// Decides about a request, from the bodies in it.
pub(super) type Script = Box<dyn FnMut(&[String]) -> Option<Fault> + Send>;

/// Changes the objects.
pub(super) type Edit = Box<dyn FnMut(&mut Objects) + Send>;

/// Objects by bucket and key.
pub(crate) type Objects = BTreeMap<String, Vec<u8>>;

/// What the queue and the S3 hold.
#[derive(Default)]
pub(super) struct Contents {
    /// Every entry that was taken, by queue, as it was sent.
    pub(super) taken: BTreeMap<String, Vec<Value>>,
    pub(super) requests: u64,
    pub(super) script: Option<Script>,
    pub(super) objects: Objects,
    /// Every version of the objects in the bucket `versioned`, by path and version ID.
    versions: BTreeMap<(String, String), Vec<u8>>,
    /// Runs before each read of an object.
    pub(super) before_read: Option<Edit>,
}

type Shared = State<Arc<Mutex<Contents>>>;

/// Starts the server. Returns its address.
pub(super) async fn start(contents: Arc<Mutex<Contents>>) -> String {
    let app = Router::new()
        .route("/", post(send_message_batch))
        .route("/{bucket}/{*key}", get(get_object).put(put_object))
        .layer(DefaultBodyLimit::disable())
        .with_state(contents);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    url
}

async fn send_message_batch(State(contents): Shared, body: Bytes) -> Response {
    let request: Value = serde_json::from_slice(&body).unwrap();
    let entries = request["Entries"].as_array().unwrap();
    let bodies: Vec<String> = entries
        .iter()
        .map(|entry| entry["MessageBody"].as_str().unwrap().to_owned())
        .collect();
    let bytes: usize = bodies.iter().map(String::len).sum();
    assert!(
        (1..=10).contains(&entries.len()) && bytes <= 1_048_576,
        "{} entries of {bytes} bytes are over the limit",
        entries.len()
    );
    let fault = {
        let mut contents = contents.lock().unwrap();
        contents.requests += 1;
        contents.script.as_mut().and_then(|script| script(&bodies))
    };
    match fault {
        Some(Fault::Throttle) => refuse(StatusCode::BAD_REQUEST, "RequestThrottled"),
        Some(Fault::Unavailable) => refuse(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable"),
        Some(Fault::LostAnswer) => {
            take(&contents, &request, &[], false);
            let broken = futures_util::stream::iter([
                Ok(Bytes::from("{\"Succ")),
                Err(std::io::Error::other("broken off")),
            ]);
            Body::from_stream(broken).into_response()
        }
        Some(Fault::TakeAt(time)) => {
            let wait = Timestamp::now().duration_until(time);
            tokio::time::sleep(wait.max(SignedDuration::ZERO).unsigned_abs()).await;
            take(&contents, &request, &[], false)
        }
        Some(Fault::Fail(positions)) => take(&contents, &request, &positions, false),
        Some(Fault::Refuse(positions)) => take(&contents, &request, &positions, true),
        None => take(&contents, &request, &[], false),
    }
}

/// Takes the entries of a request, but not those at these positions.
fn take(
    contents: &Mutex<Contents>,
    request: &Value,
    failed: &[usize],
    sender_fault: bool,
) -> Response {
    let url = request["QueueUrl"].as_str().unwrap();
    let queue = url.rsplit('/').next().unwrap().to_owned();
    let mut contents = contents.lock().unwrap();
    let taken = contents.taken.entry(queue).or_default();
    let mut answer = json!({"Successful": [], "Failed": []});
    for (i, entry) in request["Entries"].as_array().unwrap().iter().enumerate() {
        let (list, result) = if failed.contains(&i) {
            let error = json!({
                "Id": entry["Id"], "Code": "Scripted", "Message": "as told",
                "SenderFault": sender_fault,
            });
            ("Failed", error)
        } else {
            taken.push(entry.clone());
            let success = json!({"Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": "0"});
            ("Successful", success)
        };
        answer[list].as_array_mut().unwrap().push(result);
    }
    ([JSON], answer.to_string()).into_response()
}

const JSON: (&str, &str) = ("content-type", "application/x-amz-json-1.0");

fn refuse(status: StatusCode, code: &str) -> Response {
    let body = json!({"__type": format!("com.amazonaws.sqs#{code}"), "message": "as told"});
    (status, [JSON], body.to_string()).into_response()
}

async fn get_object(
    State(contents): Shared,
    Path((bucket, key)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let mut contents = contents.lock().unwrap();
    let contents = &mut *contents;
    if let Some(edit) = &mut contents.before_read {
        edit(&mut contents.objects);
    }
    match bucket.as_str() {
        "missing" => return xml(StatusCode::NOT_FOUND, "NoSuchBucket"),
        "forbidden" => return xml(StatusCode::FORBIDDEN, "AccessDenied"),
        _ => {}
    }
    let path = format!("{bucket}/{key}");
    let newest = contents.objects.get(&path);
    if let Some(bytes) = newest.filter(|_| bucket == "versioned") {
        let version = (path.clone(), version_id(bytes));
        contents.versions.insert(version, bytes.clone());
    }
    let query = query.unwrap_or_default();
    let version = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("versionId="));
    let bytes = match version {
        Some(id) => contents.versions.get(&(path, id.to_owned())),
        None => newest,
    };
    let Some(bytes) = bytes else {
        return xml(StatusCode::NOT_FOUND, "NoSuchKey");
    };
    let etag = etag(bytes);
    if headers
        .get("if-match")
        .is_some_and(|wanted| wanted != etag.as_str())
    {
        return xml(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
    }
    let mut answer = match headers.get("range") {
        Some(range) => part_of(bytes, range.to_str().unwrap()),
        None => bytes.clone().into_response(),
    };
    if bucket != "no-etag" {
        answer.headers_mut().insert("etag", etag.parse().unwrap());
    }
    if bucket == "versioned" {
        let id = version_id(bytes).parse().unwrap();
        answer.headers_mut().insert("x-amz-version-id", id);
    }
    answer
}

/// The bytes of a range such as `bytes=0-99`.
fn part_of(bytes: &[u8], range: &str) -> Response {
    let (start, end) = range
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
        .unwrap();
    let start: usize = start.parse().unwrap();
    let end = bytes.len().min(end.parse::<usize>().unwrap() + 1);
    if start >= bytes.len() {
        return xml(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange");
    }
    let range = format!("bytes {start}-{}/{}", end - 1, bytes.len());
    let part = bytes[start..end].to_vec();
    (
        StatusCode::PARTIAL_CONTENT,
        [("content-range", range)],
        part,
    )
        .into_response()
}

fn etag(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("\"{:x}\"", hasher.finish())
}

/// The version of these bytes.
fn version_id(bytes: &[u8]) -> String {
    format!("v{}", etag(bytes).trim_matches('"'))
}

async fn put_object(
    State(contents): Shared,
    Path((bucket, key)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if bucket == "read-only" {
        return xml(StatusCode::FORBIDDEN, "AccessDenied");
    }
    let mut contents = contents.lock().unwrap();
    let path = format!("{bucket}/{key}");
    if headers.contains_key("if-none-match") && contents.objects.contains_key(&path) {
        return xml(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
    }
    let tag = etag(&body);
    contents.objects.insert(path, body.to_vec());
    [("etag", tag)].into_response()
}

fn xml(status: StatusCode, code: &str) -> Response {
    let body = format!(
        "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>as told</Message></Error>"
    );
    (status, body).into_response()
}

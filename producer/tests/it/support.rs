//! A world to send into: a queue that can be told to fail, and an S3 with a few buckets.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use async_compression::tokio::write::GzipEncoder;
use aws_config::{BehaviorVersion, Region, SdkConfig, timeout::TimeoutConfig};
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use fanline_core::delivery::Delivery;
use fanline_producer::{Producer, Settings};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

/// What the queue does with one request.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// Nothing is taken and the answer says so.
    Throttle,
    /// Nothing is taken, the server fails.
    Unavailable,
    /// Everything is taken, and the answer breaks off.
    LostAnswer,
    /// These entries are not taken; it is the queue's fault.
    Fail(Vec<usize>),
    /// These entries are not taken, and never will be.
    Refuse(Vec<usize>),
}

/// Decides about a request from the bodies in it.
type Script = Box<dyn FnMut(&[String]) -> Option<Fault> + Send>;

/// Changes the objects.
type Edit = Box<dyn FnMut(&mut BTreeMap<String, Vec<u8>>) + Send>;

/// A queue service and an object store at one address.
pub(crate) struct World {
    pub(crate) url: String,
    state: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    /// Every entry taken, by queue, as it was sent.
    taken: BTreeMap<String, Vec<Value>>,
    requests: u64,
    script: Option<Script>,
    objects: BTreeMap<String, Vec<u8>>,
    /// Runs before each read of an object.
    before_read: Option<Edit>,
}

type Shared = State<Arc<Mutex<Inner>>>;

impl World {
    pub(crate) async fn start() -> Self {
        let state = Arc::new(Mutex::new(Inner::default()));
        let app = Router::new()
            .route("/", post(send))
            .route("/{bucket}/{*key}", get(object).put(put_object))
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::clone(&state));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, state }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.state.lock().unwrap()
    }

    /// From now on the queue asks `script` about each request.
    pub(crate) fn script(&self, script: impl FnMut(&[String]) -> Option<Fault> + Send + 'static) {
        self.inner().script = Some(Box::new(script));
    }

    pub(crate) fn before_read(
        &self,
        edit: impl FnMut(&mut BTreeMap<String, Vec<u8>>) + Send + 'static,
    ) {
        self.inner().before_read = Some(Box::new(edit));
    }

    pub(crate) fn put(&self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.inner().objects.insert(path.into(), bytes.into());
    }

    pub(crate) fn object(&self, path: &str) -> Option<String> {
        self.inner()
            .objects
            .get(path)
            .map(|bytes| String::from_utf8(bytes.clone()).unwrap())
    }

    /// The entries that the queue has taken, in the order in which they came.
    pub(crate) fn entries(&self, queue: &str) -> Vec<Value> {
        self.inner().taken.get(queue).cloned().unwrap_or_default()
    }

    pub(crate) fn bodies(&self, queue: &str) -> Vec<String> {
        self.entries(queue)
            .iter()
            .map(|entry| entry["MessageBody"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The slices on the slice queue, as Lambda would hand them over; they are taken off it.
    pub(crate) fn take_slices(&self) -> Vec<Value> {
        let slices = self.inner().taken.remove("slices").unwrap_or_default();
        slices
            .iter()
            .map(|slice| json!({"Records": [{"messageId": "1", "body": slice["MessageBody"]}]}))
            .collect()
    }

    /// The distinct deliveries on the delivery queue: what LINE would be sent, whatever came twice.
    pub(crate) fn deliveries(&self) -> Vec<Delivery> {
        let bodies: BTreeSet<String> = self.bodies("deliveries").into_iter().collect();
        bodies
            .iter()
            .map(|body| Delivery::decode(body).unwrap())
            .collect()
    }

    /// Who gets what, each pair as often as a distinct delivery holds it.
    pub(crate) fn sent(&self) -> Vec<(String, String)> {
        let mut sent: Vec<(String, String)> = self
            .deliveries()
            .iter()
            .flat_map(|delivery| {
                let messages = delivery.messages().get().to_owned();
                delivery
                    .recipients
                    .iter()
                    .map(move |to| (to.clone(), messages.clone()))
                    .collect::<Vec<_>>()
            })
            .collect();
        sent.sort();
        sent
    }

    pub(crate) fn requests(&self) -> u64 {
        self.inner().requests
    }

    pub(crate) fn config(&self) -> SdkConfig {
        config(&self.url)
    }

    /// A producer with these settings besides the delivery queue's.
    pub(crate) fn producer(&self, settings: &[(&str, &str)]) -> Producer {
        Producer::new(self.settings(settings), &self.config()).with_local_files()
    }

    pub(crate) fn settings(&self, settings: &[(&str, &str)]) -> Settings {
        let url = &self.url;
        Settings::from_lookup(|name| {
            let set = settings
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned());
            match name {
                "DELIVERY_QUEUE_URL" => set.or_else(|| Some(format!("{url}/0/deliveries"))),
                "SLICE_QUEUE_URL" => set.map(|name| format!("{url}/0/{name}")),
                _ => set,
            }
        })
        .unwrap()
    }
}

/// The SDK's settings for stand-ins at one address.
pub(crate) fn config(url: &str) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(url)
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "key", "secret", None, None, "test",
        )))
        .timeout_config(TimeoutConfig::builder().build())
        .build()
}

async fn send(State(state): Shared, body: Bytes) -> Response {
    let request: Value = serde_json::from_slice(&body).unwrap();
    let queue = request["QueueUrl"]
        .as_str()
        .unwrap()
        .rsplit('/')
        .next()
        .unwrap()
        .to_owned();
    let entries = request["Entries"].as_array().unwrap();
    let bodies: Vec<String> = entries
        .iter()
        .map(|entry| entry["MessageBody"].as_str().unwrap().to_owned())
        .collect();
    assert!(
        (1..=10).contains(&entries.len()),
        "{} entries",
        entries.len()
    );
    let bytes: usize = bodies.iter().map(String::len).sum();
    assert!(bytes <= 1_048_576, "{bytes} bytes");

    let mut state = state.lock().unwrap();
    state.requests += 1;
    let fault = state.script.as_mut().and_then(|script| script(&bodies));
    let (failed, sender_fault): (Vec<usize>, bool) = match &fault {
        Some(Fault::Throttle) => return refusal(StatusCode::BAD_REQUEST, "RequestThrottled"),
        Some(Fault::Unavailable) => {
            return refusal(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable");
        }
        Some(Fault::Fail(failed)) => (failed.clone(), false),
        Some(Fault::Refuse(failed)) => (failed.clone(), true),
        Some(Fault::LostAnswer) | None => (Vec::new(), false),
    };
    let mut answer = json!({"Successful": [], "Failed": []});
    let taken = state.taken.entry(queue).or_default();
    for (i, entry) in entries.iter().enumerate() {
        let (list, verdict) = if failed.contains(&i) {
            (
                "Failed",
                json!({"Id": entry["Id"], "Code": "Scripted", "Message": "as told", "SenderFault": sender_fault}),
            )
        } else {
            taken.push(entry.clone());
            (
                "Successful",
                json!({"Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": "0"}),
            )
        };
        answer[list].as_array_mut().unwrap().push(verdict);
    }
    if matches!(fault, Some(Fault::LostAnswer)) {
        let broken = futures_util::stream::iter([
            Ok(Bytes::from("{\"Succ")),
            Err(std::io::Error::other("broken off")),
        ]);
        return Body::from_stream(broken).into_response();
    }
    (
        [("content-type", "application/x-amz-json-1.0")],
        answer.to_string(),
    )
        .into_response()
}

fn refusal(status: StatusCode, code: &str) -> Response {
    let body = json!({"__type": format!("com.amazonaws.sqs#{code}"), "message": "as told"});
    (
        status,
        [("content-type", "application/x-amz-json-1.0")],
        body.to_string(),
    )
        .into_response()
}

fn etag(bytes: &[u8]) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("\"{:x}\"", hasher.finish())
}

async fn object(
    State(state): Shared,
    Path((bucket, key)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let mut inner = state.lock().unwrap();
    let inner = &mut *inner;
    if let Some(edit) = &mut inner.before_read {
        edit(&mut inner.objects);
    }
    match bucket.as_str() {
        "missing" => return xml(StatusCode::NOT_FOUND, "NoSuchBucket"),
        "forbidden" => return xml(StatusCode::FORBIDDEN, "AccessDenied"),
        _ => {}
    }
    let Some(bytes) = inner.objects.get(&format!("{bucket}/{key}")) else {
        return xml(StatusCode::NOT_FOUND, "NoSuchKey");
    };
    let etag = etag(bytes);
    if headers
        .get("if-match")
        .is_some_and(|wanted| wanted != etag.as_str())
    {
        return xml(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
    }
    let Some(range) = headers.get("range") else {
        return ([("etag", etag)], bytes.clone()).into_response();
    };
    let (start, end) = range
        .to_str()
        .unwrap()
        .strip_prefix("bytes=")
        .unwrap()
        .split_once('-')
        .unwrap();
    let start: usize = start.parse().unwrap();
    let end = bytes.len().min(end.parse::<usize>().unwrap() + 1);
    if start >= bytes.len() {
        return xml(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange");
    }
    let content_range = format!("bytes {start}-{}/{}", end - 1, bytes.len());
    let part = bytes[start..end].to_vec();
    let mut answer = (
        StatusCode::PARTIAL_CONTENT,
        [("etag", etag), ("content-range", content_range)],
        part,
    )
        .into_response();
    if bucket == "no-etag" {
        answer.headers_mut().remove("etag");
    }
    answer
}

async fn put_object(
    State(state): Shared,
    Path((bucket, key)): Path<(String, String)>,
    body: Bytes,
) -> StatusCode {
    if bucket == "read-only" {
        return StatusCode::FORBIDDEN;
    }
    state
        .lock()
        .unwrap()
        .objects
        .insert(format!("{bucket}/{key}"), body.to_vec());
    StatusCode::OK
}

fn xml(status: StatusCode, code: &str) -> Response {
    (
        status,
        format!(
            "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>as told</Message></Error>"
        ),
    )
        .into_response()
}

/// A LINE user's ID.
pub(crate) fn user(n: usize) -> String {
    format!("U{n:032x}")
}

/// A campaign that greets by name; the fields of `more` are added or put in place of others.
pub(crate) fn campaign(recipients: &Value, more: &Value) -> Value {
    let mut campaign = json!({
        "campaign": "xmas",
        "channel": "line",
        "recipients": recipients,
        "messages": [{"type": "text", "text": "Hi {{ name }}"}],
        "scheduled_time": "2026-12-25T00:00:00Z",
    });
    campaign
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    campaign
}

/// What a person with this name gets from [`campaign`].
pub(crate) fn greeting(name: &str) -> String {
    json!([{"text": format!("Hi {name}"), "type": "text"}]).to_string()
}

/// Packs bytes as `gzip` does.
pub(crate) async fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzipEncoder::new(Vec::new());
    encoder.write_all(bytes).await.unwrap();
    encoder.shutdown().await.unwrap();
    encoder.into_inner()
}

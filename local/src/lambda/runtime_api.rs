//! Lambda's Runtime API for one process: an address of its own, so that whoever calls there is that process.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

/// An answer has 6 MB at most.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const MAX_ANSWER: usize = 6 * 1_048_576;

/// Takes what the process answers to one invocation.
pub(crate) type Reply = oneshot::Sender<Result<Bytes, FunctionError>>;

/// One invocation, on its way to the process.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) id: Uuid,
    pub(crate) payload: Bytes,
    /// In milliseconds since the epoch.
    pub(crate) deadline: u64,
    pub(crate) reply: Reply,
}

/// What the process says went wrong.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct FunctionError {
    pub(crate) error_type: String,
    pub(crate) error_message: String,
}

/// How far the process is.
#[derive(Clone, Debug)]
pub(crate) enum Init {
    Starting,
    /// It has asked for its first invocation.
    Ready,
    Failed(FunctionError),
}

/// The API of one process. Dropped, it is closed.
#[derive(Debug)]
pub(crate) struct RuntimeApi {
    /// `host:port`, for `AWS_LAMBDA_RUNTIME_API`.
    pub(crate) address: SocketAddr,
    pub(crate) work: mpsc::Sender<Work>,
    pub(crate) init: watch::Receiver<Init>,
    serving: tokio::task::AbortHandle,
}

struct Shared {
    arn: String,
    waiting: tokio::sync::Mutex<mpsc::Receiver<Work>>,
    running: Mutex<Option<(Uuid, Reply)>>,
    init: watch::Sender<Init>,
}

impl RuntimeApi {
    /// Opens the API on a free port of 127.0.0.1.
    pub(crate) async fn open(arn: String) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (work, waiting) = mpsc::channel(1);
        let (starting, init) = watch::channel(Init::Starting);
        let shared = Arc::new(Shared {
            arn,
            waiting: tokio::sync::Mutex::new(waiting),
            running: Mutex::new(None),
            init: starting,
        });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route(
                "/2018-06-01/runtime/invocation/{id}/response",
                post(response),
            )
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            .layer(DefaultBodyLimit::max(MAX_ANSWER))
            .with_state(shared);
        let serving = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::warn!(%error, "a runtime API closed");
            }
        });
        Ok(Self {
            address,
            work,
            init,
            serving: serving.abort_handle(),
        })
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn next(State(shared): State<Arc<Shared>>) -> Response {
    shared.init.send_replace(Init::Ready);
    let Some(work) = shared.waiting.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let header = HeaderName::from_static;
    let headers = [
        (header("lambda-runtime-aws-request-id"), work.id.to_string()),
        (
            header("lambda-runtime-deadline-ms"),
            work.deadline.to_string(),
        ),
        (
            header("lambda-runtime-invoked-function-arn"),
            shared.arn.clone(),
        ),
        (header("lambda-runtime-trace-id"), trace_id(work.id)),
        (header("content-type"), "application/json".to_owned()),
    ];
    *shared
        .running
        .lock()
        .unwrap_or_else(PoisonError::into_inner) = Some((work.id, work.reply));
    (headers, work.payload).into_response()
}

/// A trace that is not sampled, in the form that Lambda gives.
fn trace_id(id: Uuid) -> String {
    let digits = id.simple().to_string();
    let (first, rest) = digits.split_at(8);
    format!(
        "Root=1-{first}-{};Parent={};Sampled=0",
        rest.split_at(24).0,
        digits.split_at(16).0
    )
}

async fn response(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    body: Bytes,
) -> (StatusCode, &'static str) {
    settle(&shared, &id, Ok(body))
}

async fn error(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    body: Bytes,
) -> (StatusCode, &'static str) {
    settle(&shared, &id, Err(read(&body)))
}

async fn init_error(State(shared): State<Arc<Shared>>, body: Bytes) -> (StatusCode, &'static str) {
    shared.init.send_replace(Init::Failed(read(&body)));
    (StatusCode::ACCEPTED, r#"{"status":"OK"}"#)
}

fn settle(
    shared: &Shared,
    id: &str,
    answer: Result<Bytes, FunctionError>,
) -> (StatusCode, &'static str) {
    let mut running = shared
        .running
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    match running.take_if(|(running, _)| id.parse() == Ok(*running)) {
        Some((_, reply)) => {
            // Nobody waits for it any more where the invocation ran out of time in this very moment.
            drop(reply.send(answer));
            (StatusCode::ACCEPTED, r#"{"status":"OK"}"#)
        }
        None => (
            StatusCode::BAD_REQUEST,
            r#"{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}"#,
        ),
    }
}

fn read(body: &[u8]) -> FunctionError {
    serde_json::from_slice(body).unwrap_or_else(|_| FunctionError {
        error_type: "Unknown".to_owned(),
        error_message: "the function's error is not JSON".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_id_has_the_form_that_lambda_gives() {
        assert_eq!(
            trace_id(Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef)),
            "Root=1-01234567-89abcdef0123456789abcdef;Parent=0123456789abcdef;Sampled=0"
        );
    }
}

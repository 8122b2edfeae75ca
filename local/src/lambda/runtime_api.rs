//! Lambda's Runtime API for one process. Each process has an address of its own.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

/// An answer has at most 6 MB.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const MAX_ANSWER_BYTES: usize = 6 * 1_048_576;

/// Takes the process's answer to one invocation.
pub(crate) type ReplySender = oneshot::Sender<Result<Bytes, FunctionError>>;

/// An invocation that the process has not asked for yet.
#[derive(Debug)]
pub(crate) struct PendingInvocation {
    pub(crate) id: Uuid,
    pub(crate) payload: Bytes,
    /// In milliseconds since the Unix epoch.
    pub(crate) deadline: i64,
    pub(crate) reply: ReplySender,
}

/// An error that the process reports.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct FunctionError {
    pub(crate) error_type: String,
    pub(crate) error_message: String,
}

/// How far the process is.
#[derive(Clone, Debug)]
pub(crate) enum InitState {
    Starting,
    /// The process has asked for its first invocation.
    Ready,
    Failed(FunctionError),
}

/// The API of one process. A drop closes it.
#[derive(Debug)]
pub(crate) struct RuntimeApi {
    /// `host:port`, for `AWS_LAMBDA_RUNTIME_API`.
    pub(crate) address: SocketAddr,
    pub(crate) invocations: mpsc::Sender<PendingInvocation>,
    pub(crate) init: watch::Receiver<InitState>,
    serving: tokio::task::AbortHandle,
}

struct ApiState {
    arn: String,
    pending: tokio::sync::Mutex<mpsc::Receiver<PendingInvocation>>,
    running: Mutex<Option<(Uuid, ReplySender)>>,
    init: watch::Sender<InitState>,
}

impl RuntimeApi {
    /// Opens the API on a free port of 127.0.0.1.
    pub(crate) async fn open(arn: String) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (invocations, pending) = mpsc::channel(1);
        let (starting, init) = watch::channel(InitState::Starting);
        let state = Arc::new(ApiState {
            arn,
            pending: tokio::sync::Mutex::new(pending),
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
            .layer(DefaultBodyLimit::max(MAX_ANSWER_BYTES))
            .with_state(state);
        let serving = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::warn!(%error, "runtime API closed");
            }
        });
        Ok(Self {
            address,
            invocations,
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

async fn next(State(state): State<Arc<ApiState>>) -> Response {
    state.init.send_replace(InitState::Ready);
    let Some(invocation) = state.pending.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let header = HeaderName::from_static;
    let headers = [
        (
            header("lambda-runtime-aws-request-id"),
            invocation.id.to_string(),
        ),
        (
            header("lambda-runtime-deadline-ms"),
            invocation.deadline.to_string(),
        ),
        (
            header("lambda-runtime-invoked-function-arn"),
            state.arn.clone(),
        ),
        (header("lambda-runtime-trace-id"), trace_id(invocation.id)),
        (header("content-type"), "application/json".to_owned()),
    ];
    *state.running.lock() = Some((invocation.id, invocation.reply));
    (headers, invocation.payload).into_response()
}

/// A trace id that is not sampled, in Lambda's form.
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
    State(state): State<Arc<ApiState>>,
    Path(id): Path<String>,
    body: Bytes,
) -> (StatusCode, &'static str) {
    reply(&state, &id, Ok(body))
}

async fn error(
    State(state): State<Arc<ApiState>>,
    Path(id): Path<String>,
    body: Bytes,
) -> (StatusCode, &'static str) {
    reply(&state, &id, Err(read(&body)))
}

async fn init_error(State(state): State<Arc<ApiState>>, body: Bytes) -> (StatusCode, &'static str) {
    state.init.send_replace(InitState::Failed(read(&body)));
    (StatusCode::ACCEPTED, r#"{"status":"OK"}"#)
}

fn reply(
    state: &ApiState,
    id: &str,
    answer: Result<Bytes, FunctionError>,
) -> (StatusCode, &'static str) {
    let mut running = state.running.lock();
    match running.take_if(|(running, _)| id.parse() == Ok(*running)) {
        Some((_, reply)) => {
            // If the time of the invocation has just run out, nobody waits for the answer.
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
    fn a_trace_id_has_lambdas_form() {
        assert_eq!(
            trace_id(Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef)),
            "Root=1-01234567-89abcdef0123456789abcdef;Parent=0123456789abcdef;Sampled=0"
        );
    }
}

//! The simulated LINE's end of each connection: HTTP, and the connections that faults break.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::id_header::id_header;
use crate::line::answer::{Answer, Manner};
use crate::line::endpoint::{Call, LineEndpoint};
use crate::line::memory::Memory;
use crate::line::service::{self, CallBody};
use crate::line::{control, messaging, notify};

/// Accepts connections until it is dropped. That ends every one of them.
pub(crate) async fn accept(listener: TcpListener, memory: Arc<Mutex<Memory>>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, Arc::clone(&memory)));
                }
                Err(error) => {
                    // Most likely there is no free file descriptor. The end of a connection frees
                    // one.
                    tracing::warn!(%error, "simulated LINE: connection not accepted");
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Why a connection ends without an answer.
#[derive(Debug, thiserror::Error)]
pub enum HangUp {
    /// It is closed.
    #[error("the connection is closed without an answer")]
    Close,
    /// It is reset.
    #[error("the connection is reset without an answer")]
    Reset,
}

async fn serve(stream: TcpStream, memory: Arc<Mutex<Memory>>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "simulated LINE: answers on this connection will be slow");
    }
    let service = service_fn(|request| {
        let memory = Arc::clone(&memory);
        async move { respond(request, &memory).await }
    });
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let Err(error) = (&mut connection).await else {
        return;
    };
    let reason = error.source().and_then(|source| source.downcast_ref());
    if matches!(reason, Some(HangUp::Reset)) {
        let stream = connection.into_parts().io.into_inner();
        // A close with zero linger sends a reset instead of an end.
        if let Err(error) = stream.set_zero_linger() {
            tracing::warn!(%error, "simulated LINE: connection closed instead of reset");
        }
    }
}

async fn respond(
    request: Request<Incoming>,
    memory: &Mutex<Memory>,
) -> Result<Response<Full<Bytes>>, HangUp> {
    let (parts, body) = request.into_parts();
    let endpoint = LineEndpoint::find(&parts.method, parts.uri.path());
    let max_body = endpoint.map_or(usize::MAX, LineEndpoint::max_body);
    let Ok(body) = read_body(body, max_body).await else {
        return Err(HangUp::Close);
    };
    let response = answer(&parts, body, memory).await?;
    Ok(response.map(Full::new))
}

/// Answers a request. `body` is `None` if it is larger than the endpoint takes.
pub(crate) async fn answer(
    parts: &Parts,
    body: Option<Bytes>,
    memory: &Mutex<Memory>,
) -> Result<Response<Bytes>, HangUp> {
    let path = parts.uri.path();
    let Some(endpoint) = LineEndpoint::find(&parts.method, path) else {
        let answer = match &body {
            Some(body) if path.starts_with("/_") => {
                control::answer(&mut memory.lock(), &parts.method, path, body)
            }
            _ => Answer::not_found(),
        };
        return Ok(http(answer, None));
    };
    let (request_id, answer) = decide(endpoint, parts, body, memory).await;
    match answer.manner {
        Manner::Plain => {}
        Manner::Slow(wait) => tokio::time::sleep(wait).await,
        Manner::Silent(wait) => {
            tokio::time::sleep(wait).await;
            return Err(HangUp::Close);
        }
        Manner::Reset => return Err(HangUp::Reset),
    }
    Ok(http(answer, Some(request_id)))
}

async fn decide(
    endpoint: LineEndpoint,
    parts: &Parts,
    body: Option<Bytes>,
    memory: &Mutex<Memory>,
) -> (Uuid, Answer) {
    // A request without a content type is as wrong as one with an empty content type.
    let content_type = header(&parts.headers, CONTENT_TYPE.as_str()).unwrap_or_default();
    let call = Call {
        endpoint,
        query: parts.uri.query().unwrap_or_default(),
        token: header(&parts.headers, AUTHORIZATION.as_str())
            .and_then(|value| value.strip_prefix("Bearer "))
            .filter(|token| !token.is_empty()),
        retry_key: header(&parts.headers, "x-line-retry-key"),
    };
    let call_body = if endpoint.is_notify() {
        CallBody::Notify(notify::read(endpoint, content_type, body.clone()).await)
    } else {
        CallBody::Messaging(messaging::read(endpoint, content_type, body.as_deref()))
    };
    service::answer(&mut memory.lock(), &call, &call_body)
}

/// Reads the whole body, so that a client that is still writing gets its answer. `None`: the body
/// has more than `max` bytes.
async fn read_body(mut body: Incoming, max: usize) -> hyper::Result<Option<Bytes>> {
    let mut kept = BytesMut::new();
    let mut length = 0_usize;
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            length = length.saturating_add(data.len());
            if length <= max {
                kept.extend_from_slice(&data);
            }
        }
    }
    Ok((length <= max).then(|| kept.freeze()))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    // A header that is not text is as wrong as an empty one. It must not count as absent.
    headers
        .get(name)
        .map(|value| value.to_str().unwrap_or_default())
}

fn http(answer: Answer, request_id: Option<Uuid>) -> Response<Bytes> {
    let mut response = Response::new(answer.body);
    *response.status_mut() = answer.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(id) = request_id {
        headers.insert("x-line-request-id", id_header(id));
    }
    for (name, value) in answer.headers {
        headers.insert(name, value);
    }
    response
}

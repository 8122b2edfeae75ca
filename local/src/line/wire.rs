//! The simulated LINE's end of each connection: HTTP in, HTTP out, and the connections that break.

use std::error::Error;
use std::sync::{Arc, Mutex};
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
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::line::answer::{Answer, Manner};
use crate::line::control;
use crate::line::endpoint::Endpoint;
use crate::line::lock;
use crate::line::notify;
use crate::line::notify::form;
use crate::line::request;
use crate::line::service::{Call, CallBody, Line};

/// Takes connections until it is dropped, which ends every one of them.
pub(crate) async fn accept(listener: TcpListener, line: Arc<Mutex<Line>>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, Arc::clone(&line)));
                }
                // Out of file descriptors, most likely: one is free again when a connection ends.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Why a connection ends without an answer.
#[derive(Debug, thiserror::Error)]
enum HangUp {
    #[error("the connection is closed without an answer")]
    Close,
    #[error("the connection is reset without an answer")]
    Reset,
}

async fn serve(stream: TcpStream, line: Arc<Mutex<Line>>) {
    // Without it small answers can wait for the client's delayed acknowledgement; with it failing, they do.
    let _set = stream.set_nodelay(true).is_ok();
    let service = service_fn(|request| {
        let line = Arc::clone(&line);
        async move { respond(request, &line).await }
    });
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let Err(error) = (&mut connection).await else {
        return;
    };
    let reason = error.source().and_then(|source| source.downcast_ref());
    if matches!(reason, Some(HangUp::Reset)) {
        let stream = connection.into_parts().io.into_inner();
        // Closing with nothing lingering sends a reset instead of an end.
        let _set = stream.set_zero_linger().is_ok();
    }
}

async fn respond(
    request: Request<Incoming>,
    line: &Mutex<Line>,
) -> Result<Response<Full<Bytes>>, HangUp> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let endpoint = Endpoint::find(&parts.method, path);
    let most = endpoint.map_or(usize::MAX, Endpoint::max_body);
    let Ok(body) = read_body(body, most).await else {
        return Err(HangUp::Close);
    };
    let Some(endpoint) = endpoint else {
        let answer = match &body {
            Some(body) if path.starts_with("/_") => {
                control::answer(&mut lock(line), &parts.method, path, body)
            }
            _ => Answer::not_found(),
        };
        return Ok(http(answer, None));
    };
    let (request_id, answer) = decide(endpoint, &parts, body, line).await;
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
    endpoint: Endpoint,
    parts: &Parts,
    body: Option<Bytes>,
    line: &Mutex<Line>,
) -> (Uuid, Answer) {
    let bytes = body.clone().unwrap_or_default();
    let content_type = header(&parts.headers, CONTENT_TYPE.as_str()).unwrap_or_default();
    let call_body = match endpoint {
        Endpoint::Push | Endpoint::Multicast | Endpoint::Validate => {
            CallBody::Send(if body.is_none() {
                Err(Answer::too_large())
            } else if is_json(content_type) {
                request::read(endpoint, &bytes)
            } else {
                Err(Answer::unsupported(content_type))
            })
        }
        Endpoint::Notify => CallBody::Notify(match body {
            Some(body) => form::read(content_type, body).await,
            None => Err(Answer::too_large()),
        }),
        _ => CallBody::Bytes(&bytes),
    };
    let call = Call {
        endpoint,
        token: header(&parts.headers, AUTHORIZATION.as_str())
            .and_then(|value| value.strip_prefix("Bearer "))
            .filter(|token| !token.is_empty()),
        retry_key: header(&parts.headers, "x-line-retry-key"),
        body: call_body,
    };
    lock(line).answer(&call)
}

/// Reads the whole body, so that a client that is still writing gets its answer; keeps it unless it is over `most`.
async fn read_body(mut body: Incoming, most: usize) -> hyper::Result<Option<Bytes>> {
    let mut kept = BytesMut::new();
    let mut length = 0_usize;
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            length = length.saturating_add(data.len());
            if length <= most {
                kept.extend_from_slice(&data);
            }
        }
    }
    Ok((length <= most).then(|| kept.freeze()))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    // A header that isn't text is as wrong as an empty one, and must not pass for an absent one.
    headers
        .get(name)
        .map(|value| value.to_str().unwrap_or_default())
}

fn is_json(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("application/json")
}

fn http(answer: Answer, request_id: Option<Uuid>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(answer.body));
    *response.status_mut() = answer.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let ids = [
        ("x-line-request-id", request_id),
        ("x-line-accepted-request-id", answer.accepted_request),
    ];
    for (name, id) in ids {
        if let Some(id) = id
            && let Ok(value) =
                HeaderValue::from_str(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
        {
            headers.insert(name, value);
        }
    }
    for (name, value) in answer
        .hour_left
        .into_iter()
        .flat_map(notify::HourLeft::headers)
    {
        headers.insert(name, value.into());
    }
    response
}

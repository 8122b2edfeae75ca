//! The simulated LINE: the Messaging API's sending endpoints and LINE Notify, on loopback.
//!
//! LINE has no sandbox and forbids load tests against its own servers, so a rehearsal needs a stand-in that refuses what
//! LINE refuses and remembers who got what.
//! <https://developers.line.biz/en/docs/messaging-api/development-guidelines/>

use std::convert::Infallible;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use uuid::Uuid;

use crate::line_answer::Answer;
use crate::line_control;
use crate::line_endpoint::Endpoint;
pub use crate::line_ledger::{LedgerSecond, LedgerSummary, Receipt};
use crate::line_notify;
pub use crate::line_options::{LineOptions, UnknownInMulticast};
use crate::line_request;
use crate::line_service::{Call, CallBody, Line};

/// A simulated LINE, listening. Dropped, it stops, and every connection with it.
#[derive(Debug)]
pub struct LineServer {
    url: String,
    line: Arc<Mutex<Line>>,
    accepting: JoinHandle<()>,
}

impl LineServer {
    /// Binds a port of 127.0.0.1 and begins to answer, on the Tokio runtime that it is called in.
    pub async fn start(options: LineOptions) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let line = Arc::new(Mutex::new(Line::new(options)));
        let accepting = tokio::spawn(accept(listener, Arc::clone(&line)));
        Ok(Self {
            url,
            line,
            accepting,
        })
    }

    /// `http://127.0.0.1:PORT`: in place of both `https://api.line.me` and `https://notify-api.line.me`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What was asked and accepted so far, in numbers.
    pub fn ledger(&self) -> LedgerSummary {
        lock(&self.line).ledger.summary()
    }

    /// What one recipient (a LINE ID or a LINE Notify token) got, in order.
    pub fn receipts(&self, recipient: &str) -> Vec<Receipt> {
        lock(&self.line).ledger.receipts(recipient)
    }

    /// Changes the options, from the next request on. Port and clock stay what they were at the start.
    pub fn change(&self, change: impl FnOnce(&mut LineOptions)) {
        let mut line = lock(&self.line);
        let mut options = line.options().clone();
        change(&mut options);
        options.clock = line.options().clock.clone();
        line.set_options(options);
    }
}

impl Drop for LineServer {
    fn drop(&mut self) {
        // The task owns every connection's task, and a dropped `JoinSet` aborts them.
        self.accepting.abort();
    }
}

fn lock(line: &Mutex<Line>) -> MutexGuard<'_, Line> {
    line.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, line: Arc<Mutex<Line>>) {
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

async fn serve(stream: TcpStream, line: Arc<Mutex<Line>>) {
    // Without it small answers can wait for the client's delayed acknowledgement; with it failing, they do.
    let _set = stream.set_nodelay(true).is_ok();
    let service = service_fn(|request| {
        let line = Arc::clone(&line);
        async move { Ok::<_, Infallible>(respond(request, &line).await) }
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection to the simulated LINE broke");
    }
}

async fn respond(request: Request<Incoming>, line: &Mutex<Line>) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let endpoint = Endpoint::find(&parts.method, path);
    let most = endpoint.map_or(usize::MAX, Endpoint::max_body);
    let Ok(body) = read_body(body, most).await else {
        return http(
            Answer::refusal(StatusCode::BAD_REQUEST, "the body broke off"),
            None,
        );
    };
    let Some(endpoint) = endpoint else {
        let answer = match &body {
            Some(body) if path.starts_with("/_") => {
                line_control::answer(&mut lock(line), &parts.method, path, body)
            }
            _ => Answer::not_found(),
        };
        return http(answer, None);
    };
    let (request_id, answer) = decide(endpoint, &parts, body, line).await;
    http(answer, Some(request_id))
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
                line_request::read(endpoint, &bytes)
            } else {
                Err(Answer::unsupported(content_type))
            })
        }
        Endpoint::Notify => CallBody::Notify(match body {
            Some(body) => line_notify::read(content_type, body).await,
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
        .flat_map(line_notify::HourLeft::headers)
    {
        headers.insert(name, value.into());
    }
    response
}

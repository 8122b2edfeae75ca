//! The stand-in's end of each connection.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::s3::account::Account;
use crate::s3::answer::Answer;
use crate::s3::call::Call;
use crate::s3::chunked;

/// Accepts connections until it is dropped. That ends every one of them.
pub(crate) async fn accept(listener: TcpListener, account: Arc<Mutex<Account>>) {
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(serve(stream, Arc::clone(&account)));
            }
            Err(error) => {
                // Most likely there is no free file descriptor. The end of a connection frees one.
                tracing::warn!(%error, "stand-in for S3: connection not accepted");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, account: Arc<Mutex<Account>>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "stand-in for S3: answers on this connection will be slow");
    }
    let service = service_fn(|request| {
        let account = Arc::clone(&account);
        async move { Ok::<_, Infallible>(respond(request, &account).await) }
    });
    let served = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "stand-in for S3: connection ended early");
    }
}

async fn respond(request: Request<Incoming>, account: &Mutex<Account>) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let is_head = parts.method == hyper::Method::HEAD;
    let body = body.collect().await.ok();
    let body = body.and_then(|body| chunked::content(&parts.headers, body.to_bytes()));
    let answer = match (Call::read(&parts.method, &parts.uri, &parts.headers), body) {
        (Some(call), Some(body)) => account.lock().answer(&call, body),
        (None, _) => Answer::error(StatusCode::NOT_IMPLEMENTED, "NotImplemented"),
        (_, None) => Answer::error(StatusCode::BAD_REQUEST, "IncompleteBody"),
    };
    let Answer::Http {
        status,
        headers,
        body,
    } = answer
    else {
        // The client waits until it has enough of it.
        return std::future::pending().await;
    };
    let body = if is_head { Bytes::new() } else { body };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(&value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

//! A far end in this process, in place of the network. Only simulations compile it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::HeaderMap;
use reqwest::{Client, Request, RequestBuilder};

use crate::channel::http::MAX_BODY;
use crate::channel::response::{Failure, Response};

/// Why the far end gives no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAnswer {
    /// There is no connection, so nothing was sent.
    NotConnected,
    /// The connection breaks after the request was sent.
    Lost,
}

type Answer = Result<(u16, HeaderMap, Bytes), NoAnswer>;
type Answering = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// Answers the requests to the channels: LINE, LINE Notify and the issue of tokens.
#[derive(Clone)]
pub struct InProcess {
    pub(crate) client: Client,
    answer: Arc<dyn Fn(Request) -> Answering + Send + Sync>,
}

/// A far end and the time-out of the client.
#[derive(Clone)]
pub(crate) struct FarEnd {
    far_end: InProcess,
    request_timeout: Duration,
}

impl InProcess {
    /// A far end that answers with `answer`. `client` only makes the requests and sends none, so
    /// all far ends of a process can share one.
    pub fn new<A>(client: Client, answer: impl Fn(Request) -> A + Send + Sync + 'static) -> Self
    where
        A: Future<Output = Answer> + Send + 'static,
    {
        Self {
            client,
            answer: Arc::new(move |request| Box::pin(answer(request))),
        }
    }
}

impl FarEnd {
    pub(crate) fn new(far_end: InProcess, request_timeout: Duration) -> Self {
        Self {
            far_end,
            request_timeout,
        }
    }

    /// Sends a request and waits for the response, as reqwest does.
    pub(crate) async fn fetch(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let request = request.build().map_err(|_| Failure::NotConnected)?;
        let timeout = request.timeout().copied().unwrap_or(self.request_timeout);
        let answer = tokio::time::timeout(timeout, (self.far_end.answer)(request)).await;
        match answer {
            Err(_) => Err(Failure::TimedOut),
            Ok(Err(NoAnswer::NotConnected)) => Err(Failure::NotConnected),
            Ok(Err(NoAnswer::Lost)) => Err(Failure::Lost),
            Ok(Ok((status, headers, mut body))) => {
                body.truncate(MAX_BODY);
                Ok(Response {
                    status,
                    headers,
                    body: Some(body.into()),
                })
            }
        }
    }
}

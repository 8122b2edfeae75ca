//! The HTTP client of both channels, and the time-outs of all clients.

use std::time::Duration;

#[cfg(feature = "simulation")]
pub(crate) mod in_process;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use jiff::Timestamp;
use reqwest::header::HeaderValue;
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Url};
use tokio::time::Instant;

use crate::channel::attempt::Exchange;
use crate::channel::response::{Failure, Response};
use crate::channel::route::Route;
use crate::settings::fits_in_a_header;

/// No connection may take longer. What was not sent can safely be sent again.
const MAX_CONNECT: Duration = Duration::from_secs(3);
/// An environment sleeps between invocations, and its connections may be gone when it wakes up. A
/// connection that was idle for longer is not used again.
const MAX_IDLE: Duration = Duration::from_secs(15);
/// No more of a body is read. A refusal that names 500 recipients is smaller.
pub(crate) const MAX_BODY: usize = 64 * 1024;

/// The HTTP client of both channels.
#[derive(Clone)]
pub(crate) struct HttpClient {
    client: Client,
    /// Where requests go in a simulation.
    #[cfg(feature = "simulation")]
    far_end: Option<in_process::FarEnd>,
}

impl HttpClient {
    /// A client that sends over the network.
    pub(crate) fn new(request_timeout: Duration) -> Result<Self, reqwest::Error> {
        Ok(Self {
            client: client(request_timeout)?,
            #[cfg(feature = "simulation")]
            far_end: None,
        })
    }

    /// A client that sends to `far_end`, in this process.
    #[cfg(feature = "simulation")]
    pub(crate) fn in_process(far_end: in_process::InProcess, request_timeout: Duration) -> Self {
        Self {
            client: far_end.client.clone(),
            far_end: Some(in_process::FarEnd::new(far_end, request_timeout)),
        }
    }

    /// Begins a `GET` request.
    pub(crate) fn get(&self, url: Url) -> RequestBuilder {
        self.client.get(url)
    }

    /// Begins a `POST` request.
    pub(crate) fn post(&self, url: Url) -> RequestBuilder {
        self.client.post(url)
    }

    /// Sends a delivery's request.
    pub(crate) async fn exchange(
        &self,
        route: Route,
        departed: Timestamp,
        request: RequestBuilder,
    ) -> Exchange {
        let began = Instant::now();
        let response = self.fetch(request).await;
        let latency = began.elapsed();
        Exchange {
            route,
            departed,
            latency_ms: latency.as_secs() * 1_000 + u64::from(latency.subsec_millis()),
            response,
        }
    }

    /// Sends a request and waits for the whole response.
    pub(crate) async fn fetch(&self, request: RequestBuilder) -> Result<Response, Failure> {
        #[cfg(feature = "simulation")]
        if let Some(far_end) = &self.far_end {
            return far_end.fetch(request).await;
        }
        let mut response = request.send().await.map_err(|error| failure(&error))?;
        Ok(Response {
            status: response.status().as_u16(),
            headers: std::mem::take(response.headers_mut()),
            // The status counts, even if the body can't be read.
            body: body(response).await,
        })
    }
}

/// The client that reqwest makes. It follows no redirects, since these would carry messages and
/// tokens to other hosts.
fn client(request_timeout: Duration) -> Result<Client, reqwest::Error> {
    Client::builder()
        .tls_backend_preconfigured(fanline_tls::client_config())
        .connect_timeout(MAX_CONNECT.min(request_timeout))
        .timeout(request_timeout)
        .pool_idle_timeout(MAX_IDLE)
        .redirect(Policy::none())
        .user_agent(concat!("fanline/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// The SDK's configuration with time-outs, so that its clients give up before an invocation does.
pub(crate) fn with_timeouts(config: &SdkConfig) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_secs(3))
        .operation_timeout(Duration::from_secs(8))
        .build();
    config
        .clone()
        .into_builder()
        .timeout_config(timeouts)
        .build()
}

/// The URL of `path` at `base`, to which LINE's paths are appended as they are.
#[expect(
    clippy::expect_used,
    reason = "`Settings` gives only the text of a parsed URL, and a path after it parses too"
)]
pub(crate) fn url(base: &str, path: &str) -> Url {
    Url::parse(&format!("{base}{path}")).expect("a base and a path")
}

/// The value of the `Authorization` header, marked so that nothing prints it. `None`: no header can
/// hold the token.
pub(crate) fn bearer(token: &str) -> Option<HeaderValue> {
    if !fits_in_a_header(token) {
        return None;
    }
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn failure(error: &reqwest::Error) -> Failure {
    if error.is_connect() || error.is_builder() {
        Failure::NotConnected
    } else if error.is_timeout() {
        Failure::TimedOut
    } else {
        Failure::Lost
    }
}

/// The body, cut at [`MAX_BODY`]. `None`: the connection broke before that.
async fn body(mut response: reqwest::Response) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(mut piece) = response.chunk().await.ok()? {
        piece.truncate(MAX_BODY - body.len());
        body.extend_from_slice(&piece);
        if body.len() == MAX_BODY {
            break;
        }
    }
    Some(body)
}

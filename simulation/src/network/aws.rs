//! The way to AWS: the SDK's HTTP client, which calls the far ends in this process.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use bytes::Bytes;
use hyper::{Request, Response};
use serde::Deserialize;

use crate::network::Network;
use crate::network::process::Process;

/// Counts the configurations of this process.
static CONFIGURATIONS: AtomicU64 = AtomicU64::new(0);

/// The SDK's configuration of a process.
///
/// The SDK keeps one budget of retries for each region, for as long as the program runs. So each
/// process is in a region of its own, as if it were a program of its own.
pub(crate) fn config_of(network: &Arc<Network>, process: &Process) -> SdkConfig {
    let number = CONFIGURATIONS.fetch_add(1, Ordering::Relaxed);
    let credentials = Credentials::new("simulation", "simulation", None, None, "simulation");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(format!("simulated-{number}")))
        .endpoint_url(super::AWS)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        // It would wake up twice a second of each long poll.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .time_source(SharedTimeSource::new(network.time))
        .http_client(Connector {
            network: Arc::clone(network),
            process: process.clone(),
        })
        .build()
}

/// The SDK's HTTP client of one process.
#[derive(Clone, Debug)]
struct Connector {
    network: Arc<Network>,
    process: Process,
}

impl HttpClient for Connector {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self { network, process } = self.clone();
        HttpConnectorFuture::new(async move {
            let request = in_bytes(request).await;
            let answer = answer(&network, &process, request).await;
            let (parts, body) = answer?.into_parts();
            let status = parts.status.as_u16().try_into();
            let mut response =
                HttpResponse::new(status.expect("a status is one"), SdkBody::from(body));
            for (name, value) in &parts.headers {
                let value = value.to_str().expect("far ends write text");
                response
                    .headers_mut()
                    .insert(name.as_str().to_owned(), value.to_owned());
            }
            Ok(response)
        })
    }
}

async fn in_bytes(mut request: HttpRequest) -> Request<Bytes> {
    let mut to = Request::new(Bytes::new());
    *to.method_mut() = request.method().parse().expect("a method");
    *to.uri_mut() = request.uri().parse().expect("a URI");
    for (name, value) in request.headers() {
        let name = name.parse::<hyper::header::HeaderName>();
        let value = value.parse::<hyper::header::HeaderValue>();
        to.headers_mut()
            .append(name.expect("a header"), value.expect("a value"));
    }
    // A body can be a file that is read now.
    let body = ByteStream::new(request.take_body()).collect().await;
    *to.body_mut() = body.expect("a file can be read").into_bytes();
    to
}

async fn answer(
    network: &Arc<Network>,
    process: &Process,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, ConnectorError> {
    let (there, back) = network.road_to_aws();
    let target = request.headers().get("x-amz-target");
    let target = target.and_then(|target| target.to_str().ok()).unwrap_or("");
    let far_end = Arc::clone(network);
    match target.strip_prefix("AmazonSQS.") {
        Some("ReceiveMessage") => {
            let poll = poll(&far_end, request);
            process.poll(there, back, poll).await
        }
        Some(action) => {
            let action = action.to_owned();
            let effect = async move { call_queue(&far_end, &action, request).await };
            process.request(there, back, effect).await
        }
        None => {
            let effect = async move {
                let is_down = far_end.is_store_down();
                far_end.objects.answer(&request, is_down)
            };
            Ok(process.request(there, back, effect).await)
        }
    }
}

fn lost() -> ConnectorError {
    ConnectorError::io("the connection is closed without an answer".into())
}

/// A receive. While there is nothing to receive it stands for many empty ones in a row, which would
/// take most of the time of a long run.
async fn poll(
    network: &Network,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, ConnectorError> {
    let body: ReceiveBody<'_> = serde_json::from_slice(request.body()).map_err(|_| lost())?;
    let is_long = body.wait_time_seconds.unwrap_or_default() >= 20;
    let queue = queue_name(&body.queue_url).to_owned();
    loop {
        if is_long {
            network.until_filled(&queue).await;
        }
        let answer = network.queues.answer(request.clone()).await;
        let answer = answer.map_err(|_| lost())?;
        let messages: Received<'_> = serde_json::from_slice(answer.body()).unwrap_or_default();
        if network.deliveries.contains(&queue) {
            for message in &messages.messages {
                network.log.received(&message.body, &message.receipt_handle);
            }
        }
        if !messages.messages.is_empty() || !is_long || !answer.status().is_success() {
            return Ok(answer);
        }
    }
}

async fn call_queue(
    network: &Network,
    action: &str,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, ConnectorError> {
    let body = request.body().clone();
    let answer = network.queues.answer(request).await;
    // Also a request whose answer is lost had its effect.
    let had_effect = answer
        .as_ref()
        .is_ok_and(|answer| answer.status().is_success());
    if had_effect || answer.is_err() {
        note(network, action, &body);
    }
    answer.map_err(|_| lost())
}

/// Notes what a request did.
fn note(network: &Network, action: &str, body: &[u8]) {
    let Ok(body) = serde_json::from_slice::<QueueBody<'_>>(body) else {
        return;
    };
    let queue = queue_name(&body.queue_url);
    if network.deliveries.iter().any(|name| *name == queue) {
        match action {
            "SendMessage" => {
                let delay = body.delay_seconds.unwrap_or_default();
                let message = body.message_body.as_deref().unwrap_or_default();
                network.log.published(message, delay, true);
            }
            "SendMessageBatch" => {
                for entry in &body.entries {
                    let message = entry.message_body.as_deref().unwrap_or_default();
                    network.log.published(message, 0, false);
                }
            }
            "ChangeMessageVisibilityBatch" => {
                for entry in &body.entries {
                    let handle = entry.receipt_handle.as_deref().unwrap_or_default();
                    network
                        .log
                        .hid(handle, entry.visibility_timeout.unwrap_or_default());
                }
            }
            _ => {}
        }
    }
    network.filled.notify_waiters();
}

fn queue_name(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReceiveBody<'a> {
    #[serde(borrow)]
    queue_url: Cow<'a, str>,
    wait_time_seconds: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Received<'a> {
    #[serde(borrow, default)]
    messages: Vec<Message<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Message<'a> {
    #[serde(borrow)]
    body: Cow<'a, str>,
    #[serde(borrow)]
    receipt_handle: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct QueueBody<'a> {
    #[serde(borrow)]
    queue_url: Cow<'a, str>,
    #[serde(borrow)]
    message_body: Option<Cow<'a, str>>,
    delay_seconds: Option<u64>,
    #[serde(borrow, default)]
    entries: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<'a> {
    #[serde(borrow)]
    message_body: Option<Cow<'a, str>>,
    #[serde(borrow)]
    receipt_handle: Option<Cow<'a, str>>,
    visibility_timeout: Option<u64>,
}

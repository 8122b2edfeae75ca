//! The way to LINE: latency, bad spells, and the simulated LINE itself.

use std::sync::Arc;

use bytes::Bytes;
use fanline_consumer::{InProcess, NoAnswer};
use fanline_core::channel::Channel;
use http_body_util::BodyExt as _;
use hyper::header::AUTHORIZATION;
use hyper::{HeaderMap, Response, StatusCode};
use uuid::Uuid;

use crate::log::{ArrivalEndpoint, key_identity, token_identity};
use crate::network::Network;
use crate::network::process::Process;
use crate::network::weather::{SpellKind, met};
use crate::person::person;

/// A silence lasts longer than any time-out of a client.
const SILENCE: std::time::Duration = std::time::Duration::from_mins(5);

/// LINE, as the consumer environment with this number reaches it. `process` is what it runs in.
pub(crate) fn line_of(network: &Arc<Network>, process: &Process, environment: u32) -> InProcess {
    let (network, process) = (Arc::clone(network), process.clone());
    InProcess::new(network.http.clone(), move |request| {
        let (network, process) = (Arc::clone(&network), process.clone());
        async move { answer(&network, &process, environment, request).await }
    })
}

async fn answer(
    network: &Arc<Network>,
    process: &Process,
    environment: u32,
    request: reqwest::Request,
) -> Result<(u16, HeaderMap, Bytes), NoAnswer> {
    let request = in_bytes(request).await;
    let endpoint = endpoint_of(request.uri().path());
    if let Some(identity) = identity_of(request.headers()) {
        network.log.asked(identity);
    }
    let (there, back) = network.road_to_line();
    let far_end = Arc::clone(network);
    let number = process.number();
    let effect = async move {
        let arrived = far_end.time.millis();
        let is_for = |number| is_for(&request, number);
        let met = met(&far_end.spells, arrived, environment, is_for);
        let answer = match met {
            Some(SpellKind::Unreachable) => return Err(NoAnswer::NotConnected),
            Some(SpellKind::Silent) => Err(NoAnswer::Lost),
            Some(SpellKind::Errors) => Ok(refusal(StatusCode::INTERNAL_SERVER_ERROR)),
            Some(SpellKind::Unauthorized) => Ok(refusal(StatusCode::UNAUTHORIZED)),
            Some(SpellKind::Forbidden) => Ok(refusal(StatusCode::FORBIDDEN)),
            None => far_end
                .line
                .answer(request)
                .await
                .map_err(|_| NoAnswer::Lost),
        };
        let status = answer.as_ref().ok().map(|answer| answer.status().as_u16());
        far_end.log.arrived(arrived, endpoint, number, status);
        if met == Some(SpellKind::Silent) {
            tokio::time::sleep(SILENCE).await;
        }
        answer
    };
    let (parts, body) = process.request(there, back, effect).await?.into_parts();
    Ok((parts.status.as_u16(), parts.headers, body))
}

async fn in_bytes(request: reqwest::Request) -> hyper::Request<Bytes> {
    let request = hyper::Request::<reqwest::Body>::try_from(request);
    let (parts, body) = request.expect("a request for the network").into_parts();
    let body = body.collect().await.expect("the body is in memory");
    hyper::Request::from_parts(parts, body.to_bytes())
}

fn endpoint_of(path: &str) -> ArrivalEndpoint {
    match path {
        "/v2/bot/message/push" => ArrivalEndpoint::Push,
        "/v2/bot/message/multicast" => ArrivalEndpoint::Multicast,
        "/api/notify" => ArrivalEndpoint::Notify,
        _ => ArrivalEndpoint::Other,
    }
}

/// The identity of the delivery that a request carries.
fn identity_of(headers: &HeaderMap) -> Option<u128> {
    let header = |name| headers.get(name)?.to_str().ok();
    match header("x-line-retry-key") {
        Some(key) => key.parse::<Uuid>().ok().map(key_identity),
        None => header("authorization")?
            .strip_prefix("Bearer ")
            .map(token_identity),
    }
}

/// Whether a request is for the person with this number. LINE Notify has the person in a header.
fn is_for(request: &hyper::Request<Bytes>, number: u32) -> bool {
    let id = person(Channel::Line, number);
    let mut parts = request.body().windows(id.len());
    let token = person(Channel::LineNotify, number);
    let header = request.headers().get(AUTHORIZATION);
    parts.any(|part| part == id.as_bytes())
        || header.is_some_and(|header| header.as_bytes().ends_with(token.as_bytes()))
}

fn refusal(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(br#"{"message":"a bad spell"}"#));
    *response.status_mut() = status;
    let id = hyper::header::HeaderValue::from_static("00000000-0000-4000-8000-000000000000");
    response.headers_mut().insert("x-line-request-id", id);
    response
}

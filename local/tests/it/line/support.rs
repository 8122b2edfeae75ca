//! A simulated LINE with a clock, a client, and short names for requests.

use std::time::Duration;

use fanline_local::{Clock, LineOptions, LineServer};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

pub(crate) const KEY: &str = "123e4567-e89b-12d3-a456-426614174000";

/// A simulated LINE, its clock and a client.
pub(crate) struct World {
    pub(crate) line: LineServer,
    pub(crate) clock: Clock,
    client: reqwest::Client,
}

pub(crate) async fn world(options: LineOptions) -> World {
    let clock = Clock::manual("2026-12-25T08:00:00Z".parse().unwrap());
    let options = LineOptions {
        clock: clock.clone(),
        ..options
    };
    World {
        line: LineServer::start(options).await.unwrap(),
        clock,
        client: reqwest::Client::builder()
            .timeout(Duration::from_secs(20))
            .build()
            .unwrap(),
    }
}

impl World {
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.line.url()))
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path).bearer_auth("a-token")
    }

    pub(crate) fn send(&self, endpoint: &str, body: &Value) -> RequestBuilder {
        self.post(&format!("/v2/bot/message/{endpoint}")).json(body)
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let request = self.request(Method::GET, path).bearer_auth("a-token");
        request.send().await.unwrap().json().await.unwrap()
    }
}

pub(crate) fn user(n: u32) -> String {
    format!("U{n:032x}")
}

pub(crate) fn users(n: u32) -> Vec<String> {
    (0..n).map(user).collect()
}

pub(crate) fn text(text: &str) -> Value {
    json!([{"type": "text", "text": text}])
}

/// The body of an error.
pub(crate) fn message(text: &str) -> Value {
    json!({ "message": text })
}

pub(crate) async fn status_and_body(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let body = response.bytes().await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

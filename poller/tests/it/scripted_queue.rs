//! A loopback server that gives the poller the answers of a script, also those that the queue
//! server never gives.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use aws_sdk_sqs::Client;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use crate::support::client;

/// The answers, first to last, and the deletes that came.
#[derive(Default)]
pub(crate) struct Script {
    /// The attributes in the answer to `GetQueueAttributes`.
    pub(crate) attributes: Value,
    /// The answers to `ReceiveMessage`. After the last one a receive waits for ever.
    pub(crate) receives: VecDeque<(StatusCode, Value)>,
    /// The answers to `DeleteMessageBatch`.
    pub(crate) deletes: VecDeque<Value>,
    /// The receipt handles of each `DeleteMessageBatch`.
    pub(crate) deleted: Vec<Vec<String>>,
}

/// A server that answers as its script says. A drop stops it.
pub(crate) struct ScriptedQueue {
    pub(crate) script: Arc<Mutex<Script>>,
    pub(crate) sqs: Client,
    pub(crate) url: String,
    serving: AbortHandle,
}

impl ScriptedQueue {
    pub(crate) async fn start(script: Script) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(script));
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&script));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            script,
            sqs: client(&url),
            url: format!("{url}/000000000000/mail"),
            serving: serving.abort_handle(),
        }
    }

    pub(crate) fn deleted(&self) -> Vec<Vec<String>> {
        self.script.lock().unwrap().deleted.clone()
    }
}

impl Drop for ScriptedQueue {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// A message as SQS gives it.
pub(crate) fn message(name: &str) -> Value {
    json!({ "MessageId": name, "ReceiptHandle": format!("handle-{name}"), "Body": name })
}

/// The attributes of a queue that exists.
pub(crate) fn attributes() -> Value {
    json!({ "QueueArn": "arn:aws:sqs:us-east-1:000000000000:mail" })
}

async fn answer(
    State(script): State<Arc<Mutex<Script>>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let action = headers["x-amz-target"].to_str().unwrap();
    let answer = act(&script, action, &serde_json::from_slice(&body).unwrap());
    let Some((status, body)) = answer else {
        return std::future::pending().await;
    };
    let content_type = [("content-type", "application/x-amz-json-1.0")];
    (status, content_type, body.to_string()).into_response()
}

fn act(script: &Mutex<Script>, action: &str, request: &Value) -> Option<(StatusCode, Value)> {
    let mut script = script.lock().unwrap();
    match action {
        "AmazonSQS.GetQueueAttributes" => {
            let answer = json!({ "Attributes": script.attributes });
            Some((StatusCode::OK, answer))
        }
        "AmazonSQS.ReceiveMessage" => script.receives.pop_front(),
        "AmazonSQS.DeleteMessageBatch" => {
            let entries = request["Entries"].as_array().unwrap();
            let handles = entries.iter().map(|entry| &entry["ReceiptHandle"]);
            let handles = handles.map(|handle| handle.as_str().unwrap().to_owned());
            script.deleted.push(handles.collect());
            Some((StatusCode::OK, script.deletes.pop_front().unwrap()))
        }
        other => panic!("`{other}` is not in the script"),
    }
}

//! The binary as Lambda runs it, with a stand-in for the Lambda runtime API.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::support::{World, campaign, user};

/// Lambda's side: hands out events and takes answers.
/// <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>
struct Lambda {
    address: String,
    answers: mpsc::UnboundedReceiver<Answer>,
}

/// What the function said of one event.
struct Answer {
    /// `response` or `error`.
    kind: String,
    body: Value,
}

#[derive(Clone)]
struct Invocations {
    events: Arc<Mutex<Vec<Value>>>,
    answers: mpsc::UnboundedSender<Answer>,
}

impl Lambda {
    async fn start(mut events: Vec<Value>) -> Self {
        events.reverse();
        let (sender, answers) = mpsc::unbounded_channel();
        let app = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/{kind}", post(answer))
            .with_state(Invocations {
                events: Arc::new(Mutex::new(events)),
                answers: sender,
            });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, answers }
    }

    async fn next_answer(&mut self) -> Answer {
        let answer = tokio::time::timeout(Duration::from_secs(30), self.answers.recv());
        answer.await.unwrap().unwrap()
    }
}

async fn next(State(invocations): State<Invocations>) -> Response {
    let Some(event) = invocations.events.lock().unwrap().pop() else {
        // Lambda does not answer before there is another event.
        return std::future::pending().await;
    };
    let deadline = Timestamp::now().as_millisecond() + 60_000;
    let headers = [
        ("lambda-runtime-aws-request-id", "request".to_owned()),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:0:function:producer".to_owned(),
        ),
    ];
    (headers, event.to_string()).into_response()
}

async fn answer(
    State(invocations): State<Invocations>,
    Path((_, kind)): Path<(String, String)>,
    body: Bytes,
) -> StatusCode {
    let body = serde_json::from_slice(&body).unwrap();
    invocations.answers.send(Answer { kind, body }).unwrap();
    StatusCode::ACCEPTED
}

/// The function's process. It ends when the test ends, however that is.
struct Function(Child);

impl Function {
    fn start(lambda: &Lambda, world: &World) -> Self {
        let process = Command::new(env!("CARGO_BIN_EXE_producer"))
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", &lambda.address)
            .env("AWS_LAMBDA_FUNCTION_NAME", "producer")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "key")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            // One variable for each service, for people who have two stand-ins.
            .env("AWS_ENDPOINT_URL_S3", &world.url)
            .env("AWS_ENDPOINT_URL_SQS", &world.url)
            .env("DELIVERY_QUEUE_URL", format!("{}/0/deliveries", world.url))
            .stdout(Stdio::piped())
            .spawn();
        Self(process.unwrap())
    }

    /// Ends the function. Returns everything that it has printed.
    fn end(mut self) -> String {
        self.0.kill().unwrap();
        let mut printed = String::new();
        let output = self.0.stdout.take();
        output.unwrap().read_to_string(&mut printed).unwrap();
        printed
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[tokio::test]
async fn the_function_answers_with_its_summary_and_prints_it_as_metrics() {
    let world = World::start().await;
    world.put("bucket/friends.csv", format!("to,name\n{},Ann\n", user(1)));
    let good = campaign(&json!("s3://bucket/friends.csv"), &json!({}));
    let bad = campaign(&json!("s3://bucket/nowhere.csv"), &json!({}));
    let mut lambda = Lambda::start(vec![bad, good]).await;
    let function = Function::start(&lambda, &world);

    let error = lambda.next_answer().await;
    let sentence = "`s3://bucket/nowhere.csv` does not exist";
    assert_eq!(error.kind, "error");
    assert_eq!(error.body["errorMessage"], sentence);
    let response = lambda.next_answer().await;
    assert_eq!(response.kind, "response");
    assert_eq!(response.body["recipients"], 1);
    assert_eq!(world.sent().len(), 1);

    let log = function.end();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(
        lines
            .iter()
            .all(|line| line["timestamp"].is_string() && line["level"].is_string()),
        "{log}"
    );
    assert!(
        lines.iter().any(|line| line["message"] == sentence),
        "{log}"
    );
    let metrics: Vec<&Value> = lines
        .iter()
        .filter(|line| line["_aws"].is_object())
        .collect();
    assert_eq!(metrics.len(), 1, "{log}");
    assert_eq!(
        (&metrics[0]["message"], &metrics[0]["rows"]),
        (&json!("summary"), &json!(1))
    );
    assert!(!log.contains(&user(1)), "{log}");
}

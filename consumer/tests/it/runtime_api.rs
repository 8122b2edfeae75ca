//! Lambda's Runtime API for one environment, and the consumer's own binary in it.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::fs::{File, OpenOptions};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use jiff::Timestamp;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;

use crate::support::World;

/// How long an invocation may take.
const SECONDS: i64 = 20;

/// The API's end of the channels.
struct Inside {
    invocations: Mutex<mpsc::UnboundedReceiver<String>>,
    answers: mpsc::UnboundedSender<Result<Value, String>>,
}

/// An API that serves one process.
struct Api {
    address: String,
    invoke: mpsc::UnboundedSender<String>,
    answers: mpsc::UnboundedReceiver<Result<Value, String>>,
    serving: JoinHandle<()>,
}

impl Api {
    async fn serve() -> Self {
        let (invoke, invocations) = mpsc::unbounded_channel();
        let (answered, answers) = mpsc::unbounded_channel();
        let inside = Arc::new(Inside {
            invocations: Mutex::new(invocations),
            answers: answered,
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let app = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route(
                "/2018-06-01/runtime/invocation/{id}/response",
                post(response),
            )
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(error))
            .with_state(inside);
        let serving = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            address,
            invoke,
            answers,
            serving,
        }
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// One environment: a process, and the API that it polls. If the process is killed, the next one
/// takes its place.
pub(crate) struct Environment {
    variables: Vec<(String, String)>,
    output: PathBuf,
    api: Api,
    child: Child,
}

impl Environment {
    /// Starts the binary with the world's variables, and `changed` over them. What it prints is
    /// appended to the file `name`.
    pub(crate) async fn start(world: &World, name: &str, changed: &[(&str, &str)]) -> Self {
        let output = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        File::create(&output).unwrap();
        let api = Api::serve().await;
        let mut variables: Vec<(String, String)> = world
            .variables()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        variables.push(("AWS_ENDPOINT_URL".into(), world.server.url().into()));
        for (name, value) in changed {
            variables.retain(|(own, _)| own != name);
            variables.push(((*name).to_owned(), (*value).to_owned()));
        }
        let child = spawn(&variables, &api.address, &output);
        Self {
            variables,
            output,
            api,
            child,
        }
    }

    /// Hands an event over and waits for the answer.
    pub(crate) async fn invoke(&mut self, event: &Value) -> Result<Value, String> {
        self.api.invoke.send(event.to_string()).unwrap();
        let answer = tokio::time::timeout(Duration::from_mins(1), self.api.answers.recv()).await;
        answer.expect("an answer within a minute").unwrap()
    }

    /// Hands an event over, kills the process with SIGKILL some time later, and starts a new one.
    /// `Some`: it answered before it died.
    pub(crate) async fn invoke_and_kill(
        &mut self,
        event: &Value,
        after: Duration,
    ) -> Option<Result<Value, String>> {
        self.api.invoke.send(event.to_string()).unwrap();
        let answer = tokio::time::timeout(after, self.api.answers.recv()).await;
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let late = self.api.answers.try_recv().ok();
        // A new API too: an invocation that the old one had not handed over yet is lost with it.
        self.api = Api::serve().await;
        self.child = spawn(&self.variables, &self.api.address, &self.output);
        answer.ok().flatten().or(late)
    }

    /// Waits until the process has ended by itself.
    pub(crate) async fn wait(&mut self) {
        let ended = async {
            while self.child.try_wait().unwrap().is_none() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let ended = tokio::time::timeout(Duration::from_secs(20), ended).await;
        ended.expect("the process ends");
    }

    /// Everything that its processes have printed.
    pub(crate) fn output(&self) -> String {
        std::fs::read_to_string(&self.output).unwrap()
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn spawn(variables: &[(String, String)], address: &str, output: &PathBuf) -> Child {
    let file = OpenOptions::new().append(true).open(output).unwrap();
    Command::new(env!("CARGO_BIN_EXE_consumer"))
        .env_clear()
        .envs(variables.iter().cloned())
        .envs([
            ("AWS_LAMBDA_RUNTIME_API", address),
            ("AWS_LAMBDA_FUNCTION_NAME", "consumer"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "stream"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "group"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_REGION", "us-east-1"),
            ("RUST_LOG", "trace"),
        ])
        .stdin(Stdio::null())
        .stdout(file.try_clone().unwrap())
        .stderr(file)
        .spawn()
        .unwrap()
}

async fn next(State(api): State<Arc<Inside>>) -> (HeaderMap, String) {
    let invocation = api.invocations.lock().await.recv().await;
    let Some(event) = invocation else {
        // The test is over: the process is about to be killed.
        return std::future::pending().await;
    };
    let deadline = Timestamp::now().as_millisecond() + SECONDS * 1_000;
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("lambda-runtime-aws-request-id", "an-id".to_owned()),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:000000000000:function:consumer".into(),
        ),
        ("lambda-runtime-trace-id", "Root=1-0-0".into()),
        ("content-type", "application/json".into()),
    ] {
        headers.insert(name, value.parse().unwrap());
    }
    (headers, event)
}

async fn response(State(api): State<Arc<Inside>>, body: Bytes) -> StatusCode {
    let answer = serde_json::from_slice(&body).map_err(|error| error.to_string());
    api.answers.send(answer).ok();
    StatusCode::ACCEPTED
}

async fn error(State(api): State<Arc<Inside>>, body: Bytes) -> StatusCode {
    let words = String::from_utf8_lossy(&body).into_owned();
    api.answers.send(Err(words)).ok();
    StatusCode::ACCEPTED
}

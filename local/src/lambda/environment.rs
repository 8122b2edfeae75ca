//! One execution environment: a process of the function's binary, and its Runtime API.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use axum::body::Bytes;
use jiff::Timestamp;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::lambda::options::HostOptions;
use crate::lambda::runtime_api::{FunctionError, InitState, PendingInvocation, RuntimeApi};

/// A process must ask for its first invocation within ten seconds.
/// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>
const MAX_INIT: Duration = Duration::from_secs(10);

/// Why there is no answer to an invocation.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// The binary does not start, or there is no free port.
    #[error("the function's process does not start")]
    Start(#[source] io::Error),
    /// The process reported that it can't begin, or it was not ready in ten seconds.
    #[error("the function does not initialise: {0}")]
    Init(String),
    /// The function answered with an error. Its process goes on.
    #[error("{kind}: {message}")]
    Function {
        /// The type of the error, as the function names it.
        kind: String,
        /// The message of the error.
        message: String,
    },
    /// The function's answer is not JSON. Its process goes on.
    #[error("the function's answer is not JSON")]
    NotJson(#[source] serde_json::Error),
    /// The process ended during the invocation.
    #[error("the function's process ended: {0}")]
    Exited(ExitStatus),
    /// There was no answer in time. The process was killed.
    #[error("the function took longer than {} s", .0.as_secs_f64())]
    TimedOut(Duration),
    /// The schedule of kills killed the process.
    #[error("the function's process was killed")]
    Killed,
}

impl InvokeError {
    /// Whether the process can take another invocation.
    pub(crate) fn leaves_the_process(&self) -> bool {
        matches!(self, Self::Function { .. } | Self::NotJson(_))
    }
}

/// A process without an invocation. A drop kills it.
#[derive(Debug)]
pub(crate) struct ExecutionEnvironment {
    child: Child,
    api: RuntimeApi,
}

impl ExecutionEnvironment {
    /// Starts a process and waits until it is ready.
    pub(crate) async fn start(options: &HostOptions) -> Result<Self, InvokeError> {
        let arn = format!(
            "arn:aws:lambda:{}:000000000000:function:{}",
            options.region, options.function_name
        );
        let api = RuntimeApi::open(arn).await.map_err(InvokeError::Start)?;
        let mut child = command(options, &api).spawn().map_err(InvokeError::Start)?;
        if let Some(logs) = &options.logs {
            forward(child.stdout.take(), logs);
            forward(child.stderr.take(), logs);
        }
        let mut environment = Self { child, api };
        environment.ready().await?;
        Ok(environment)
    }

    async fn ready(&mut self) -> Result<(), InvokeError> {
        let started = self
            .api
            .init
            .wait_for(|init| !matches!(init, InitState::Starting));
        let init = tokio::select! {
            biased;
            init = started => init.map(|init| init.clone()),
            status = self.child.wait() => return Err(exited(status)),
            () = tokio::time::sleep(MAX_INIT) => {
                return Err(InvokeError::Init("it was not ready in 10 s".to_owned()));
            }
        };
        match init {
            Ok(InitState::Failed(error)) => Err(InvokeError::Init(error.error_message)),
            Ok(_) => Ok(()),
            Err(_) => Err(api_closed()),
        }
    }

    /// Invokes the function. With `kill_after`, the process is killed after that time, or when it
    /// answers before. Its answer is lost.
    pub(crate) async fn invoke(
        &mut self,
        payload: Bytes,
        timeout: Duration,
        kill_after: Option<Duration>,
    ) -> Result<Bytes, InvokeError> {
        let (reply, answer) = oneshot::channel();
        let timeout_millis = i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX);
        let now = Timestamp::now().as_millisecond();
        let invocation = PendingInvocation {
            id: uuid::Builder::from_random_bytes(rand::random()).into_uuid(),
            payload,
            deadline: now.saturating_add(timeout_millis),
            reply,
        };
        if self.api.invocations.send(invocation).await.is_err() {
            return Err(api_closed());
        }
        let ended = tokio::select! {
            biased;
            () = sleep_if_some(kill_after) => InvokeError::Killed,
            answer = answer => match answer {
                _ if kill_after.is_some() => InvokeError::Killed,
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(FunctionError { error_type, error_message })) => {
                    return Err(InvokeError::Function { kind: error_type, message: error_message });
                }
                Err(_) => api_closed(),
            },
            status = self.child.wait() => return Err(exited(status)),
            () = tokio::time::sleep(timeout) => InvokeError::TimedOut(timeout),
        };
        // SIGKILL: the process has no chance to clean up.
        self.child.kill().await.map_err(InvokeError::Start)?;
        Err(ended)
    }
}

/// Waits for this time, and without one for ever.
async fn sleep_if_some(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}

fn api_closed() -> InvokeError {
    InvokeError::Init("its runtime API closed".to_owned())
}

fn exited(status: io::Result<ExitStatus>) -> InvokeError {
    status.map_or_else(InvokeError::Start, InvokeError::Exited)
}

/// The process has the variables that Lambda sets and the function's own, and none of the host's.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>
fn command(options: &HostOptions, api: &RuntimeApi) -> Command {
    let output = || match options.logs {
        Some(_) => Stdio::piped(),
        None => Stdio::null(),
    };
    let mut command = Command::new(&options.binary);
    command
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", api.address.to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", &options.function_name)
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
        .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
        .env(
            "AWS_LAMBDA_LOG_GROUP_NAME",
            format!("/aws/lambda/{}", options.function_name),
        )
        .env(
            "AWS_LAMBDA_LOG_STREAM_NAME",
            Uuid::nil().simple().to_string(),
        )
        .env("AWS_REGION", &options.region)
        .env("AWS_DEFAULT_REGION", &options.region)
        .env("_HANDLER", "bootstrap")
        .env("TZ", ":UTC")
        .envs(&options.variables)
        .stdin(Stdio::null())
        .stdout(output())
        .stderr(output())
        .kill_on_drop(true);
    command
}

/// Sends on each line that the process prints, until it ends.
fn forward(
    from: Option<impl AsyncRead + Send + Unpin + 'static>,
    to: &mpsc::UnboundedSender<String>,
) {
    let Some(from) = from else { return };
    let to = to.clone();
    tokio::spawn(async move {
        let mut lines = BufReader::new(from).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if to.send(line).is_err() {
                // Nobody wants the lines. They are read all the same: a full pipe would block the
                // process.
                while let Ok(Some(_)) = lines.next_line().await {}
            }
        }
    });
}

//! One execution environment: a process of the function's binary, and the Runtime API that it talks to.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Bytes;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::lambda::HostOptions;
use crate::lambda::runtime_api::{FunctionError, Init, RuntimeApi, Work};

/// A process has ten seconds to ask for its first invocation.
/// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>
const INIT_LIMIT: Duration = Duration::from_secs(10);

/// Why an invocation gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// The binary does not start, or no port is free.
    #[error("the function's process does not start")]
    Start(#[source] io::Error),
    /// The process said that it can't begin, or was not ready in ten seconds.
    #[error("the function does not initialise: {0}")]
    Init(String),
    /// The function answered with an error; its process goes on.
    #[error("{kind}: {message}")]
    Function {
        /// The error's type, as the function names it.
        kind: String,
        /// The function's words.
        message: String,
    },
    /// The function answered with something else than JSON; its process goes on.
    #[error("the function's answer is not JSON")]
    NotJson(#[source] serde_json::Error),
    /// The process ended in the middle.
    #[error("the function's process ended: {0}")]
    Exited(ExitStatus),
    /// There was no answer in time; the process was killed.
    #[error("the function took longer than {} s", .0.as_secs_f64())]
    TimedOut(Duration),
    /// The schedule of kills has it so.
    #[error("the function's process was killed")]
    Killed,
}

impl InvokeError {
    /// Whether the process that met it can take another invocation.
    pub(crate) fn leaves_the_process(&self) -> bool {
        matches!(self, Self::Function { .. } | Self::NotJson(_))
    }
}

/// A process that waits for an invocation. Dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Environment {
    child: Child,
    api: RuntimeApi,
}

impl Environment {
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
            .wait_for(|init| !matches!(init, Init::Starting));
        let init = tokio::select! {
            biased;
            init = started => init.map(|init| init.clone()),
            status = self.child.wait() => return Err(exited(status)),
            () = tokio::time::sleep(INIT_LIMIT) => {
                return Err(InvokeError::Init("it was not ready in 10 s".to_owned()));
            }
        };
        match init {
            Ok(Init::Failed(error)) => Err(InvokeError::Init(error.error_message)),
            Ok(_) => Ok(()),
            Err(_) => Err(InvokeError::Init("its runtime API closed".to_owned())),
        }
    }

    /// Invokes the function. With `kill_after`, the process is killed then, or when it answers before: its answer is lost.
    pub(crate) async fn invoke(
        &mut self,
        payload: Bytes,
        timeout: Duration,
        kill_after: Option<Duration>,
    ) -> Result<Bytes, InvokeError> {
        let (reply, answer) = oneshot::channel();
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let work = Work {
            id: uuid::Builder::from_random_bytes(rand::random()).into_uuid(),
            payload,
            deadline: u64::try_from((now + timeout).as_millis()).unwrap_or(u64::MAX),
            reply,
        };
        if self.api.work.send(work).await.is_err() {
            return Err(InvokeError::Init("its runtime API closed".to_owned()));
        }
        let ended = tokio::select! {
            biased;
            () = tokio::time::sleep(kill_after.unwrap_or_default()), if kill_after.is_some() => InvokeError::Killed,
            answer = answer => match answer {
                _ if kill_after.is_some() => InvokeError::Killed,
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(FunctionError { error_type, error_message })) => {
                    return Err(InvokeError::Function { kind: error_type, message: error_message });
                }
                Err(_) => InvokeError::Init("its runtime API closed".to_owned()),
            },
            status = self.child.wait() => return Err(exited(status)),
            () = tokio::time::sleep(timeout) => InvokeError::TimedOut(timeout),
        };
        // SIGKILL: nothing in the process gets to say goodbye.
        self.child.kill().await.map_err(InvokeError::Start)?;
        Err(ended)
    }
}

fn exited(status: io::Result<ExitStatus>) -> InvokeError {
    status.map_or_else(InvokeError::Start, InvokeError::Exited)
}

/// The process, with the variables that Lambda sets and the function's own; nothing of ours.
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

/// Hands on each line that the process prints, for as long as it lives.
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
                // Nobody listens, but the pipe must not fill up, or the process would block.
                while let Ok(Some(_)) = lines.next_line().await {}
            }
        }
    });
}

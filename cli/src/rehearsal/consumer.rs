//! The consumer of a run: the handler inside this process, or the Lambda binary in processes.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fanline_consumer::{Consumer, Handled};
use fanline_local::{Host, HostOptions, InvokeError, Kills};
use jiff::SignedDuration;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::exit::InputError;
use crate::invocation;
use crate::rehearsal::environment::RunEnvironment;
use crate::rehearsal::faults::{Faults, InvocationFault};
use crate::report::measurements::{ConsumerCounts, Recorder};

/// The processes of a consumer binary. Lambda begins with as many batches at the same time.
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html>
const CONSUMER_PROCESSES: u32 = 5;

/// The function that the poller invokes.
#[derive(Clone)]
pub(crate) enum ConsumerFunction {
    /// The handler inside this process.
    InProcess {
        consumer: Consumer,
        timeout: SignedDuration,
        recorder: Arc<Recorder>,
    },
    /// Processes of the binary, as Lambda runs them.
    Binary(Host),
}

impl ConsumerFunction {
    /// Processes of `binary`, which use Lambda's own protocol and are killed as Lambda's are.
    pub(crate) async fn of_binary(
        binary: &Path,
        environment: &RunEnvironment,
        recorder: &Arc<Recorder>,
    ) -> anyhow::Result<Self> {
        let (sender, mut lines) = mpsc::unbounded_channel::<String>();
        let recorder = Arc::clone(recorder);
        tokio::spawn(async move {
            while let Some(line) = lines.recv().await {
                if let Some(batch) = ConsumerCounts::from_line(&line) {
                    recorder.add_batch_with_accepted(&batch);
                }
            }
        });
        let host = Host::new(HostOptions {
            function_name: "consumer".into(),
            region: environment.region()?,
            variables: environment.binary_variables(CONSUMER_PROCESSES).await?,
            environments: CONSUMER_PROCESSES as usize,
            timeout: environment.timeouts.invocation,
            kills: environment.faults.kills.clone(),
            logs: Some(sender),
            // A name without a folder would be looked for on the PATH.
            ..HostOptions::new(std::path::absolute(binary)?)
        });
        host.start_one()
            .await
            .map_err(|error| did_not_start(binary, error))?;
        Ok(Self::Binary(host))
    }

    /// Invokes the function with a batch.
    pub(crate) async fn invoke(self, event: Value) -> Result<Value, String> {
        match self {
            Self::InProcess {
                consumer,
                timeout,
                recorder,
            } => {
                let on_handled = |handled: &Handled| recorder.add_batch(&(&handled.counts).into());
                invocation::invoke(&consumer, event, timeout, on_handled).await
            }
            Self::Binary(host) => host.invoke(&event).await.map_err(|error| error.to_string()),
        }
    }
}

/// Why a binary is no consumer.
fn did_not_start(binary: &Path, error: InvokeError) -> InputError {
    let why = match error {
        InvokeError::Start(error) => error.to_string(),
        InvokeError::Exited(status) => {
            format!("it ended with {status} before it asked for work")
        }
        other => other.to_string(),
    };
    let binary = binary.display();
    InputError(format!("--consumer: {binary} does not start: {why}"))
}

/// A consumer whose invocations go wrong as `--faults` says.
pub(crate) struct FaultyConsumer {
    function: ConsumerFunction,
    faults: Faults,
    kills: Kills,
    invocations: AtomicU64,
}

impl FaultyConsumer {
    pub(crate) fn new(function: ConsumerFunction, faults: Faults) -> Self {
        let kills = match &function {
            ConsumerFunction::InProcess { .. } => faults.kills.clone(),
            // The host kills its processes itself.
            ConsumerFunction::Binary(_) => Kills::default(),
        };
        Self {
            function,
            faults,
            kills,
            invocations: AtomicU64::new(0),
        }
    }

    /// Invokes the function with a batch. Its work is done before it panics or times out, because
    /// that is the worst moment.
    pub(crate) async fn invoke(self: Arc<Self>, event: Value) -> Result<Value, String> {
        let number = self.invocations.fetch_add(1, Ordering::Relaxed);
        let fault = self.faults.invocation_fault(number);
        let function = self.function.clone();
        let invocation = async move {
            let answer = function.invoke(event).await;
            match fault {
                None => answer,
                // For the poller a panic is an error in place of the answer.
                Some(InvocationFault::Panic) => Err("the function panicked, by --faults".into()),
                Some(InvocationFault::TimeOut) => std::future::pending().await,
            }
        };
        self.kills.run(number, invocation).await
    }
}

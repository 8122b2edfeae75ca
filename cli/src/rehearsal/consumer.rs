//! The consumer of a run: the handler inside this process, or the Lambda binary in processes of its own.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fanline_consumer::Consumer;
use fanline_local::{Host, HostOptions};
use jiff::SignedDuration;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::invocation;
use crate::rehearsal::environment::{ENVIRONMENTS, World};
use crate::report::measurements::{ConsumerCounts, Recorder};

/// What the event source mapping invokes.
#[derive(Clone)]
pub(crate) enum Function {
    /// The handler inside this process.
    Here(Consumer, SignedDuration),
    /// Processes of the binary, as Lambda runs them.
    Binary(Arc<Host>),
}

impl Function {
    /// Processes of `binary`, which speak Lambda's own protocol and die as Lambda's die.
    pub(crate) async fn of_binary(
        binary: &Path,
        world: &World,
        recorder: &Arc<Recorder>,
    ) -> anyhow::Result<Self> {
        let (lines, mut printed) = mpsc::unbounded_channel::<String>();
        let recorder = Arc::clone(recorder);
        tokio::spawn(async move {
            while let Some(line) = printed.recv().await {
                if let Some(batch) = ConsumerCounts::from_line(&line) {
                    recorder.add_batch_with_accepted(&batch);
                }
            }
        });
        Ok(Self::Binary(Arc::new(Host::new(HostOptions {
            function_name: "consumer".into(),
            variables: world.binary_variables(ENVIRONMENTS).await?,
            region: world.region()?,
            environments: ENVIRONMENTS as usize,
            timeout: Duration::from_secs(world.patience.invocation.into()),
            kills: world.faults.kills.clone(),
            logs: Some(lines),
            ..HostOptions::new(binary)
        }))))
    }

    /// One invocation, as the mapping makes it.
    pub(crate) async fn invoke(&self, event: Value, recorder: &Recorder) -> Result<Value, String> {
        match self {
            Self::Here(consumer, timeout) => {
                invocation::invoke(consumer, event, *timeout, |line| {
                    if let Some(batch) = ConsumerCounts::from_line(line) {
                        recorder.add_batch(&batch);
                    }
                })
                .await
            }
            Self::Binary(host) => host.invoke(&event).await.map_err(|error| error.to_string()),
        }
    }
}

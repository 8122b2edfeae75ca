//! Which binary a host runs, and how.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::kills::Kills;

/// Which binary a host runs, and how.
#[derive(Clone, Debug)]
pub struct HostOptions {
    /// The function's binary, which Lambda calls `bootstrap`.
    pub binary: PathBuf,
    /// The name in the function's ARN and log group.
    pub function_name: String,
    /// The region in its ARN and variables.
    pub region: String,
    /// The function's own environment variables. It gets none of the host's.
    pub variables: BTreeMap<String, String>,
    /// The most processes at the same time. 0 counts as 1. More invocations wait.
    pub environments: usize,
    /// How long one invocation may take.
    pub timeout: Duration,
    /// Which invocations are killed in the middle.
    pub kills: Kills,
    /// Gets each line that the processes print to standard output or standard error. `None`: the
    /// lines are dropped.
    pub logs: Option<mpsc::UnboundedSender<String>>,
}

impl HostOptions {
    /// One process of `binary` at a time, with Lambda's default time-out of three seconds.
    pub fn new(binary: impl Into<PathBuf>) -> Self {
        Self {
            binary: binary.into(),
            function_name: "function".to_owned(),
            region: "us-east-1".to_owned(),
            variables: BTreeMap::new(),
            environments: 1,
            timeout: Duration::from_secs(3),
            kills: Kills::default(),
            logs: None,
        }
    }
}

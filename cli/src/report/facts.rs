//! What a report says of its run for whoever reads it later: when, where, and with what.

use std::collections::BTreeMap;
use std::fs;

use fanline_core::campaign::{Campaign, Recipients};
use fanline_core::settings::variable;
use fanline_local::LedgerSummary;
use jiff::Timestamp;
use serde::Serialize;

use crate::args::{RunArgs, VERSION};

/// Where Linux keeps the name of the machine.
const HOST_NAME: &str = "/proc/sys/kernel/hostname";

/// When, where and with what a run was made.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct RunFacts {
    pub(crate) began: Timestamp,
    pub(crate) ended: Timestamp,
    pub(crate) list: String,
    pub(crate) version: &'static str,
    /// Whether the deliveries were sealed on the queues.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) sealed: bool,
    /// The machine, where its name is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) host: Option<String>,
    /// What went wrong on purpose, as `--faults` says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) faults: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<u64>,
    /// How often each of LINE's faults happened.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) faults_hit: BTreeMap<String, u64>,
}

impl RunFacts {
    /// A run that begins now.
    pub(crate) fn begin(args: &RunArgs) -> Self {
        let name = fs::read_to_string(HOST_NAME).ok();
        let name = name.or_else(|| variable("HOSTNAME").or_else(|| variable("COMPUTERNAME")));
        let host = name.map(|name| name.trim().to_owned());
        Self {
            began: Timestamp::now(),
            version: VERSION,
            sealed: args.seals(),
            host: host.filter(|host| !host.is_empty()),
            faults: args.faults.clone(),
            seed: args.faults.as_ref().map(|_| args.seed),
            ..Self::default()
        }
    }

    /// The same at the end of the run. `line`: what the simulated LINE has counted.
    pub(crate) fn end(self, campaign: &Campaign, line: Option<&LedgerSummary>) -> Self {
        Self {
            ended: Timestamp::now(),
            list: match &campaign.recipients {
                Recipients::S3(list) => list.to_string(),
                Recipients::Path(list) => list.clone(),
                Recipients::Inline(_) => "in the campaign".into(),
            },
            faults_hit: line.map(|line| line.faults.clone()).unwrap_or_default(),
            ..self
        }
    }
}

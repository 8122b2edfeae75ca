//! The stacks on the dashboard: each has a ledger.

use super::page::NamedRun;
use crate::commands::ledger::find_run::read_record;
use crate::commands::ledger::place::Ledger;
use crate::commands::ledger::runs::{NewestRuns, newest};
use crate::commands::ledger::status::known::KnownRun;

/// So many runs of a stack are listed.
const MAX_RUNS: usize = 50;

/// A stack, by its ledger.
pub(super) struct Stack {
    ledger: Ledger,
}

impl Stack {
    pub(super) fn new(ledger: Ledger) -> Self {
        Self { ledger }
    }

    /// The stack as people name it.
    pub(super) fn name(&self) -> &str {
        &self.ledger.name
    }

    pub(super) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The newest runs.
    pub(super) async fn runs(&self) -> anyhow::Result<NewestRuns> {
        let names = self.ledger.list_names().await?;
        newest(&self.ledger, names, MAX_RUNS).await
    }

    /// One run; `None` where there is none of this name.
    pub(super) async fn run(&self, run: &NamedRun) -> anyhow::Result<Option<KnownRun>> {
        match read_record(&self.ledger.store, &run.run).await? {
            Some(record) => Ok(Some(KnownRun::read(&self.ledger, &record).await?)),
            None => Ok(None),
        }
    }
}

//! The stacks on the dashboard: each has a ledger.

use std::time::{Duration, Instant};

use fanline_ledger::{CONTROL_KEY, Control, Expect, RunRecord, StoreError};
use parking_lot::Mutex;

use super::page::NamedRun;
use crate::args::{LedgerArgs, LedgerPlace};
use crate::commands::ledger::find_run::read_record;
use crate::commands::ledger::place::Ledger;
use crate::commands::ledger::resend::resend_id;
use crate::commands::ledger::runs::{NewestRuns, newest};
use crate::commands::ledger::status::known::KnownRun;

/// So many runs of a stack are listed.
const MAX_RUNS: usize = 50;
/// So many resends of a run are shown.
const MAX_RESENDS: usize = 20;
/// A right that was missing is asked for again after this time.
const ASK_AGAIN: Duration = Duration::from_mins(1);

/// A stack, by its ledger.
pub(super) struct Stack {
    ledger: Ledger,
    at: Option<LedgerPlace>,
    lock: Mutex<Lock>,
}

/// Whether the runs of a stack can be changed with these credentials.
enum Lock {
    Unknown,
    Open,
    /// They can't, for this reason, as was seen then.
    Locked(String, Instant),
}

/// A run with what its page shows beside it.
pub(super) struct ShownRun {
    pub(super) run: KnownRun,
    /// The first run of its family and its resends, without the run itself.
    pub(super) family: Vec<KnownRun>,
    pub(super) record: RunRecord,
    /// Why it can't be changed with these credentials.
    pub(super) lock: Option<String>,
}

impl Stack {
    pub(super) fn new(ledger: Ledger, at: Option<LedgerPlace>) -> Self {
        Self {
            ledger,
            at,
            lock: Mutex::new(Lock::Unknown),
        }
    }

    /// The stack as people name it.
    pub(super) fn name(&self) -> &str {
        &self.ledger.name
    }

    pub(super) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The stack as the flags of a command name it.
    pub(super) fn place(&self) -> LedgerArgs {
        LedgerArgs {
            at: self.at.clone(),
        }
    }

    /// The newest runs.
    pub(super) async fn runs(&self) -> anyhow::Result<NewestRuns> {
        let names = self.ledger.list_names().await?;
        newest(&self.ledger, names, MAX_RUNS).await
    }

    /// One run; `None` where there is none of this name.
    pub(super) async fn run(&self, run: &NamedRun) -> anyhow::Result<Option<KnownRun>> {
        match self.record(run).await? {
            Some(record) => Ok(Some(KnownRun::read(&self.ledger, &record).await?)),
            None => Ok(None),
        }
    }

    /// The record of a run.
    pub(super) async fn record(&self, run: &NamedRun) -> anyhow::Result<Option<RunRecord>> {
        read_record(&self.ledger.store, &run.run).await
    }

    /// One run with all that its page shows.
    pub(super) async fn shown(&self, run: &NamedRun) -> anyhow::Result<Option<ShownRun>> {
        let Some(record) = self.record(run).await? else {
            return Ok(None);
        };
        let run = KnownRun::read(&self.ledger, &record).await?;
        Ok(Some(ShownRun {
            family: self.family(&record).await?,
            lock: if run.state.is_some() {
                self.lock().await
            } else {
                None
            },
            run,
            record,
        }))
    }

    /// The others of a run's family, as far as they have begun.
    async fn family(&self, record: &RunRecord) -> anyhow::Result<Vec<KnownRun>> {
        let root = match &record.resend_of {
            Some(root) => read_record(&self.ledger.store, root).await?,
            None => Some(record.clone()),
        };
        let Some(root) = root else {
            return Ok(Vec::new());
        };
        let resends = (1..=root.resends.len().min(MAX_RESENDS))
            .filter_map(|number| resend_id(&root.run, number).ok());
        let mut family = Vec::new();
        for name in std::iter::once(root.run.clone()).chain(resends) {
            if name == record.run {
                continue;
            }
            if let Some(member) = read_record(&self.ledger.store, &name).await? {
                family.push(KnownRun::read(&self.ledger, &member).await?);
            }
        }
        Ok(family)
    }

    /// Why runs can't be changed with these credentials; `None` where they can, as far as is known.
    ///
    /// It asks the store to put a control object where there is none. There is one, so the store
    /// must refuse that, and nothing changes; but it looks at the right before.
    async fn lock(&self) -> Option<String> {
        match &*self.lock.lock() {
            Lock::Open => return None,
            Lock::Locked(words, seen) if seen.elapsed() < ASK_AGAIN => return Some(words.clone()),
            Lock::Unknown | Lock::Locked(..) => {}
        }
        let nothing = Control::default().encode();
        let put = self.ledger.store.put(CONTROL_KEY, nothing, &Expect::Absent);
        let words = match put.await {
            Err(error @ StoreError::Denied { .. }) => Some(error.to_string()),
            _ => None,
        };
        *self.lock.lock() = match &words {
            Some(words) => Lock::Locked(words.clone(), Instant::now()),
            None => Lock::Open,
        };
        words
    }

    /// A change failed: perhaps a right is missing now.
    pub(super) fn forget_lock(&self) {
        *self.lock.lock() = Lock::Unknown;
    }
}

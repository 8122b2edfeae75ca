//! A run and its resends together: what became of each person in the end.

use std::collections::HashMap;

use fanline_ledger::{ResendClaim, RunKeys, RunRecord};
use fanline_telemetry::fingerprint::Fingerprint;

use crate::args::RowOutcome;
use crate::commands::ledger::find_run::read_record;
use crate::commands::ledger::people::joined::{Fate, Fates};
use crate::commands::ledger::people::key::RunKey;
use crate::commands::ledger::place::{Ledger, unusable};
use crate::exit::InputError;

/// What became of the people of a run's resends, the best of all.
pub(crate) struct FamilyFates {
    /// The first run.
    pub(crate) root: RunRecord,
    /// Its resends that were sent, in order.
    pub(crate) resends: Vec<RunRecord>,
    /// For each person in a resend: the number of the run with the best outcome, and that.
    best: HashMap<Fingerprint, (usize, Fate)>,
    /// Keys under which the resends' people were written down.
    keys: Vec<Fingerprint>,
}

impl FamilyFates {
    /// A run without its resends.
    pub(crate) fn alone(root: RunRecord) -> Self {
        Self {
            root,
            resends: Vec::new(),
            best: HashMap::new(),
            keys: Vec::new(),
        }
    }

    /// All runs, each at its number.
    pub(crate) fn runs(&self) -> impl Iterator<Item = &RunRecord> {
        std::iter::once(&self.root).chain(&self.resends)
    }

    /// Reads the resends of a run, the first one of its family. One that was never sent changes
    /// nothing.
    pub(crate) async fn read(ledger: &Ledger, root: RunRecord) -> anyhow::Result<Self> {
        let (keys, number) = (RunKeys::new(&root.run), root.resends.len());
        let mut family = Self::alone(root);
        for number in 1..=number {
            let claim = ledger.store.get(&keys.resend(number)).await;
            let claim = claim.map_err(unusable)?;
            let claim = claim.map(|claim| ResendClaim::decode(&claim.bytes));
            let Some(claim) = claim.transpose().map_err(unusable)? else {
                continue;
            };
            if let Some(run) = &claim.run
                && let Some(record) = read_record(&ledger.store, run).await?
            {
                family.add(ledger, record, &claim).await?;
            }
        }
        Ok(family)
    }

    async fn add(
        &mut self,
        ledger: &Ledger,
        record: RunRecord,
        claim: &ResendClaim,
    ) -> anyhow::Result<()> {
        let lines = ledger.store.get(&RunKeys::new(&record.run).slices()).await;
        if lines.map_err(unusable)?.is_none() {
            return Ok(());
        }
        let run = 1 + self.resends.len();
        self.keys.push(claim.key_check);
        let mut fates = Fates::open(ledger, &record, None).await?;
        for person in &claim.people {
            fates.load().await?;
            let Some((_, fate)) = fates.next()? else {
                break;
            };
            let best = self.best.entry(*person).or_insert((run, fate));
            if is_better(&fate, &best.1) {
                *best = (run, fate);
            }
        }
        self.resends.push(record);
        Ok(())
    }

    /// The best of what became of a row's person, and the number of its run. `own`: in the first
    /// run, where a row that can't be sent, or repeats another one, stays what it is.
    pub(crate) fn best(&self, person: Option<Fingerprint>, own: Fate) -> (usize, Fate) {
        if matches!(own.outcome, RowOutcome::Rejected | RowOutcome::Duplicate) {
            return (0, own);
        }
        match person.and_then(|person| self.best.get(&person)) {
            Some((run, fate)) if is_better(fate, &own) => (*run, *fate),
            _ => (0, own),
        }
    }

    /// The people of the resends who are in no roll of the first run, with what became of them.
    pub(crate) fn outcomes_of(&self, others: impl Fn(&Fingerprint) -> bool) -> Vec<RowOutcome> {
        let people = self.best.iter().filter(|(person, _)| others(person));
        people.map(|(_, (_, fate))| fate.outcome).collect()
    }

    /// An error where people of the resends can't be told from those of a list, because they were
    /// written down under another key.
    pub(crate) fn check_key(&self, key: &RunKey) -> Result<(), InputError> {
        if self.keys.iter().all(|one| *one == key.check_value()) {
            return Ok(());
        }
        Err(key.wrong())
    }
}

/// Whether an outcome beats another one, as in a cell.
fn is_better(one: &Fate, other: &Fate) -> bool {
    (one.outcome.rank(), one.cell) > (other.outcome.rank(), other.cell)
}

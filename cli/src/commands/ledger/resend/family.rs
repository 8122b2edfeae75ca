//! A run and all its resends: who is in them, and what became of each.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use fanline_ledger::{
    Control, Expect, Redrives, ResendClaim, RunKeys, RunRecord, RunState, StoreError, read_redrives,
};
use fanline_telemetry::fingerprint::Fingerprint;
use jiff::Timestamp;

use super::standing::PersonStanding;
use crate::commands::ledger::find_run::read_record;
use crate::commands::ledger::people::joined::Fates;
use crate::commands::ledger::place::{Ledger, unusable};
use crate::exit::InputError;

/// A resend that has its number writes down its people within this time, or is given up.
const PATIENCE: Duration = Duration::from_mins(1);
const INTERVAL: Duration = Duration::from_millis(500);

/// The resends of a run.
#[derive(Debug, Default)]
pub(crate) struct Family {
    /// Who of the first run was sent to again.
    pub(crate) redrives: Redrives,
    /// People of resends that are not closed.
    pub(crate) held: HashSet<Fingerprint>,
    /// What became of the people of all resends whose lists were cut.
    pub(crate) known: HashMap<Fingerprint, PersonStanding>,
    /// Keys under which the resends were written.
    pub(crate) keys: Vec<Fingerprint>,
}

/// What is done about a resend that has its number, and whose people nobody has written down yet.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Unclaimed<'a> {
    /// It is passed over.
    Skip,
    /// Wait for it, and then give it up in this name.
    GiveUp(&'a str),
}

impl Family {
    /// Reads the resends with numbers up to `last`.
    pub(crate) async fn read(
        ledger: &Ledger,
        root: &RunRecord,
        control: &Control,
        last: usize,
        unclaimed: Unclaimed<'_>,
    ) -> anyhow::Result<Self> {
        let keys = RunKeys::new(&root.run);
        let redrives = read_redrives(&ledger.store, &keys).await;
        let mut family = Self {
            redrives: redrives.map_err(unusable)?,
            ..Self::default()
        };
        for number in 1..=last {
            let key = keys.resend(number);
            let claim = match (read_claim(ledger, &key).await?, unclaimed) {
                (None, Unclaimed::Skip) => continue,
                (None, Unclaimed::GiveUp(by)) => wait_or_give_up(ledger, &key, by).await?,
                (Some(claim), _) => claim,
            };
            if let Some(run) = &claim.run {
                family.keys.push(claim.key_check);
                family.add(ledger, control, run, &claim.people).await?;
            }
        }
        Ok(family)
    }

    async fn add(
        &mut self,
        ledger: &Ledger,
        control: &Control,
        run: &str,
        people: &[Fingerprint],
    ) -> anyhow::Result<()> {
        let record = read_record(&ledger.store, run).await?;
        let state = record
            .as_ref()
            .and_then(|record| closed_as(control, record));
        if state.is_none() {
            // Not begun, or something of it can still go out.
            self.held.extend(people);
        }
        let lines = ledger.store.get(&RunKeys::new(run).slices()).await;
        let is_cut = lines.map_err(unusable)?.is_some();
        let Some(record) = record.filter(|_| is_cut) else {
            return Ok(());
        };
        let state = state.unwrap_or(RunState::Open);
        let redrives = read_redrives(&ledger.store, &RunKeys::new(run)).await;
        let redrives = redrives.map_err(unusable)?;
        let mut fates = Fates::open(ledger, &record, None).await?;
        for person in people {
            fates.load().await?;
            let Some((_, fate)) = fates.next()? else {
                break;
            };
            let standing = PersonStanding::of(&fate, state, &redrives);
            let known = self.known.entry(*person);
            known
                .and_modify(|known| *known = known.and(standing))
                .or_insert(standing);
        }
        Ok(())
    }
}

/// The state of a run of which nothing can go out any more; `None` where something can.
pub(crate) fn closed_as(control: &Control, record: &RunRecord) -> Option<RunState> {
    match control.run(&record.run) {
        Some(run) => run.closed.map(|_| run.state),
        // It has left control, and after its 23 hours no consumer sends anything of it.
        None => (Timestamp::now() >= record.horizon()).then_some(RunState::Done),
    }
}

/// Who is in a resend; `None` where nobody has written it down.
pub(crate) async fn read_claim(ledger: &Ledger, key: &str) -> anyhow::Result<Option<ResendClaim>> {
    let object = ledger.store.get(key).await.map_err(unusable)?;
    let claim = object.map(|object| ResendClaim::decode(&object.bytes));
    claim.transpose().map_err(unusable)
}

/// Waits until another operator's resend has written down its people. After that time it is void:
/// its own command finds that, and hands nothing over.
async fn wait_or_give_up(ledger: &Ledger, key: &str, by: &str) -> anyhow::Result<ResendClaim> {
    let since = tokio::time::Instant::now();
    while since.elapsed() < PATIENCE {
        if let Some(claim) = read_claim(ledger, key).await? {
            return Ok(claim);
        }
        tokio::time::sleep(INTERVAL).await;
    }
    let void = ResendClaim::void(by.to_owned(), Timestamp::now());
    match ledger.store.put(key, void.encode(), &Expect::Absent).await {
        Ok(_) => Ok(void),
        Err(StoreError::Conflict(_)) => read_claim(ledger, key).await?.ok_or_else(|| {
            let problem = format!("`{key}` can't be read: run the command again");
            InputError(problem).into()
        }),
        Err(error) => Err(unusable(error)),
    }
}

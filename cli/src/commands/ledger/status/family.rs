//! A run and its resends together, each person once.

use std::collections::HashSet;

use fanline_ledger::RunRecord;
use jiff::Timestamp;
use serde::Serialize;

use crate::args::RowOutcome;
use crate::commands::ledger::people::family::FamilyFates;
use crate::commands::ledger::people::joined::Fates;
use crate::commands::ledger::place::Ledger;
use crate::commands::ledger::status::known::{RowSum, read_known_control};
use crate::commands::ledger::words::count;

/// What became of the rows of a run and its resends.
#[derive(Debug, Serialize)]
pub(crate) struct KnownFamily {
    /// The runs, the first one first.
    pub(crate) family: Vec<String>,
    /// Whether each of them is closed: nothing more will happen by itself.
    pub(crate) closed: bool,
    /// The rows of the first run's list, each with the best outcome of its person.
    #[serde(flatten)]
    pub(crate) rows: RowSum,
}

impl KnownFamily {
    /// Reads the rolls and books of all of them. No list is read.
    pub(crate) async fn read(ledger: &Ledger, root: RunRecord) -> anyhow::Result<Self> {
        let family = FamilyFates::read(ledger, root).await?;
        let (mut rows, mut known) = (RowSum::default(), HashSet::new());
        let mut fates = Fates::open(ledger, &family.root, None).await?;
        loop {
            fates.load().await?;
            let Some((_, own)) = fates.next()? else {
                break;
            };
            let (_, best) = family.best(own.fingerprint, own);
            known.extend(own.fingerprint);
            rows.rows += 1;
            *rows.of_mut(best.outcome) += 1;
        }
        // Nobody knows which of the rows without a roll are theirs, or were mended, but some are.
        for outcome in family.outcomes_of(|person| !known.contains(person)) {
            let from = [
                RowOutcome::Unread,
                RowOutcome::Waiting,
                RowOutcome::Rejected,
            ];
            let from = from.into_iter().find(|from| *rows.of_mut(*from) > 0);
            if let Some(from) = from {
                *rows.of_mut(from) -= 1;
                *rows.of_mut(outcome) += 1;
            }
        }
        let control = read_known_control(ledger).await?;
        let is_closed = |record: &RunRecord| {
            let entry = control.as_ref().ok().and_then(|all| all.run(&record.run));
            entry.map_or(Timestamp::now() >= record.horizon(), |run| {
                run.closed.is_some()
            })
        };
        Ok(Self {
            closed: family.runs().all(is_closed),
            rows,
            family: family.runs().map(|record| record.run.clone()).collect(),
        })
    }

    /// In words.
    pub(crate) fn text(&self) -> String {
        let mut text = match &self.family[..] {
            [root] => format!("{root} has no resend that was sent\n\n"),
            [root, resends @ ..] => {
                let number = count(resends.len() as u64, "resend", "resends");
                format!("{root} and {number}: {}\n\n", resends.join(", "))
            }
            [] => String::new(),
        };
        super::text::push_sum(&mut text, &self.rows);
        if !self.closed {
            text.push_str("not all of them are closed: some people can still get it\n");
        }
        text
    }
}

//! Goes over the rows of a list and chooses who is on the new one.

use std::collections::HashSet;

use fanline_core::channel::Channel;
use fanline_core::list::Row;
use fanline_ledger::{RunRecord, RunState};
use fanline_telemetry::fingerprint::Fingerprint;

use super::family::Family;
use super::standing::{Choice, ChoiceCounts, PersonStanding, Verdict};
use crate::args::RowOutcome;
use crate::commands::ledger::people::joined::JoinedRow;
use crate::commands::ledger::people::key::{RunKey, channel};
use crate::exit::InputError;

/// One passage over the rows.
pub(super) struct Chooser<'a> {
    state: RunState,
    choice: &'a Choice,
    family: &'a Family,
    key: RunKey,
    channel: Channel,
    /// Everybody who is in a roll, as an earlier passage found.
    known_in_rolls: &'a HashSet<Fingerprint>,
    in_rolls: HashSet<Fingerprint>,
    without_roll: HashSet<Fingerprint>,
    /// Whether the key made what stands in the rolls; `None` until a row has told.
    is_key_of_rolls: Option<bool>,
    /// The columns of the list; NDJSON has none.
    pub(super) columns: Option<Vec<String>>,
    pub(super) counts: ChoiceCounts,
    chosen: Vec<Fingerprint>,
}

impl<'a> Chooser<'a> {
    /// A passage over the rows of a run that was closed in this state.
    pub(super) fn new(
        root: &RunRecord,
        state: RunState,
        choice: &'a Choice,
        family: &'a Family,
        known_in_rolls: &'a HashSet<Fingerprint>,
    ) -> Self {
        Self {
            state,
            choice,
            family,
            key: RunKey::of(root),
            channel: channel(root),
            known_in_rolls,
            in_rolls: HashSet::new(),
            without_roll: HashSet::new(),
            is_key_of_rolls: None,
            columns: None,
            counts: ChoiceCounts::default(),
            chosen: Vec::new(),
        }
    }

    /// Whether the row is on the new list.
    pub(super) fn choose(&mut self, row: &JoinedRow<'_>) -> bool {
        if self.columns.is_none() {
            self.columns = row.header.map(|header| header.columns().to_vec());
        }
        let Some(person) = self.person(row) else {
            return false;
        };
        if self.family.held.contains(&person) {
            self.counts.held += 1;
            return false;
        }
        let own = PersonStanding::of(&row.fate, self.state, &self.family.redrives);
        let standing = match self.family.known.get(&person) {
            Some(known) => own.and(*known),
            None => own,
        };
        match self.choice.of(standing) {
            Verdict::No => false,
            Verdict::Perhaps => {
                self.counts.perhaps += 1;
                false
            }
            Verdict::Chosen {
                why,
                is_perhaps_taken,
            } => {
                self.counts.add(why, is_perhaps_taken);
                self.chosen.push(person);
                true
            }
        }
    }

    /// Whether a row that was mended by hand is on the new list: its person is nowhere in the
    /// family, so nobody has sent to them. `None` where the row names nobody.
    pub(super) fn choose_mended(&mut self, row: &Row<'_>) -> Option<bool> {
        let text = row.text(self.channel.recipient_column());
        let person = text.and_then(|text| self.key.fingerprint(self.channel, text))?;
        let is_known = self.in_rolls.contains(&person)
            || self.known_in_rolls.contains(&person)
            || self.family.held.contains(&person)
            || self.family.known.contains_key(&person)
            || !self.without_roll.insert(person);
        if is_known {
            self.counts.mended_known += 1;
        } else {
            *self.counts.chosen.entry("mended").or_default() += 1;
            self.chosen.push(person);
        }
        Some(!is_known)
    }

    /// Whose row it is; `None` where nobody is sent to because of it.
    fn person(&mut self, row: &JoinedRow<'_>) -> Option<Fingerprint> {
        if matches!(
            row.fate.outcome,
            RowOutcome::Rejected | RowOutcome::Duplicate
        ) {
            return None;
        }
        let column = self.channel.recipient_column();
        let text = row.values.as_ref().and_then(|row| row.text(column));
        let own = || text.and_then(|text| self.key.fingerprint(self.channel, text));
        if let Some(person) = row.fate.fingerprint {
            if self.is_key_of_rolls.is_none() {
                self.is_key_of_rolls = Some(own() == Some(person));
            }
            self.in_rolls.insert(person);
            return Some(person);
        }
        // No roll has the row, so nobody has looked whether it can be sent.
        let person = own()?;
        let is_new = !self.known_in_rolls.contains(&person) && self.without_roll.insert(person);
        is_new.then_some(person)
    }

    /// An error where somebody could not be told from the people of a roll or of a resend.
    pub(super) fn check_key(&self) -> Result<(), InputError> {
        let is_other = |key: &Fingerprint| *key != self.key.check_value();
        let is_wrong = self.is_key_of_rolls == Some(false) || self.family.keys.iter().any(is_other);
        if is_wrong && !self.without_roll.is_empty() {
            return Err(self.key.wrong());
        }
        Ok(())
    }

    /// What tells whether another resend has the same key.
    pub(super) fn key_check(&self) -> Fingerprint {
        self.key.check_value()
    }

    /// Everybody who is in a roll.
    pub(super) fn into_in_rolls(self) -> HashSet<Fingerprint> {
        self.in_rolls
    }

    /// Everybody on the new list, in its order.
    pub(super) fn into_chosen(self) -> Vec<Fingerprint> {
        self.chosen
    }
}

//! The key of the hashes that stand for recipients in a run's rolls.

use std::io::BufRead;

use fanline_core::channel::Channel;
use fanline_core::recipient::Recipient;
use fanline_core::settings::variable;
use fanline_ledger::{RollReader, RunRecord};
use fanline_telemetry::fingerprint::{Fingerprint, Fingerprinter};

use crate::exit::InputError;

/// `LOG_HASH_KEY`, or the run's name where that is not set.
pub(crate) struct RunKey {
    fingerprinter: Fingerprinter,
    is_set: bool,
}

impl RunKey {
    /// The key of this run, as far as this process knows it.
    pub(crate) fn of(record: &RunRecord) -> Self {
        let key = variable("LOG_HASH_KEY");
        Self {
            fingerprinter: Fingerprinter::new(key.as_deref().unwrap_or(&record.run)),
            is_set: key.is_some(),
        }
    }

    /// What stands for a recipient; `None` for a text that names none.
    pub(crate) fn fingerprint(&self, channel: Channel, text: &str) -> Option<Fingerprint> {
        let recipient = Recipient::parse(channel, text).ok()?;
        let mut name = String::new();
        recipient.push_to(&mut name);
        Some(self.fingerprinter.of(&name))
    }

    /// What stands for nobody: it tells whether two keys are the same.
    pub(crate) fn check_value(&self) -> Fingerprint {
        self.fingerprinter.of("")
    }

    /// An error where the roll was written with another key: nobody would be found in it.
    pub(crate) fn check<R: BufRead>(&self, roll: &RollReader<R>) -> Result<(), InputError> {
        if roll.is_keyed_by(&self.fingerprinter) {
            return Ok(());
        }
        Err(self.wrong())
    }

    /// The error of a key that is not the run's.
    pub(crate) fn wrong(&self) -> InputError {
        let problem = if self.is_set {
            "`LOG_HASH_KEY` is not the key that the run was sent with"
        } else {
            "the run was sent with a `LOG_HASH_KEY`: set it to find people"
        };
        InputError(problem.into())
    }
}

/// The channel of a run.
pub(crate) fn channel(record: &RunRecord) -> Channel {
    let channel = record.campaign.get("channel");
    let channel = channel.and_then(serde_json::Value::as_str);
    if channel == Some(Channel::LineNotify.as_str()) {
        Channel::LineNotify
    } else {
        Channel::Line
    }
}

//! The event source mappings of the delivery queues: switched off while a paused run waits, and on
//! again where it was the bookkeeper that has switched them off.

use std::sync::atomic::{AtomicBool, Ordering};

use aws_config::SdkConfig;
use aws_sdk_lambda::Client;
use fanline_ledger::{Lane, Mapping};
use fanline_telemetry::aws_error::words;
use jiff::Timestamp;

use crate::settings::MappingIds;

mod notes;

pub(crate) use notes::Notes;

/// The event source mappings of the stack.
///
/// The role needs `lambda:GetEventSourceMapping` and `lambda:UpdateEventSourceMapping` for them.
#[derive(Debug)]
pub(crate) struct Mappings {
    client: Option<Client>,
    ids: MappingIds,
    /// Whether the ledger has notes of them.
    has_notes: AtomicBool,
}

/// How far a mapping is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Switch {
    /// It is as wanted, or there is none to switch, or it is for an operator to switch it on.
    Done {
        /// Since when it was off by the bookkeeper.
        off_since: Option<Timestamp>,
    },
    /// It is on its way. Lambda takes some seconds, and takes no other change meanwhile.
    UnderWay,
}

/// A mapping could not be read or switched.
#[derive(Debug, thiserror::Error)]
#[error("event source mapping of the {} lane: {problem}", lane.as_str())]
pub(crate) struct MappingError {
    lane: Lane,
    problem: String,
}

/// What a mapping's `State` means for what is wanted of it.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_GetEventSourceMapping.html>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Nothing,
    Wait,
    Switch,
}

fn step(state: &str, wanted: Mapping) -> Step {
    match (state, wanted) {
        ("Enabled" | "Enabling", Mapping::Enabled)
        | ("Disabled" | "Disabling", Mapping::Disabled) => Step::Nothing,
        ("Enabled", Mapping::Disabled) | ("Disabled", Mapping::Enabled) => Step::Switch,
        _ => Step::Wait,
    }
}

impl Mappings {
    pub(crate) fn new(ids: MappingIds, config: &SdkConfig) -> Self {
        let has_some = ids.bulk.is_some() || ids.urgent.is_some();
        Self {
            client: has_some.then(|| Client::new(config)),
            ids,
            has_notes: AtomicBool::new(false),
        }
    }

    /// Sees to it once that the ledger has notes, where there is a mapping.
    pub(crate) async fn begin_notes(&self, notes: &Notes<'_>) {
        if self.client.is_none() || self.has_notes.load(Ordering::Relaxed) {
            return;
        }
        match notes.begin().await {
            Ok(()) => self.has_notes.store(true, Ordering::Relaxed),
            Err(error) => tracing::error!(%error, "notes of the mappings not written"),
        }
    }

    /// Makes the lane's mapping what is wanted of it. One that an operator has switched off stays
    /// off.
    pub(crate) async fn set_right(
        &self,
        notes: &Notes<'_>,
        lane: Lane,
        wanted: Mapping,
    ) -> Result<Switch, MappingError> {
        let id = match lane {
            Lane::Bulk => self.ids.bulk.as_deref(),
            Lane::Urgent => self.ids.urgent.as_deref(),
        };
        let (Some(client), Some(id)) = (&self.client, id) else {
            return Ok(Switch::Done { off_since: None });
        };
        let failed = |problem: String| MappingError { lane, problem };
        // Before the look at the mapping: whoever notes something later has seen another pause.
        let off_since = notes.since(lane).await;
        let off_since = off_since.map_err(|error| failed(error.to_string()))?;
        let mapping = client.get_event_source_mapping().uuid(id).send().await;
        let mapping = mapping.map_err(|error| failed(words(&error)))?;
        match (step(mapping.state().unwrap_or_default(), wanted), wanted) {
            (Step::Nothing, _) => return Ok(Switch::Done { off_since }),
            (Step::Wait, _) => return Ok(Switch::UnderWay),
            (Step::Switch, Mapping::Enabled) if off_since.is_none() => {
                let lane = lane.as_str();
                tracing::warn!(
                    lane,
                    "event source mapping left off: it was switched off by hand"
                );
                return Ok(Switch::Done { off_since });
            }
            (Step::Switch, Mapping::Enabled) => {}
            (Step::Switch, Mapping::Disabled) => {
                let written = notes.note(lane).await;
                written.map_err(|error| failed(error.to_string()))?;
            }
        }
        let request = client.update_event_source_mapping().uuid(id);
        let switched = request.enabled(wanted == Mapping::Enabled).send().await;
        switched.map_err(|error| failed(words(&error)))?;
        tracing::info!(lane = lane.as_str(), wanted = ?wanted, "event source mapping switched");
        Ok(Switch::UnderWay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_mapping_at_rest_is_switched() {
        use Mapping::{Disabled, Enabled};
        for (state, wanted, expected) in [
            ("Enabled", Disabled, Step::Switch),
            ("Disabled", Enabled, Step::Switch),
            ("Enabled", Enabled, Step::Nothing),
            ("Enabling", Enabled, Step::Nothing),
            ("Disabled", Disabled, Step::Nothing),
            ("Disabling", Disabled, Step::Nothing),
            ("Enabling", Disabled, Step::Wait),
            ("Disabling", Enabled, Step::Wait),
            ("Creating", Disabled, Step::Wait),
            ("Updating", Enabled, Step::Wait),
            ("Deleting", Enabled, Step::Wait),
            ("", Disabled, Step::Wait),
        ] {
            assert_eq!(step(state, wanted), expected, "{state} {wanted:?}");
        }
    }
}

//! The event source mappings of the delivery queues: switched off while a paused run waits.

use aws_config::SdkConfig;
use aws_sdk_lambda::Client;
use fanline_ledger::{Lane, Mapping};
use fanline_telemetry::aws_error::words;

use crate::settings::MappingIds;

/// The event source mappings of the stack.
///
/// The role needs `lambda:GetEventSourceMapping` and `lambda:UpdateEventSourceMapping` for them.
#[derive(Debug)]
pub(crate) struct Mappings {
    client: Option<Client>,
    ids: MappingIds,
}

/// How far a mapping is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Switch {
    /// It is as wanted, or there is none to switch.
    Done,
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
        }
    }

    /// Makes the lane's mapping what is wanted of it.
    pub(crate) async fn set_right(
        &self,
        lane: Lane,
        wanted: Mapping,
    ) -> Result<Switch, MappingError> {
        let id = match lane {
            Lane::Bulk => self.ids.bulk.as_deref(),
            Lane::Urgent => self.ids.urgent.as_deref(),
        };
        let (Some(client), Some(id)) = (&self.client, id) else {
            return Ok(Switch::Done);
        };
        let failed = |problem: String| MappingError { lane, problem };
        let mapping = client.get_event_source_mapping().uuid(id).send().await;
        let mapping = mapping.map_err(|error| failed(words(&error)))?;
        match step(mapping.state().unwrap_or_default(), wanted) {
            Step::Nothing => return Ok(Switch::Done),
            Step::Wait => return Ok(Switch::UnderWay),
            Step::Switch => {}
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

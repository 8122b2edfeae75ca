//! Which event source mappings the bookkeeper itself has switched off.

use fanline_core::campaign::Lane;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::state::Control;
use crate::json_object::{self, ObjectError, VERSION};

const OBJECT: &str = "mappings.json";

/// Which event source mappings the bookkeeper itself has switched off, and since when: it switches
/// on no other, since an operator may have switched that off for good.
///
/// It is an object of its own: consumers of earlier versions refuse a control object with fields
/// that they do not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwitchedOff {
    v: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bulk: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    urgent: Option<Timestamp>,
}

impl SwitchedOff {
    /// What counts where there is no object: a bookkeeper of an earlier version took no notes, and
    /// switched off whatever the control object has said something about.
    pub fn without_notes(control: &Control, now: Timestamp) -> Self {
        let of = |lane| control.mapping(lane).map(|_| now);
        Self {
            v: VERSION,
            bulk: of(Lane::Bulk),
            urgent: of(Lane::Urgent),
        }
    }

    /// Since when the lane's mapping is off by the bookkeeper; `None`: it is on, or somebody else
    /// has switched it off.
    pub fn since(&self, lane: Lane) -> Option<Timestamp> {
        match lane {
            Lane::Bulk => self.bulk,
            Lane::Urgent => self.urgent,
        }
    }

    /// The bookkeeper switches the lane's mapping off.
    pub fn note(&mut self, lane: Lane, now: Timestamp) {
        *self.since_mut(lane) = Some(now);
    }

    /// Forgets what was noted then. What another bookkeeper has noted since stays.
    pub fn forget(&mut self, lane: Lane, then: Timestamp) {
        self.since_mut(lane).take_if(|since| *since == then);
    }

    fn since_mut(&mut self, lane: Lane) -> &mut Option<Timestamp> {
        match lane {
            Lane::Bulk => &mut self.bulk,
            Lane::Urgent => &mut self.urgent,
        }
    }

    /// The object's content.
    pub fn encode(&self) -> Vec<u8> {
        json_object::encode(self)
    }

    /// Reads the object.
    pub fn decode(json: &[u8]) -> Result<Self, ObjectError> {
        json_object::decode(OBJECT, json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_of_one_lane_and_come_back_as_they_were_written() {
        let now = Timestamp::UNIX_EPOCH;
        let mut notes = SwitchedOff::without_notes(&Control::default(), now);
        assert_eq!(
            String::from_utf8(notes.encode()).unwrap(),
            "{\n  \"v\": 1\n}\n"
        );
        notes.note(Lane::Urgent, now);
        assert_eq!(notes.since(Lane::Bulk), None);
        assert_eq!(notes.since(Lane::Urgent), Some(now));
        assert_eq!(SwitchedOff::decode(&notes.encode()).unwrap(), notes);
    }

    #[test]
    fn what_was_noted_since_is_not_forgotten() {
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let mut notes = SwitchedOff::without_notes(&Control::default(), at(0));
        notes.note(Lane::Bulk, at(1));
        notes.note(Lane::Bulk, at(2));
        notes.forget(Lane::Bulk, at(1));
        assert_eq!(notes.since(Lane::Bulk), Some(at(2)));
        notes.forget(Lane::Urgent, at(2));
        assert_eq!(notes.since(Lane::Bulk), Some(at(2)));
        notes.forget(Lane::Bulk, at(2));
        assert_eq!(notes.since(Lane::Bulk), None);
    }

    #[test]
    fn notes_that_cannot_be_read_say_which_object_it_is() {
        for (json, problem) in [
            (
                "{\"v\":2}",
                "`mappings.json` is of version 2; this build reads version 1",
            ),
            (
                "[",
                "`mappings.json`: EOF while parsing a list at line 1 column 1",
            ),
        ] {
            let error = SwitchedOff::decode(json.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), problem);
        }
        let error = SwitchedOff::decode(br#"{"v":1,"bulk":7}"#).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("`mappings.json`: field `bulk`: "),
            "{error}"
        );
    }
}

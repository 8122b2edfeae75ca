//! What a message on the outcome queue says.

use serde_json::{Map, Value};

use super::message::{OutcomeMessage, OutcomeMessageError};

/// The body of a message that wakes the bookkeeper: send it to the outcome queue after an edit of
/// the control object. Then the bookkeeper switches mappings and releases canaries at once, and not
/// at its next tick.
pub const WAKE: &str = r#"{"v":1,"wake":true}"#;

/// What a message on the outcome queue says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutcomeQueueBody {
    /// What became of deliveries.
    Outcomes(OutcomeMessage),
    /// Somebody has edited the control object.
    Wake,
}

impl OutcomeQueueBody {
    /// Reads the body of a queue message.
    pub fn decode(body: &str) -> Result<Self, OutcomeMessageError> {
        match OutcomeMessage::decode(body) {
            Ok(message) => Ok(Self::Outcomes(message)),
            Err(_) if is_wake(body) => Ok(Self::Wake),
            Err(error) => Err(error),
        }
    }
}

fn is_wake(body: &str) -> bool {
    let fields: Option<Map<String, Value>> = serde_json::from_str(body).ok();
    fields.is_some_and(|fields| fields.get("wake") == Some(&Value::Bool(true)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wake_is_told_from_outcomes_and_from_nonsense() {
        assert_eq!(OutcomeQueueBody::decode(WAKE), Ok(OutcomeQueueBody::Wake));
        let outcomes = r#"{"v":1,"run":"r","time":"2026-12-25T00:00:00Z","outcomes":[]}"#;
        assert!(matches!(
            OutcomeQueueBody::decode(outcomes),
            Ok(OutcomeQueueBody::Outcomes(_))
        ));
        for body in ["", "{}", r#"{"wake":false}"#, r#"{"wake":1}"#, "[true]"] {
            assert!(OutcomeQueueBody::decode(body).is_err(), "{body}");
        }
        assert_eq!(
            OutcomeQueueBody::decode(r#"{"v":2}"#),
            Err(OutcomeMessageError::Version(2))
        );
    }
}

//! What the bookkeeper is called with.

use serde::Deserialize;

/// What the bookkeeper is called with.
///
/// The JSON is Lambda's event for a batch of SQS messages, or the tick: `{"tick": true}`, which the
/// schedule gives as its input.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Wire")]
pub enum Event {
    /// Messages of the outcome queue.
    Messages(Vec<Message>),
    /// A minute has passed.
    Tick,
}

/// A message of the outcome queue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Message {
    /// SQS's ID. Where there is none it is empty, and then only the whole batch can be handed back.
    #[serde(rename = "messageId", default)]
    pub id: String,
    /// The body.
    #[serde(default)]
    pub body: String,
}

/// Both events in one shape.
#[derive(Deserialize)]
struct Wire {
    #[serde(rename = "Records")]
    records: Option<Vec<Message>>,
    #[serde(default)]
    tick: bool,
}

impl TryFrom<Wire> for Event {
    type Error = &'static str;

    fn try_from(wire: Wire) -> Result<Self, Self::Error> {
        match (wire.records, wire.tick) {
            (Some(messages), false) => Ok(Self::Messages(messages)),
            (None, true) => Ok(Self::Tick),
            _ => Err("the event is neither a batch of SQS messages nor `{\"tick\": true}`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_and_the_tick_are_told_apart_and_nothing_else_is_taken() {
        let batch = r#"{"Records":[{"messageId":"1","body":"{}","eventSource":"aws:sqs"}]}"#;
        let message = Message {
            id: "1".into(),
            body: "{}".into(),
        };
        let read = |json: &str| serde_json::from_str::<Event>(json).ok();
        assert_eq!(read(batch), Some(Event::Messages(vec![message])));
        assert_eq!(read(r#"{"tick":true}"#), Some(Event::Tick));
        for wrong in [
            "{}",
            "null",
            r#"{"tick":false}"#,
            r#"{"Records":[],"tick":true}"#,
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}

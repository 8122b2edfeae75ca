//! The outcome message: what a consumer's invocation says became of its deliveries of one run.

use fanline_core::limits::sqs::MAX_BYTES;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::delivery_outcome::DeliveryOutcome;
use super::wire::WireOutcome;
use crate::keys::is_run_name;

/// The version that this build writes and reads. It changes with any word or field that changes
/// what a cell becomes.
const VERSION: u64 = 1;

/// What one invocation says became of its deliveries of one run: a message on the outcome queue.
///
/// # The JSON, version 1
/// `v`, `run`, `time` (the earliest outcome's), `outcomes`, and where they are not 0 `retries` and
/// `too_fast`. Each outcome has `at` (or `key`, the retry key of a loose delivery), `people` (1
/// where left out), `outcome`, `reason`, `status`, `request_id`, `receives` (1 where left out),
/// `departed` (`answered` where left out), `ms` (LINE's latency), `after` (milliseconds after
/// `time`) and `words`. A reader leaves out fields that it does not know. A word that it does not
/// know is an error: the message comes again, and is read once the reader is newer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutcomeMessage {
    /// The run.
    pub run: String,
    /// Requests of the invocation that were answered with a fault or not at all, and came again.
    pub retries: u32,
    /// Answers with 429.
    pub too_fast: u32,
    /// What became of each delivery or part.
    pub outcomes: Vec<DeliveryOutcome>,
}

/// Why a queue message is no outcome message. It never repeats the body.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutcomeMessageError {
    /// Not JSON, or not the shape of an outcome message.
    #[error("the body is not an outcome message: {0}")]
    Shape(String),
    /// Written by a version that this build does not know.
    #[error("the body is an outcome message of version {0}; this build reads version {VERSION}")]
    Version(u64),
}

/// How a body ends: the list of its outcomes is its last field.
const END: &str = "]}";

#[derive(Deserialize)]
struct Versioned {
    v: u64,
}

#[derive(Serialize, Deserialize)]
struct WireMessage {
    v: u64,
    run: String,
    time: Timestamp,
    #[serde(default, skip_serializing_if = "is_zero")]
    retries: u32,
    #[serde(default, skip_serializing_if = "is_zero")]
    too_fast: u32,
    outcomes: Vec<WireOutcome>,
}

impl OutcomeMessage {
    /// The bodies of the queue messages that carry it: none where there is no outcome, and almost
    /// always one. A batch of multicasts that all fell into parts can pass what one SQS message
    /// takes, and becomes several.
    pub fn encode(&self) -> Vec<String> {
        let Some(time) = self.outcomes.iter().map(|outcome| outcome.time).min() else {
            return Vec::new();
        };
        let since = time.as_millisecond();
        let mut head = WireMessage {
            v: VERSION,
            run: self.run.clone(),
            time: Timestamp::from_millisecond(since).unwrap_or(time),
            retries: self.retries,
            too_fast: self.too_fast,
            outcomes: Vec::new(),
        };
        let begun = |head: &WireMessage| json(head).trim_end_matches(END).to_owned();
        let mut bodies = Vec::new();
        let mut body = begun(&head);
        for outcome in &self.outcomes {
            let mut wire = WireOutcome::new(outcome);
            wire.after = u64::try_from(outcome.time.as_millisecond() - since).ok();
            let wire = json(&wire);
            let is_first = body.ends_with('[');
            if !is_first && body.len() + 1 + wire.len() + END.len() > MAX_BYTES {
                (head.retries, head.too_fast) = (0, 0);
                bodies.push(std::mem::replace(&mut body, begun(&head)) + END);
            } else if !is_first {
                body.push(',');
            }
            body.push_str(&wire);
        }
        bodies.push(body + END);
        bodies
    }

    /// Reads a queue message's body.
    pub fn decode(body: &str) -> Result<Self, OutcomeMessageError> {
        let message: WireMessage = match serde_json::from_str(body) {
            Ok(message) => message,
            // A later version may have another shape altogether.
            Err(error) => {
                return Err(match serde_json::from_str(body) {
                    Ok(Versioned { v }) if v != VERSION => OutcomeMessageError::Version(v),
                    _ => OutcomeMessageError::Shape(without_values(&error)),
                });
            }
        };
        if message.v != VERSION {
            return Err(OutcomeMessageError::Version(message.v));
        }
        let shape = |problem: &str| OutcomeMessageError::Shape(problem.to_owned());
        if !is_run_name(&message.run) {
            return Err(shape("`run` is not the name of a run"));
        }
        let since = message.time.as_millisecond();
        let outcomes: Result<Vec<_>, _> = message
            .outcomes
            .into_iter()
            .map(|wire| {
                let after = i64::try_from(wire.after.unwrap_or(0)).ok();
                let time = after.and_then(|after| since.checked_add(after));
                let time = time.and_then(|time| Timestamp::from_millisecond(time).ok());
                wire.at_time(time.ok_or("an outcome has no time")?)
            })
            .collect();
        Ok(Self {
            run: message.run,
            retries: message.retries,
            too_fast: message.too_fast,
            outcomes: outcomes.map_err(shape)?,
        })
    }
}

/// JSON of what always has one.
pub(super) fn json(value: &impl Serialize) -> String {
    #[expect(
        clippy::expect_used,
        reason = "text, numbers and lists of them are JSON"
    )]
    serde_json::to_string(value).expect("text, numbers and lists of them are JSON")
}

/// serde's message can quote the value at fault. Only its place may be shown.
pub(super) fn without_values(error: &serde_json::Error) -> String {
    use serde_json::error::Category;
    let what = match error.classify() {
        Category::Eof => "it ends too early",
        Category::Syntax => "it is not JSON",
        Category::Data | Category::Io => "a field is missing or of the wrong kind",
    };
    format!("{what} at line {}, column {}", error.line(), error.column())
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes the field by reference"
)]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::super::delivery_outcome::tests::accepted;
    use super::*;
    use crate::outcomes::{CellReason, Departed, Standing};
    use uuid::Uuid;

    fn message(outcomes: Vec<DeliveryOutcome>) -> OutcomeMessage {
        OutcomeMessage {
            run: "xmas@2026-12-25T00:00:00Z".into(),
            retries: 0,
            too_fast: 0,
            outcomes,
        }
    }

    #[test]
    fn the_bytes_of_a_message_are_pinned() {
        let refused = DeliveryOutcome {
            people: 2,
            reason: CellReason::Refused,
            status: Some(400),
            receives: 3,
            departed: Departed::Unanswered,
            time: "2026-12-25T00:00:04.5Z".parse().unwrap(),
            words: Some("The property, to, is invalid".into()),
            ..accepted("1:7:0,2")
        };
        let held = DeliveryOutcome {
            standing: Standing::Loose(Uuid::from_u128(7)),
            reason: CellReason::Quota,
            status: None,
            request_id: None,
            departed: Departed::No,
            latency_ms: None,
            ..accepted("1:0")
        };
        let mut message = message(vec![accepted("1:4711"), refused, held]);
        (message.retries, message.too_fast) = (2, 1);
        let body = concat!(
            r#"{"v":1,"run":"xmas@2026-12-25T00:00:00Z","time":"2026-12-25T00:00:03.25Z","#,
            r#""retries":2,"too_fast":1,"outcomes":[{"at":"1:4711","outcome":"accepted","#,
            r#""status":200,"request_id":"5b59cbbd-4f1c-4a68-9fbb-b1c2bb3d1c0f","ms":143,"#,
            r#""after":0},"#,
            r#"{"at":"1:7:0,2","people":2,"outcome":"refused","status":400,"#,
            r#""request_id":"5b59cbbd-4f1c-4a68-9fbb-b1c2bb3d1c0f","receives":3,"#,
            r#""departed":"unanswered","ms":143,"after":1250,"#,
            r#""words":"The property, to, is invalid"},"#,
            r#"{"key":"00000000-0000-0000-0000-000000000007","outcome":"set_aside","#,
            r#""reason":"quota","departed":"no","after":0}]}"#,
        );
        assert_eq!(message.encode(), [body]);
        assert_eq!(OutcomeMessage::decode(body), Ok(message));
    }

    #[test]
    fn ten_outcomes_take_little_more_than_a_kilobyte() {
        let ten = (471_100..471_110).map(|number| accepted(&format!("1:{number}")));
        let bodies = message(ten.collect()).encode();
        assert_eq!(bodies.len(), 1);
        assert!(bodies[0].len() <= 1_400, "{} bytes", bodies[0].len());
        assert!(message(Vec::new()).encode().is_empty());
    }

    #[test]
    fn no_message_is_too_long_for_sqs_and_no_outcome_is_lost() {
        let words = "\u{1}".repeat(400);
        let outcomes: Vec<DeliveryOutcome> = (0..5_000)
            .map(|number| DeliveryOutcome {
                reason: CellReason::Refused,
                words: Some(words.clone()),
                ..accepted(&format!("1:{number}:{}", number % 500))
            })
            .collect();
        let mut whole = message(outcomes);
        whole.retries = 9;
        let bodies = whole.encode();
        assert!(bodies.len() > 5, "{}", bodies.len());
        let parts: Vec<OutcomeMessage> = bodies
            .iter()
            .inspect(|body| assert!(body.len() <= MAX_BYTES))
            .map(|body| OutcomeMessage::decode(body).unwrap())
            .collect();
        let retries: u32 = parts.iter().map(|part| part.retries).sum();
        assert_eq!(retries, 9, "counted once");
        let outcomes: Vec<_> = parts.into_iter().flat_map(|part| part.outcomes).collect();
        assert_eq!(outcomes.len(), 5_000);
        assert_eq!(outcomes[4_999].words.as_ref().unwrap().len(), 300);
        assert_eq!(outcomes[4_999].standing, whole.outcomes[4_999].standing);
    }

    #[test]
    fn a_newer_message_is_named_by_its_version_and_new_fields_are_left_out() {
        for (body, error) in [
            (
                r#"{"v":2,"deliveries":{}}"#,
                Some(OutcomeMessageError::Version(2)),
            ),
            (
                r#"{"v":2,"run":"r","time":"2026-12-25T00:00:00Z","outcomes":[]}"#,
                Some(OutcomeMessageError::Version(2)),
            ),
            (
                r#"{"v":1,"run":"r","time":"2026-12-25T00:00:00Z","colour":"red",
                "outcomes":[{"at":"1:0","outcome":"expired","colour":{}}]}"#,
                None,
            ),
        ] {
            assert_eq!(OutcomeMessage::decode(body).err(), error, "{body}");
        }
    }

    #[test]
    fn nonsense_is_refused_without_repeating_it() {
        let with = |outcome: &str| {
            format!(r#"{{"v":1,"run":"r","time":"2026-12-25T00:00:00Z","outcomes":[{outcome}]}}"#)
        };
        for body in [
            String::new(),
            "{}".into(),
            "[1]".into(),
            r#"{"v":1,"run":"r","outcomes":[]}"#.into(),
            r#"{"v":1,"run":"","time":"2026-12-25T00:00:00Z","outcomes":[]}"#.into(),
            with(r#"{"at":"secret:1","outcome":"accepted"}"#),
            with(r#"{"at":"1:0","outcome":"secret"}"#),
            with(r#"{"at":"1:0","outcome":"accepted","reason":"secret"}"#),
            with(r#"{"at":"1:0","outcome":"set_aside"}"#),
            with(r#"{"at":"1:0","outcome":"accepted","people":0}"#),
            with(r#"{"at":"1:0","outcome":"accepted","people":501}"#),
            with(r#"{"at":"1:0:3-4","outcome":"accepted","people":3}"#),
            with(
                r#"{"at":"1:0","key":"00000000-0000-0000-0000-000000000007","outcome":"accepted"}"#,
            ),
            with(r#"{"outcome":"accepted"}"#),
            with(
                r#"{"key":"00000000-0000-0000-0000-000000000007","outcome":"accepted","people":0}"#,
            ),
            with(r#"{"at":"1:0","outcome":"accepted","after":18446744073709551615}"#),
            with(r#"{"at":"1:0","outcome":"accepted","after":-1}"#),
        ] {
            let error = OutcomeMessage::decode(&body).unwrap_err();
            assert!(matches!(error, OutcomeMessageError::Shape(_)), "{body}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}

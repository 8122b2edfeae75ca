//! The forms in which work arrives.

pub(crate) mod upload;

use aws_lambda_events::sqs::SqsEvent;
use fanline_ledger::SliceOrder;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::event::upload::notice::is_of_s3;
use crate::list::slice::Slice;

/// What an invocation is asked to do.
#[derive(Debug, PartialEq)]
pub(crate) enum Event {
    /// Fan a campaign out, from its beginning.
    Campaign(Firing),
    /// Fan out the campaign that the settings name.
    Configured {
        /// When the rule fired.
        time: Option<Value>,
    },
    /// Work on slices from the slice queue.
    Slices(Vec<SliceMessage>),
}

/// A message of the slice queue.
#[derive(Debug, PartialEq)]
pub(crate) enum SliceMessage {
    /// A slice with all that it needs.
    Slice(Box<Slice>),
    /// The name of a slice whose waiting people are to be published again.
    Order(SliceOrder),
}

/// One firing of a campaign.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Firing {
    /// The campaign as it was given, with the time of its firing where that is known.
    pub(crate) campaign: Value,
    /// What an earlier fan-out has published before it broke off: `skip_deliveries`.
    pub(crate) skip: Option<Skip>,
    /// The file that it was uploaded as.
    pub(crate) file: Option<CampaignFile>,
}

/// The file that a campaign was uploaded as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CampaignFile {
    /// `s3://BUCKET/KEY`.
    pub(crate) uri: String,
    /// A digest of its content.
    pub(crate) digest: String,
}

/// The first deliveries of a list, which are left out.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Skip {
    /// How many.
    pub(crate) n: u64,
    /// The version of the list that makes these deliveries.
    pub(crate) etag: String,
}

/// Why an event asks for nothing that can be done.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// The event is not an object.
    #[error(
        "the event is not a JSON object: a campaign, an EventBridge event or an SQS event is \
         expected"
    )]
    NotAnObject,
    /// The event of a rule has no campaign, and the settings name none.
    #[error(
        "the event's `detail` is empty and `CAMPAIGN` is not set: there is no campaign to send"
    )]
    NoCampaign,
    /// `detail` is not an object.
    #[error("the event's `detail` is not a campaign: it is not a JSON object")]
    Detail,
    /// `skip_deliveries` is not a number and an `ETag`.
    #[error(
        "`skip_deliveries` is not `{{\"n\": NUMBER, \"etag\": \"ETAG\"}}`: the error of the \
         invocation that broke off has both"
    )]
    Skip,
    /// `skip_deliveries` can't be used: a list in several slices has no one order of deliveries.
    #[error(
        "`skip_deliveries` is for a list of one slice, but this list goes to the slice queue \
         in several"
    )]
    SkipOfManySlices,
    /// The event is another service's.
    #[error(
        "this is an event of {0}: expected is a campaign, an event of a schedule or a rule, or \
         slices from SQS"
    )]
    OtherService(String),
    /// The event has `Records`, but is not an SQS event.
    #[error("the event has `Records`, but it is not an SQS event")]
    NotSqs,
    /// A record is not a slice.
    #[error("record {record} is not a slice: {problem}")]
    NotASlice {
        /// The record's number. The first one is 1.
        record: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// The bytes of a slice do not all lie in its list.
    #[error("the slice does not lie within its list: its `start` or its `end` is wrong")]
    SliceOutsideList,
}

impl Event {
    /// Reads an event of any form.
    pub(crate) fn parse(event: Value) -> Result<Self, EventError> {
        let Value::Object(mut object) = event else {
            return Err(EventError::NotAnObject);
        };
        if let Some(service) = other_service(&object) {
            return Err(EventError::OtherService(service));
        }
        if object.contains_key("Records") {
            return slices(Value::Object(object)).map(Self::Slices);
        }
        if !object.contains_key("detail-type") {
            return Firing::new(Value::Object(object), None).map(Self::Campaign);
        }
        let time = object.remove("time");
        match detail(object.remove("detail"))? {
            Value::Null => Ok(Self::Configured { time }),
            Value::Object(detail) if detail.is_empty() => Ok(Self::Configured { time }),
            detail => Firing::new(detail, time).map(Self::Campaign),
        }
    }
}

impl Firing {
    /// A campaign that fired at `time`. A campaign with a `scheduled_time` of its own keeps it.
    pub(crate) fn new(mut campaign: Value, time: Option<Value>) -> Result<Self, EventError> {
        let Value::Object(object) = &mut campaign else {
            return Err(EventError::Detail);
        };
        if let Some(time) = time {
            object.entry("scheduled_time").or_insert(time);
        }
        let skip = match object.remove("skip_deliveries") {
            None => None,
            // The words of a JSON error can quote a value, so they are not repeated.
            Some(skip) => Some(serde_json::from_value(skip).map_err(|_| EventError::Skip)?),
        };
        Ok(Self {
            campaign,
            skip,
            file: None,
        })
    }
}

/// What an event's `detail` holds. In Scheduler's own events it is a text with JSON in it.
fn detail(detail: Option<Value>) -> Result<Value, EventError> {
    let detail = detail.unwrap_or(Value::Null);
    let Value::String(text) = &detail else {
        return Ok(detail);
    };
    match text.trim() {
        "" => Ok(Value::Null),
        // The words of a JSON error can quote a value, so they are not repeated.
        json => serde_json::from_str(json).map_err(|_| EventError::Detail),
    }
}

/// The service that sent the event, where it is none from which an event is expected.
///
/// S3 names itself in `eventSource`, SNS in `EventSource`, and in an event of a rule each service
/// is the `source`.
fn other_service(event: &Map<String, Value>) -> Option<String> {
    let record = event.get("Records").and_then(|records| records.get(0));
    let source = match record {
        Some(record) => record
            .get("eventSource")
            .or_else(|| record.get("EventSource")),
        None => event
            .get("source")
            .filter(|_| event.contains_key("detail-type")),
    };
    match source?.as_str()? {
        "aws:s3" | "aws.s3" => Some(OF_S3.into()),
        "aws:sns" => Some("SNS".into()),
        "aws:sqs" => None,
        other if other.starts_with("aws:") && is_name(other) => Some(format!("`{other}`")),
        _ => None,
    }
}

/// S3, for a producer without an outbox.
const OF_S3: &str = "S3 (an upload starts a campaign only with `OnUpload=ENABLED`)";

/// Whether the text can be a service's name, and no value of a person.
fn is_name(text: &str) -> bool {
    text.len() <= 30 && text.bytes().all(|b| b.is_ascii_lowercase() || b == b':')
}

fn slices(event: Value) -> Result<Vec<SliceMessage>, EventError> {
    // The words of a JSON error can quote a value, so they are not repeated.
    let event: SqsEvent = serde_json::from_value(event).map_err(|_| EventError::NotSqs)?;
    let numbered = (1..).zip(event.records);
    numbered
        .map(|(record, message)| {
            slice(message.body).map_err(|problem| EventError::NotASlice { record, problem })
        })
        .collect()
}

fn slice(body: Option<String>) -> Result<SliceMessage, String> {
    let body = body.ok_or("it has no body")?;
    if let Ok(order) = SliceOrder::decode(&body) {
        return Ok(SliceMessage::Order(order));
    }
    let slice = serde_json::from_str(&body).map(|slice| SliceMessage::Slice(Box::new(slice)));
    slice.map_err(|error: serde_json::Error| {
        if is_of_s3(&body) {
            return format!("it is an event of {OF_S3}");
        }
        // The body can hold recipients, and the words of a JSON error can quote them. So only the
        // place is named.
        let (line, column) = (error.line(), error.column());
        format!("it does not read as one at line {line}, column {column}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn envelope(detail: &Value) -> Value {
        json!({
            "version": "0", "id": "1", "detail-type": "Scheduled Event",
            "source": "aws.events", "account": "0", "time": "2026-12-25T00:00:00Z",
            "region": "ap-northeast-1", "resources": [], "detail": detail,
        })
    }

    #[test]
    fn a_bare_object_is_the_campaign() {
        let skip = json!({"n": 7, "etag": "\"5f\""});
        let event = Event::parse(json!({"campaign": "c", "skip_deliveries": skip})).unwrap();
        assert_eq!(
            event,
            Event::Campaign(Firing {
                campaign: json!({"campaign": "c"}),
                skip: Some(Skip {
                    n: 7,
                    etag: "\"5f\"".into()
                }),
                file: None,
            })
        );
    }

    #[test]
    fn a_rule_names_the_run_by_its_time_unless_the_campaign_does() {
        let timed = |time: &str| {
            Event::Campaign(Firing {
                campaign: json!({"campaign": "c", "scheduled_time": time}),
                skip: None,
                file: None,
            })
        };
        let event = Event::parse(envelope(&json!({"campaign": "c"}))).unwrap();
        assert_eq!(event, timed("2026-12-25T00:00:00Z"));
        let event = Event::parse(envelope(
            &json!({"campaign": "c", "scheduled_time": "then"}),
        ))
        .unwrap();
        assert_eq!(event, timed("then"));
    }

    #[test]
    fn a_rule_without_a_campaign_leaves_it_to_the_setting() {
        let event = Event::parse(envelope(&json!({}))).unwrap();
        assert_eq!(
            event,
            Event::Configured {
                time: Some(json!("2026-12-25T00:00:00Z"))
            }
        );
    }

    #[test]
    fn the_detail_of_a_schedule_is_a_text() {
        for text in ["{}", " {\n} ", "", " \n", "null"] {
            let event = Event::parse(envelope(&json!(text))).unwrap();
            let time = Some(json!("2026-12-25T00:00:00Z"));
            assert_eq!(event, Event::Configured { time }, "{text:?}");
        }
        let campaign = json!({"campaign": "c", "skip_deliveries": 2});
        assert_eq!(
            Event::parse(envelope(&json!(campaign.to_string()))),
            Event::parse(envelope(&campaign))
        );
        for text in ["secret", "[1]", "{} {}", "\"{}\""] {
            let error = Event::parse(envelope(&json!(text)));
            assert_eq!(error, Err(EventError::Detail), "{text}");
        }
    }

    #[test]
    fn an_event_of_another_service_is_named() {
        let rule = |source: &str| json!({"detail-type": "Object Created", "source": source, "detail": {"object": {}}});
        for (event, service) in [
            (
                json!({"Records": [{"eventSource": "aws:s3", "s3": {}}]}),
                OF_S3,
            ),
            (rule("aws.s3"), OF_S3),
            (
                json!({"Records": [{"EventSource": "aws:sns", "Sns": {}}]}),
                "SNS",
            ),
            (
                json!({"Records": [{"eventSource": "aws:kinesis"}]}),
                "`aws:kinesis`",
            ),
        ] {
            let error = Event::parse(event).unwrap_err();
            assert_eq!(error, EventError::OtherService(service.into()));
        }
        let body = json!({"Records": [{"eventSource": "aws:s3", "s3": {}}]}).to_string();
        let error = Event::parse(json!({"Records": [{"body": body}]})).unwrap_err();
        assert_eq!(
            error.to_string(),
            "record 1 is not a slice: it is an event of S3 (an upload starts a campaign only with \
             `OnUpload=ENABLED`)"
        );
        let of_sqs = json!({"Records": [{"eventSource": "aws:sqs", "body": "x"}]});
        let error = Event::parse(of_sqs).unwrap_err();
        assert!(matches!(error, EventError::NotASlice { .. }));
    }

    #[test]
    fn what_is_not_an_event_says_so_and_repeats_no_value() {
        assert_eq!(Event::parse(json!([])), Err(EventError::NotAnObject));
        assert_eq!(Event::parse(envelope(&json!([]))), Err(EventError::Detail));
        for skip in [json!(7), json!({"n": -1, "etag": "e"}), json!({"n": 7})] {
            assert_eq!(
                Event::parse(json!({"campaign": "c", "skip_deliveries": skip})),
                Err(EventError::Skip)
            );
        }
        assert_eq!(
            Event::parse(json!({"Records": "secret"})),
            Err(EventError::NotSqs)
        );
        let error = Event::parse(json!({"Records": [{"body": "{\"secret\": 1}"}]}))
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            "record 1 is not a slice: it does not read as one at line 1, column 9"
        );
        let error = Event::parse(json!({"Records": [{}]}))
            .unwrap_err()
            .to_string();
        assert_eq!(error, "record 1 is not a slice: it has no body");
    }
}

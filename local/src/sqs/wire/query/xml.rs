//! From the JSON of an answer to its XML.

use std::borrow::Cow;
use std::io;

use quick_xml::Writer;
use quick_xml::escape::escape;
use quick_xml::events::{BytesDecl, BytesText, Event};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::sqs::message::text::is_allowed;
use crate::sqs::refusal::Refusal;
use crate::sqs::wire::query::shapes::{Action, Member, Shape};

const NAMESPACE: (&str, &str) = ("xmlns", "http://queue.amazonaws.com/doc/2012-11-05/");

type Xml = Writer<Vec<u8>>;

/// The answer of an action, whose JSON is `json`.
pub(crate) fn answer(action: &Action, json: &[u8], id: Uuid) -> Result<Vec<u8>, Refusal> {
    let json: Map<String, Value> =
        serde_json::from_slice(json).map_err(|_| Refusal::InternalError)?;
    let name = action.name;
    document(&format!("{name}Response"), |xml| {
        if let Some(members) = action.answer {
            xml.create_element(format!("{name}Result"))
                .write_inner_content(|xml| structure(xml, members, &json))?;
        }
        xml.create_element("ResponseMetadata")
            .write_inner_content(|xml| element(xml, "RequestId", &id.to_string()))?;
        Ok(())
    })
    .map_err(|_| Refusal::InternalError)
}

/// The answer to a request that is refused.
#[expect(clippy::expect_used, reason = "its proof stands beside it")]
pub(crate) fn error(refusal: &Refusal, id: Uuid) -> Vec<u8> {
    let fault = if refusal.sender_fault() {
        "Sender"
    } else {
        "Receiver"
    };
    document("ErrorResponse", |xml| {
        xml.create_element("Error").write_inner_content(|xml| {
            element(xml, "Type", fault)?;
            element(xml, "Code", refusal.code())?;
            element(xml, "Message", &refusal.to_string())?;
            xml.create_element("Detail").write_empty()?;
            Ok(())
        })?;
        element(xml, "RequestId", &id.to_string())
    })
    .expect("a write to memory does not fail")
}

fn document(name: &str, content: impl FnOnce(&mut Xml) -> io::Result<()>) -> io::Result<Vec<u8>> {
    let mut xml = Writer::new(Vec::new());
    xml.write_event(Event::Decl(BytesDecl::new("1.0", None, None)))?;
    xml.create_element(name)
        .with_attribute(NAMESPACE)
        .write_inner_content(content)?;
    Ok(xml.into_inner())
}

/// Writes the members that the JSON has.
fn structure(xml: &mut Xml, members: &[Member], json: &Map<String, Value>) -> io::Result<()> {
    for (name, shape) in members {
        if let Some(value) = json.get(*name) {
            member(xml, name, shape, value)?;
        }
    }
    Ok(())
}

fn member(xml: &mut Xml, name: &str, shape: &Shape, value: &Value) -> io::Result<()> {
    match (shape, value) {
        (Shape::List(entry, of), Value::Array(values)) => {
            for value in values {
                member(xml, entry, of, value)?;
            }
        }
        (Shape::Map(of), Value::Object(values)) => {
            for (key, value) in values {
                xml.create_element(of.entry).write_inner_content(|xml| {
                    element(xml, of.key, key)?;
                    member(xml, of.value, of.of, value)
                })?;
            }
        }
        (Shape::Structure(members), Value::Object(json)) => {
            xml.create_element(name)
                .write_inner_content(|xml| structure(xml, members, json))?;
        }
        (_, Value::String(text)) => element(xml, name, text)?,
        (_, Value::Null) => {}
        // A number or a flag.
        (_, value) => element(xml, name, &value.to_string())?,
    }
    Ok(())
}

fn element(xml: &mut Xml, name: &str, text: &str) -> io::Result<()> {
    let text = BytesText::from_escaped(escaped(text));
    xml.create_element(name).write_text_content(text)?;
    Ok(())
}

/// The text as XML holds it. A parser would make a line feed of a carriage return. XML 1.0 has no
/// way at all to write the other control characters: each becomes U+FFFD. A message can't have
/// them, but an error may repeat one, or a tag.
fn escaped(text: &str) -> Cow<'_, str> {
    let mut text = escape(text);
    if !is_allowed(&text) {
        let held = |c: char| {
            if is_allowed(c.encode_utf8(&mut [0; 4])) {
                c
            } else {
                '\u{FFFD}'
            }
        };
        text = text.chars().map(held).collect::<String>().into();
    }
    if text.contains('\r') {
        text = text.replace('\r', "&#13;").into();
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use quick_xml::escape::unescape;
    use serde_json::json;

    use super::*;
    use crate::sqs::wire::query::shapes;

    fn xml(action: &str, json: &Value) -> String {
        let action = shapes::action(action).unwrap();
        let bytes = answer(action, json.to_string().as_bytes(), Uuid::nil()).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// The answer with these results, without its frame.
    fn result(action: &str, json: &Value) -> String {
        let xml = xml(action, json);
        let (start, end) = (format!("<{action}Result>"), format!("</{action}Result>"));
        let from = xml.find(&start).unwrap() + start.len();
        xml[from..xml.find(&end).unwrap()].to_owned()
    }

    #[test]
    fn an_answer_has_a_frame_with_its_request_id_and_perhaps_a_result() {
        let id = "00000000-0000-0000-0000-000000000000";
        let metadata = format!("<ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata>");
        let namespace = r#"xmlns="http://queue.amazonaws.com/doc/2012-11-05/""#;
        let head = r#"<?xml version="1.0"?>"#;
        assert_eq!(
            xml("PurgeQueue", &json!({})),
            format!("{head}<PurgeQueueResponse {namespace}>{metadata}</PurgeQueueResponse>")
        );
        assert_eq!(
            xml("ListQueues", &json!({})),
            format!(
                "{head}<ListQueuesResponse {namespace}><ListQueuesResult></ListQueuesResult>\
                 {metadata}</ListQueuesResponse>"
            )
        );
    }

    #[test]
    fn lists_maps_and_structures_are_written_as_sqs_writes_them() {
        for (action, json, expected) in [
            (
                "ListDeadLetterSourceQueues",
                json!({"queueUrls": ["http://a/b", "http://a/c"], "NextToken": "1"}),
                "<QueueUrl>http://a/b</QueueUrl><QueueUrl>http://a/c</QueueUrl>\
                 <NextToken>1</NextToken>",
            ),
            (
                "GetQueueAttributes",
                json!({"Attributes": {"DelaySeconds": "0", "Policy": "{\"a\":1}"}}),
                "<Attribute><Name>DelaySeconds</Name><Value>0</Value></Attribute>\
                 <Attribute><Name>Policy</Name><Value>{&quot;a&quot;:1}</Value></Attribute>",
            ),
            (
                "DeleteMessageBatch",
                json!({
                    "Successful": [{"Id": "a"}],
                    "Failed": [{"Id": "b", "SenderFault": true, "Code": "C", "Message": "no"}],
                }),
                "<DeleteMessageBatchResultEntry><Id>a</Id></DeleteMessageBatchResultEntry>\
                 <BatchResultErrorEntry><Id>b</Id><SenderFault>true</SenderFault><Code>C</Code>\
                 <Message>no</Message></BatchResultErrorEntry>",
            ),
            (
                "ReceiveMessage",
                json!({"Messages": [{
                    "MessageId": "m",
                    "Body": "1 < 2",
                    "Attributes": {"SentTimestamp": "9"},
                    "MessageAttributes": {"n": {"DataType": "Number", "StringValue": "7"}},
                }]}),
                "<Message><MessageId>m</MessageId><Body>1 &lt; 2</Body>\
                 <Attribute><Name>SentTimestamp</Name><Value>9</Value></Attribute>\
                 <MessageAttribute><Name>n</Name><Value><StringValue>7</StringValue>\
                 <DataType>Number</DataType></Value></MessageAttribute></Message>",
            ),
        ] {
            assert_eq!(result(action, &json), expected, "{action}");
        }
    }

    #[test]
    fn an_error_has_the_code_of_the_old_protocol_and_says_whose_fault_it_is() {
        let text = |refusal| String::from_utf8(error(&refusal, Uuid::nil())).unwrap();
        assert!(text(Refusal::QueueDoesNotExist).contains(
            "<Error><Type>Sender</Type><Code>AWS.SimpleQueueService.NonExistentQueue</Code>\
             <Message>The specified queue does not exist.</Message><Detail/></Error><RequestId>"
        ));
        assert!(text(Refusal::InternalError).contains("<Type>Receiver</Type>"));
        let handle = Refusal::ReceiptHandleIsInvalid("\u{1}<".to_owned());
        assert!(text(handle).contains("handle &quot;\u{FFFD}&lt;&quot; is not"));
    }

    proptest! {
        #[test]
        fn a_text_that_xml_can_hold_comes_back_as_it_was(text in any::<String>()) {
            let escaped = escaped(&text);
            prop_assert!(is_allowed(&escaped) && !escaped.contains(['\r', '<']));
            let back = unescape(&escaped).unwrap();
            let held = text.chars().zip(back.chars()).all(|(before, after)| {
                before == after || (!is_allowed(&before.to_string()) && after == '\u{FFFD}')
            });
            prop_assert!(held && text.chars().count() == back.chars().count());
        }
    }
}

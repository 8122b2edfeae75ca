//! From a form to the JSON of a request: `Attribute.1.Name=…` is a member of a member of a list.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::sqs::refusal::Refusal;
use crate::sqs::wire::query::shapes::{self, Action, Entries, Member, Shape};

/// No name in the tables has more parts: `SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.
/// StringListValue.1`. More of them from outside must not make a deeper tree.
const MAX_PARTS: usize = 7;

/// The fields of a form, as a tree by the parts of their names.
#[derive(Debug, Default)]
struct Field {
    text: Option<String>,
    parts: BTreeMap<String, Self>,
}

/// The action that the forms name, and its request in JSON. Of two fields with one name the last
/// one counts. A request without a queue's URL is for the queue at `url`, to which it was sent.
pub(crate) fn request(
    forms: &[Option<&[u8]>],
    url: &str,
) -> Result<(&'static Action, Vec<u8>), Refusal> {
    let form = read(forms);
    let name = form.parts.get("Action").map(text);
    let name = name.ok_or(Refusal::MissingAction)?;
    let action = shapes::action(name).ok_or(Refusal::UnknownOperation)?;
    let mut request = structure(action.request, &form)?;
    if action.request.iter().any(|(name, _)| *name == "QueueUrl") {
        let queue = request.entry("QueueUrl");
        queue.or_insert_with(|| url.into());
    }
    let json = serde_json::to_vec(&request).map_err(|_| Refusal::InternalError)?;
    Ok((action, json))
}

fn read(forms: &[Option<&[u8]>]) -> Field {
    let mut root = Field::default();
    for form in forms.iter().flatten() {
        for (name, text) in form_urlencoded::parse(form) {
            let mut field = &mut root;
            for part in name.splitn(MAX_PARTS, '.') {
                field = field.parts.entry(part.to_owned()).or_default();
            }
            field.text = Some(text.into_owned());
        }
    }
    root
}

fn structure(members: &[Member], form: &Field) -> Result<Map<String, Value>, Refusal> {
    let mut json = Map::new();
    for (name, shape) in members {
        let wire_name = match shape {
            Shape::List(entry, _) | Shape::Map(Entries { entry, .. }) => entry,
            Shape::Text | Shape::Integer | Shape::Structure(_) => name,
        };
        if let Some(field) = form.parts.get(*wire_name) {
            json.insert((*name).to_owned(), value(name, shape, field)?);
        }
    }
    Ok(json)
}

fn value(name: &str, shape: &Shape, field: &Field) -> Result<Value, Refusal> {
    Ok(match shape {
        Shape::Text => text(field).into(),
        Shape::Integer => {
            let text = text(field);
            let number: Result<i64, _> = text.parse();
            let number = number.map_err(|_| Refusal::value(text, name, "Must be an integer."))?;
            number.into()
        }
        Shape::List(entry, of) => entries(field)
            .into_iter()
            .map(|field| value(entry, of, field))
            .collect::<Result<_, _>>()?,
        Shape::Map(of) => entries(field)
            .into_iter()
            .map(|field| {
                let key = field.parts.get(of.key).map(text).unwrap_or_default();
                let none = Field::default();
                let field = field.parts.get(of.value).unwrap_or(&none);
                Ok((key.to_owned(), value(of.value, of.of, field)?))
            })
            .collect::<Result<Map<_, _>, _>>()?
            .into(),
        Shape::Structure(members) => structure(members, field)?.into(),
    })
}

/// The text of a field. One that only has parts is empty.
fn text(field: &Field) -> &str {
    field.text.as_deref().unwrap_or_default()
}

/// The entries of a list in their order. A list of one may have no number: `Attribute.Name`.
fn entries(list: &Field) -> Vec<&Field> {
    let numbered = list.parts.iter();
    let mut numbered: Vec<(u64, &Field)> = numbered
        .filter_map(|(number, field)| Some((number.parse().ok()?, field)))
        .collect();
    numbered.sort_by_key(|(number, _)| *number);
    if numbered.is_empty() {
        return vec![list];
    }
    numbered.into_iter().map(|(_, field)| field).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The request in JSON that the form is.
    fn request(form: &str) -> Result<Value, Refusal> {
        let url = "http://host/000000000000/mail";
        let (_, json) = super::request(&[None, Some(form.as_bytes())], url)?;
        Ok(serde_json::from_slice(&json).unwrap())
    }

    #[test]
    fn each_kind_of_parameter_becomes_the_json_of_the_other_protocol() {
        let queue = "http://host/000000000000/mail";
        for (form, expected) in [
            (
                "Action=ListQueues&QueueNamePrefix=a%20b",
                json!({"QueueNamePrefix": "a b"}),
            ),
            (
                "Action=DeleteMessage&ReceiptHandle=a%2Bb&Version=2012-11-05",
                json!({"QueueUrl": queue, "ReceiptHandle": "a+b"}),
            ),
            (
                "Action=GetQueueAttributes&QueueUrl=x\
                 &AttributeName.2=B&AttributeName.1=A&AttributeName.10=C",
                json!({"QueueUrl": "x", "AttributeNames": ["A", "B", "C"]}),
            ),
            (
                "Action=GetQueueAttributes&AttributeName=All",
                json!({"QueueUrl": queue, "AttributeNames": ["All"]}),
            ),
            (
                "Action=SetQueueAttributes&Attribute.Name=DelaySeconds&Attribute.Value=45",
                json!({"QueueUrl": queue, "Attributes": {"DelaySeconds": "45"}}),
            ),
            (
                "Action=CreateQueue&QueueName=q&Tag.1.Key=a&Tag.1.Value=b&Tag.2.Key=c",
                json!({"QueueName": "q", "Tags": {"a": "b", "c": ""}}),
            ),
            (
                "Action=SendMessageBatch&SendMessageBatchRequestEntry.1.Id=a\
                 &SendMessageBatchRequestEntry.1.DelaySeconds=-1\
                 &SendMessageBatchRequestEntry.1.MessageAttribute.1.Name=n\
                 &SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.DataType=String\
                 &SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.StringValue=v",
                json!({"QueueUrl": queue, "Entries": [{
                    "Id": "a",
                    "DelaySeconds": -1,
                    "MessageAttributes": {"n": {"DataType": "String", "StringValue": "v"}},
                }]}),
            ),
        ] {
            assert_eq!(request(form), Ok(expected), "{form}");
        }
    }

    #[test]
    fn a_form_without_an_action_or_with_a_bad_number_is_refused() {
        assert_eq!(request(""), Err(Refusal::MissingAction));
        assert_eq!(request("Action=Fly"), Err(Refusal::UnknownOperation));
        let refusal = request("Action=ReceiveMessage&WaitTimeSeconds=soon").unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "Value soon for parameter WaitTimeSeconds is invalid. Reason: Must be an integer."
        );
    }

    #[test]
    fn a_name_with_a_million_parts_makes_no_deep_tree() {
        let name = ".".repeat(1_000_000);
        let form = format!("Action=ListQueues&{name}=x");
        assert_eq!(request(&form), Ok(json!({})));
    }
}

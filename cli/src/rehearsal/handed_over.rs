//! Which deliveries the consumer was given: the others were certainly not sent.

use std::collections::HashSet;

use fanline_core::delivery::is_sealed;
use parking_lot::Mutex;
use serde_json::Value;

/// The deliveries that the consumer was given so far, each counted once.
#[derive(Default)]
pub(crate) struct HandedOver(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    /// Each delivery by its place in the run.
    places: HashSet<Box<str>>,
    recipients: u64,
}

impl HandedOver {
    /// Takes note of the deliveries of a batch.
    pub(crate) fn add(&self, event: &Value) {
        let records = event["Records"].as_array();
        let mut seen = self.0.lock();
        for record in records.into_iter().flatten() {
            let body = record["body"].as_str().and_then(place_and_recipients);
            if let Some((place, recipients)) = body
                && !seen.places.contains(place)
            {
                seen.places.insert(place.into());
                seen.recipients += recipients;
            }
        }
    }

    /// The recipients of these deliveries.
    pub(crate) fn recipients(&self) -> u64 {
        self.0.lock().recipients
    }
}

/// The place of a delivery in its run, and how many recipients it has. This reads the bytes that
/// the producer writes, and is much faster than to decode them.
fn place_and_recipients(body: &str) -> Option<(&str, u64)> {
    if is_sealed(body) {
        let (_, behind) = body.split_once("\"at\":\"")?;
        let (place, behind) = behind.split_once("\",\"people\":")?;
        let (people, _) = behind.split_once(',')?;
        return Some((place, people.parse().ok()?));
    }
    let (_, behind) = body.split_once("\"recipients\":[")?;
    let (recipients, _) = behind.split_once(']')?;
    let (_, place) = body.rsplit_once("\"at\":\"")?;
    let (place, _) = place.split_once('"')?;
    // Neither an ID nor a token has a comma in it.
    Some((place, recipients.matches(',').count() as u64 + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fanline_core::campaign::Campaign;
    use fanline_core::channel::Channel;
    use fanline_core::recipient::Recipient;
    use serde_json::json;

    #[test]
    fn a_delivery_counts_once_with_all_its_recipients() {
        let campaign = json!({
            "campaign": "c", "channel": "line", "recipients": [],
            "messages": [{"type": "text", "text": "at"}],
        });
        let envelope = Campaign::from_value(campaign)
            .unwrap()
            .envelope("2026-12-25T00:00:00Z".parse().unwrap());
        let people: Vec<Recipient> = (0..3)
            .map(|n| Recipient::parse(Channel::Line, &format!("U{n:032x}")).unwrap())
            .collect();
        let body = |people: &[Recipient], number| {
            let messages = r#"[{"type":"text","text":"\"at\":\"1:5\""}]"#;
            json!({"body": envelope.encoder("1").encode(people, messages, number)})
        };
        let handed_over = HandedOver::default();
        for _ in 0..2 {
            handed_over.add(&json!({"Records": [body(&people, 0), body(&people[..1], 1)]}));
        }
        handed_over.add(&json!({"Records": [{"body": "{}"}, {}]}));
        assert_eq!(handed_over.recipients(), 4);
    }
}

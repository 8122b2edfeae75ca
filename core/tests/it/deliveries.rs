//! Queue messages, as Lambda hands them to the consumer.

use fanline_core::delivery::Delivery;
use serde_json::Value;

use crate::event;

fn bodies(name: &str) -> Vec<String> {
    let event: Value = serde_json::from_str(&event(name)).unwrap();
    event["Records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| record["body"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_recorded_delivery_is_what_this_version_writes() {
    for (name, deliveries) in [
        ("sqs-ten-good.json", 10),
        ("sqs-redelivered.json", 10),
        ("sqs-notify.json", 10),
        ("sqs-too-old.json", 2),
    ] {
        let bodies = bodies(name);
        assert_eq!(bodies.len(), deliveries, "{name}");
        for body in bodies {
            assert_eq!(Delivery::decode(&body).unwrap().encode(), body, "{name}");
        }
    }
}

#[test]
fn one_body_of_ten_is_no_delivery() {
    let bad: Vec<_> = bodies("sqs-one-bad-body.json")
        .into_iter()
        .enumerate()
        .filter(|(_, body)| Delivery::decode(body).is_err())
        .map(|(i, _)| i)
        .collect();
    assert_eq!(bad, [3]);
}

#[test]
fn the_redelivered_ones_are_the_same_deliveries_under_the_same_keys() {
    let keys = |name| -> Vec<_> {
        bodies(name)
            .iter()
            .map(|body| Delivery::decode(body).unwrap().request().retry_key)
            .collect()
    };
    assert_eq!(keys("sqs-ten-good.json"), keys("sqs-redelivered.json"));
}

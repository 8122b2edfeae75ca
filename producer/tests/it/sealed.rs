//! Sealed deliveries: the same deliveries as in plain text, which nobody reads without the key.

use std::collections::BTreeSet;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use fanline_core::delivery::Delivery;
use fanline_local::{KmsFault, KmsOptions, KmsServer};
use fanline_producer::Producer;
use fanline_seal::{KeyService, Opener, SealedBody};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::support::{World, campaign, greetings, list, user};

/// Sends requests for KMS to this address, as `AWS_ENDPOINT_URL_KMS` does.
#[derive(Debug)]
struct KmsAt(String);

impl LoadServiceConfig for KmsAt {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let is_kms = key.env() == "AWS_ENDPOINT_URL" && key.service_id() == "KMS";
        is_kms.then(|| self.0.clone())
    }
}

async fn kms() -> KmsServer {
    KmsServer::start(KmsOptions::default()).await.unwrap()
}

fn config(world: &World, kms: &KmsServer) -> SdkConfig {
    let builder = world.config().into_builder();
    builder
        .service_config(KmsAt(kms.url().to_owned()))
        .retry_config(RetryConfig::disabled())
        .build()
}

/// A producer that seals with the first key.
fn producer(world: &World, kms: &KmsServer, settings: &[(&str, &str)]) -> Producer {
    let key = ("SEAL_KEY_ARN", kms.key_arn());
    let settings = world.settings(&[&[key], settings].concat());
    Producer::new(settings, &config(world, kms)).with_local_files()
}

/// What these queue messages are, opened as the consumer does.
async fn opened(world: &World, kms: &KmsServer, bodies: &[String]) -> Vec<String> {
    let key = kms.key_arn().parse().unwrap();
    let opener = Opener::new(KeyService::new(&config(world, kms), key));
    let mut plain = Vec::new();
    for body in bodies {
        plain.push(opener.open(body, Timestamp::now()).await.unwrap().body);
    }
    plain
}

fn keys(bodies: &[String]) -> BTreeSet<String> {
    let key = |body: &String| Delivery::decode(body).unwrap().request().retry_key;
    bodies.iter().map(|body| key(body).to_string()).collect()
}

fn friends(more: &Value) -> Value {
    campaign(&json!("s3://bucket/friends.csv"), more)
}

#[tokio::test]
async fn the_deliveries_and_their_retry_keys_are_those_of_plain_text() {
    let same_for_all = json!({"messages": [{"type": "text", "text": "Hi"}]});
    for (more, fifo) in [(json!({}), false), (same_for_all, false), (json!({}), true)] {
        let queue = if fifo {
            "deliveries.fifo"
        } else {
            "deliveries"
        };
        let (world, kms) = (World::start().await, kms().await);
        world.put("bucket/friends.csv", list(1_234));
        let url = format!("{}/0/{queue}", world.url);
        let url = [("DELIVERY_QUEUE_URL", url.as_str())];
        let plain = world.producer(&url);
        let plain = plain.handle(friends(&more), None).await.unwrap();
        let in_plain_text = world.entries(queue);
        let sealing = producer(&world, &kms, &url);
        let summary = sealing.handle(friends(&more), None).await.unwrap();
        assert_eq!(summary.deliveries, plain.deliveries);
        assert_eq!(kms.counts().generate_data_key, 1);

        let sealed = world.entries(queue).split_off(in_plain_text.len());
        let field = |entries: &[Value], name: &str| -> BTreeSet<String> {
            let fields = entries.iter().map(|entry| entry[name].to_string());
            fields.collect()
        };
        let ids = "MessageDeduplicationId";
        assert_eq!(field(&sealed, ids), field(&in_plain_text, ids), "{fifo}");
        let bodies = |entries: &[Value]| -> Vec<String> {
            let bodies = entries.iter().map(|entry| entry["MessageBody"].as_str());
            bodies.map(|body| body.unwrap().to_owned()).collect()
        };
        let (sealed, in_plain_text) = (bodies(&sealed), bodies(&in_plain_text));
        let sealed = opened(&world, &kms, &sealed).await;
        assert_eq!(keys(&sealed), keys(&in_plain_text));
        assert_eq!(kms.counts().decrypt, 1);
    }
}

#[tokio::test]
async fn who_reads_the_queue_reads_the_run_and_how_many_people_and_no_more() {
    let (world, kms) = (World::start().await, kms().await);
    world.put("bucket/friends.csv", list(30));
    let producer = producer(&world, &kms, &[]);
    producer.handle(friends(&json!({})), None).await.unwrap();
    let bodies = world.bodies("deliveries");
    assert_eq!(bodies.len(), 30);
    for (n, body) in bodies.iter().enumerate() {
        assert!(!body.contains(&user(n)) && !body.contains("Hi name"));
        let read = SealedBody::parse(body).unwrap();
        assert_eq!(read.run, "xmas@2126-12-25T00:00:00Z");
        assert_eq!(read.at, Some(format!("1:{n}")));
        assert_eq!(read.people, 1);
    }
    let sent = opened(&world, &kms, &bodies).await;
    let sent = sent.iter().map(|body| Delivery::decode(body).unwrap());
    let sent = sent.map(|delivery| {
        let message = delivery.messages().get().to_owned();
        (delivery.recipients[0].clone(), message)
    });
    assert_eq!(sent.collect::<Vec<_>>(), greetings(30));
}

#[tokio::test]
async fn each_slice_has_a_data_key_of_its_own() {
    let (world, kms) = (World::start().await, kms().await);
    world.put("bucket/friends.csv", list(200));
    let in_slices = [("SLICE_QUEUE_URL", "slices"), ("SLICE_BYTES", "3000")];
    let producer = producer(&world, &kms, &in_slices);
    producer.handle(friends(&json!({})), None).await.unwrap();
    let slices = world.take_slices();
    assert!(slices.len() > 2);
    for slice in &slices {
        producer.handle(slice.clone(), None).await.unwrap();
    }
    let bodies = world.bodies("deliveries");
    let read = bodies.iter().map(|body| SealedBody::parse(body).unwrap());
    let by_slice: BTreeSet<_> = read.map(|body| (body.slice, body.key)).collect();
    assert_eq!(by_slice.len(), slices.len());
    // One more finds out that the key can be used, before the slices are on their queue.
    assert_eq!(kms.counts().generate_data_key, slices.len() as u64 + 1);
    assert_eq!(opened(&world, &kms, &bodies).await.len(), 200);
}

#[tokio::test]
async fn without_a_data_key_nothing_is_published_and_the_error_says_what_to_do() {
    for (fault, words) in [
        (KmsFault::Denied, "allow `kms:GenerateDataKey`"),
        (KmsFault::Disabled, "enable it"),
        (KmsFault::PendingDeletion, "cancel its deletion"),
        (KmsFault::Missing, "compare `SealKeyArn`"),
        (KmsFault::Unfit, "not a symmetric key"),
        (KmsFault::Throttled, "that passes"),
        (KmsFault::Internal, "look at the way to it"),
    ] {
        for slices in [&[][..], &[("SLICE_QUEUE_URL", "slices")]] {
            let (world, kms) = (World::start().await, kms().await);
            world.put("bucket/friends.csv", list(9));
            kms.set_fault(Some(fault));
            let producer = producer(&world, &kms, slices);
            let error = producer.handle(friends(&json!({})), None).await;
            let error = error.unwrap_err().to_string();
            assert!(error.contains(words), "{fault:?}: {error}");
            assert!(error.ends_with("nothing of the slice was sent"), "{error}");
            assert!(world.bodies("deliveries").is_empty());
            assert!(world.take_slices().is_empty());
            // The same event again sends everything.
            kms.set_fault(None);
            producer.handle(friends(&json!({})), None).await.unwrap();
            for slice in world.take_slices() {
                producer.handle(slice, None).await.unwrap();
            }
            assert_eq!(world.bodies("deliveries").len(), 9);
        }
    }
}

#[tokio::test]
async fn requests_hold_as_many_sealed_deliveries_as_sqs_takes() {
    let (world, kms) = (World::start().await, kms().await);
    let rows: Vec<String> = (0..60)
        .flat_map(|n| (0..6).map(move |who| (n, user(n * 6 + who))))
        .map(|(n, to)| format!("{to},{n}\n"))
        .collect();
    world.put("bucket/friends.csv", format!("to,name\n{}", rows.concat()));
    let text = json!({"type": "text", "text": "早".repeat(4_990) + " {{ name }}"});
    let more = json!({"messages": [text, text, text, text, text]});
    let producer = producer(&world, &kms, &[]);
    // The queue of this world takes no request that SQS would refuse.
    let summary = producer.handle(friends(&more), None).await.unwrap();
    assert_eq!((summary.deliveries, summary.requests), (60, 6));
    let plain = world.producer(&[]);
    let plain = plain.handle(friends(&more), None).await.unwrap();
    assert_eq!(plain.deliveries, 60);
}

#[tokio::test]
async fn a_plan_for_sealed_deliveries_counts_the_bytes_that_are_published() {
    let (world, kms) = (World::start().await, kms().await);
    world.put("bucket/friends.csv", list(123));
    let event = friends(&json!({}));
    let config = config(&world, &kms);
    let planned = |is_sealed| {
        let event = event.clone();
        fanline_producer::plan(event, &config, is_sealed, |_| ())
    };
    let (plain, sealed) = (planned(false).await.unwrap(), planned(true).await.unwrap());
    assert_eq!(sealed.deliveries, plain.deliveries);
    assert!(sealed.bytes.push > plain.bytes.push * 4 / 3);
    assert_eq!(kms.counts().generate_data_key, 0, "a plan needs no key");
    let sealing = producer(&world, &kms, &[]);
    sealing.handle(event.clone(), None).await.unwrap();
    let bodies = world.bodies("deliveries");
    let published: usize = bodies.iter().map(String::len).sum();
    assert_eq!(published as u64, sealed.bytes.push + sealed.bytes.multicast);
}

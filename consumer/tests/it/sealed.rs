//! Sealed deliveries: only what the producer sealed is sent, and nothing is lost while its key
//! can't be used.

use aws_config::retry::RetryConfig;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use fanline_consumer::{Consumer, Handled};
use fanline_core::campaign::Lane;
use fanline_core::delivery::Delivery;
use fanline_local::{KmsFault, KmsOptions, KmsServer};
use fanline_seal::{KeyService, Label, Opener, SliceKey};
use jiff::Timestamp;

use crate::support::{
    World, delivery, delivery_with, departures_for, failures, metrics, user, users,
};

/// Sends requests for KMS to this address, as `AWS_ENDPOINT_URL_KMS` does.
#[derive(Debug)]
struct KmsAt(String);

impl LoadServiceConfig for KmsAt {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let is_kms = key.env() == "AWS_ENDPOINT_URL" && key.service_id() == "KMS";
        is_kms.then(|| self.0.clone())
    }
}

const RUN: &str = "xmas@2026-12-25T00:00:00Z";
const LABEL: Label<'_> = Label {
    at: Some("1:0"),
    people: 1,
};

/// A world with a KMS, and the data key of a slice.
struct Sealed {
    world: World,
    kms: KmsServer,
    key: SliceKey,
}

impl Sealed {
    async fn start() -> Self {
        let mut world = World::start().await;
        let kms = KmsServer::start(KmsOptions::default()).await.unwrap();
        let config = world.config.into_builder();
        world.config = config
            .service_config(KmsAt(kms.url().to_owned()))
            .retry_config(RetryConfig::disabled())
            .build();
        let service = KeyService::new(&world.config, kms.key_arn().parse().unwrap());
        let key = service.generate(RUN, "1").await.unwrap();
        Self { world, kms, key }
    }

    async fn consumer(&self) -> Consumer {
        let key = ("SEAL_KEY_ARN", self.kms.key_arn());
        self.world.consumer_with(&[key]).await
    }

    fn seal(&self, body: &str) -> String {
        self.key.seal(body, LABEL)
    }

    /// What a sealed body is, as another consumer reads it.
    async fn open(&self, body: &str) -> Delivery {
        let key = self.kms.key_arn().parse().unwrap();
        let opener = Opener::new(KeyService::new(&self.world.config, key));
        let plain = opener.open(body, Timestamp::now()).await.unwrap();
        Delivery::decode(&plain.body).unwrap()
    }

    async fn handle(&self, consumer: &Consumer, bodies: &[String]) -> Handled {
        self.world.handle(consumer, bodies).await
    }

    /// Who got something from LINE.
    fn sent(&self) -> u64 {
        self.world.line.ledger().accepted_recipients
    }
}

#[tokio::test]
async fn sealed_deliveries_are_sent_under_the_retry_keys_of_plain_text() {
    let sealed = Sealed::start().await;
    let plain: Vec<String> = (0..9).map(|n| delivery(&[user(n)])).collect();
    // In plain text first, where no key is asked for.
    let consumer = sealed.world.consumer().await;
    let handled = sealed.handle(&consumer, &plain).await;
    assert!(failures(&handled).is_empty());
    let bodies: Vec<String> = plain.iter().map(|body| sealed.seal(body)).collect();
    let consumer = sealed.consumer().await;
    let handled = sealed.handle(&consumer, &bodies).await;
    assert!(failures(&handled).is_empty());
    assert_eq!(metrics(&handled)["already_accepted"], 9);
    assert_eq!(sealed.sent(), 9);
    assert_eq!(sealed.kms.counts().decrypt, 1, "one data key");
}

/// Messages that the producer did not seal, each with its reason and the run that it names. `good`
/// is one that it did seal.
fn forgeries(
    sealed: &Sealed,
    good: &str,
) -> Vec<(&'static str, String, &'static str, &'static str)> {
    let moved = |from: &str, to: &str| good.replacen(from, to, 1);
    let (start, body) = good.split_once("\"body\":\"").unwrap();
    let changed = format!("{start}\"body\":\"AAAA{body}");
    let other_run = delivery_with(&[user(2)], |body| body["run"] = "easter".into());
    vec![
        ("plain text", delivery(&[user(1)]), "unsealed", RUN),
        ("no delivery", "{}".to_owned(), "unsealed", ""),
        ("a changed body", changed, "forged", RUN),
        ("of another run", moved(RUN, "easter"), "forged", "easter"),
        (
            "of another slice",
            moved("\"slice\":\"1\"", "\"slice\":\"2\""),
            "forged",
            RUN,
        ),
        ("of another place", moved("1:0", "1:1"), "forged", RUN),
        (
            "another run's delivery",
            sealed.seal(&other_run),
            "forged",
            RUN,
        ),
        ("cut off", good[..good.len() - 9].to_owned(), "forged", ""),
        (
            "sealed, but no delivery",
            sealed.seal("{}"),
            "undecodable",
            "",
        ),
    ]
}

#[tokio::test]
async fn what_the_producer_did_not_seal_is_set_aside_and_never_sent() {
    let sealed = Sealed::start().await;
    let consumer = sealed.consumer().await;
    let good = sealed.seal(&delivery(&[user(1)]));
    for (case, body, reason, run) in forgeries(&sealed, &good) {
        let handled = sealed.handle(&consumer, std::slice::from_ref(&body)).await;
        assert!(failures(&handled).is_empty(), "{case}");
        let letters = sealed.world.dead_letters().await;
        assert_eq!(letters.len(), 1, "{case}");
        assert_eq!(letters[0].attribute("reason"), reason, "{case}");
        assert_eq!(letters[0].attribute("run"), run, "{case}");
        assert_eq!(letters[0].body, body, "{case}");
        let metric = if reason == "undecodable" {
            reason
        } else {
            "forged"
        };
        assert_eq!(metrics(&handled)[metric], 1, "{case}");
    }
    assert_eq!(sealed.sent(), 0);
    // And the good one is sent.
    let handled = sealed.handle(&consumer, &[good]).await;
    assert!(failures(&handled).is_empty());
    assert_eq!(sealed.sent(), 1);
}

#[tokio::test]
async fn while_the_key_can_t_be_used_records_come_again_and_nothing_is_lost() {
    for fault in [
        KmsFault::Denied,
        KmsFault::Disabled,
        KmsFault::PendingDeletion,
        KmsFault::Missing,
        KmsFault::Unfit,
        KmsFault::Throttled,
        KmsFault::Internal,
        KmsFault::Silent,
    ] {
        let sealed = Sealed::start().await;
        let consumer = sealed.consumer().await;
        sealed.kms.set_fault(Some(fault));
        let bodies: Vec<String> = (0..3).map(|n| sealed.seal(&delivery(&[user(n)]))).collect();
        for body in &bodies {
            sealed.world.publish(body).await;
        }
        let batch = sealed.world.batch().await;
        // So short that no second question to KMS fits in.
        let handled = consumer.handle(batch, departures_for(1)).await;
        assert_eq!(failures(&handled).len(), 3, "{fault:?}");
        assert_eq!(metrics(&handled)["no_key"], 3);
        assert_eq!(sealed.kms.counts().decrypt, 1, "{fault:?}");
        assert!(sealed.world.dead_letters().await.is_empty());
        assert_eq!((sealed.sent(), sealed.world.left().await), (0, 3));

        sealed.kms.set_fault(None);
        let consumer = sealed.consumer().await;
        sealed.world.purge().await;
        let handled = sealed.handle(&consumer, &bodies).await;
        assert!(failures(&handled).is_empty(), "{fault:?}");
        assert_eq!(sealed.sent(), 3);
    }
}

#[tokio::test]
async fn a_batch_in_hand_waits_for_the_key_and_is_sent_when_it_can_be_used() {
    let sealed = Sealed::start().await;
    let consumer = sealed.consumer().await;
    sealed.kms.set_fault(Some(KmsFault::Throttled));
    sealed
        .world
        .publish(&sealed.seal(&delivery(&[user(1)])))
        .await;
    let batch = sealed.world.batch().await;
    let handling = consumer.handle(batch, departures_for(20));
    let repairing = async {
        while sealed.kms.counts().decrypt == 0 {
            tokio::task::yield_now().await;
        }
        sealed.kms.set_fault(None);
    };
    let (handled, ()) = tokio::join!(handling, repairing);
    assert!(failures(&handled).is_empty());
    assert_eq!(sealed.sent(), 1);
    assert!(consumer.takes_more(Lane::Bulk));
}

#[tokio::test]
async fn at_its_last_receive_a_record_without_a_key_is_set_aside_with_the_cure() {
    let sealed = Sealed::start().await;
    let other = sealed.kms.create_key();
    for (settings, fault, words) in [
        (
            [("MAX_RECEIVE_COUNT", "1"), ("RETRY_BASE_SECONDS", "1")],
            Some(KmsFault::Denied),
            "allow `kms:Decrypt`",
        ),
        (
            [("MAX_RECEIVE_COUNT", "1"), ("SEAL_KEY_ARN", &other)],
            None,
            "sealed with another key",
        ),
        (
            [("MAX_RECEIVE_COUNT", "1"), ("SEAL_KEY_ARN", "")],
            None,
            "set `SEAL_KEY_ARN`",
        ),
    ] {
        let key = ("SEAL_KEY_ARN", sealed.kms.key_arn());
        let settings = [settings[0], settings[1], key];
        let consumer = sealed.world.consumer_with(&settings).await;
        sealed.kms.set_fault(fault);
        let body = sealed.seal(&delivery(&[user(1)]));
        sealed.world.publish(&body).await;
        let batch = sealed.world.batch().await;
        let handled = consumer.handle(batch, departures_for(1)).await;
        assert!(failures(&handled).is_empty(), "{words}");
        let letters = sealed.world.dead_letters().await;
        assert_eq!(letters[0].attribute("reason"), "no_key");
        assert_eq!(letters[0].attribute("run"), RUN);
        let text = letters[0].attribute("line_message");
        assert!(text.contains(words), "{text}");
        assert_eq!(letters[0].body, body);
    }
    assert_eq!(sealed.sent(), 0);
}

#[tokio::test]
async fn one_record_of_another_key_does_not_hold_up_the_others() {
    let sealed = Sealed::start().await;
    let other = KeyService::new(
        &sealed.world.config,
        sealed.kms.create_key().parse().unwrap(),
    );
    let foreign = other.generate(RUN, "1").await.unwrap();
    let foreign = foreign.seal(&delivery(&[user(1)]), LABEL);
    let consumer = sealed.consumer().await;
    let good = sealed.seal(&delivery(&[user(2)]));
    let handled = sealed.handle(&consumer, &[foreign, good]).await;
    assert_eq!(failures(&handled).len(), 1);
    assert_eq!(sealed.sent(), 1);
    assert!(consumer.takes_more(Lane::Bulk));
}

#[tokio::test]
async fn a_rotated_key_still_opens_what_it_sealed() {
    let sealed = Sealed::start().await;
    let body = sealed.seal(&delivery(&[user(1)]));
    sealed.kms.rotate();
    let consumer = sealed.consumer().await;
    let handled = sealed.handle(&consumer, &[body]).await;
    assert!(failures(&handled).is_empty());
    assert_eq!(sealed.sent(), 1);
}

#[tokio::test]
async fn what_is_left_of_a_split_and_its_dead_letters_are_sealed() {
    let mut people = users(0..6);
    people[4] = "not-an-id".into();
    let sealed = Sealed::start().await;
    let consumer = sealed.consumer().await;
    let whole = delivery_with(&people, |body| body["at"] = "1:0".into());
    let handled = sealed.handle(&consumer, &[sealed.seal(&whole)]).await;
    assert!(failures(&handled).is_empty());
    let letters = sealed.world.dead_letters().await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].attribute("reason"), "refused");
    assert!(!letters[0].body.contains(&people[4]));
    let part = sealed.open(&letters[0].body).await;
    assert_eq!(part.recipients, [people[4].clone()]);
    assert_eq!(part.at.as_deref(), Some("1:0:4"));
    assert_eq!(sealed.sent(), 5);
    assert_eq!(sealed.kms.counts().generate_data_key, 1);
}

//! Data keys of KMS, with a real client, over the wire.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_kms::config::{Credentials, SharedCredentialsProvider};
use fanline_local::{KmsCounts, KmsFault, KmsOptions, KmsServer};
use fanline_seal::{KeyFault, KeyService, KeyUse, Label, OpenError, Opener, SealedBody, SliceKey};
use jiff::{SignedDuration, Timestamp};

const LABEL: Label<'_> = Label {
    at: Some("1:0"),
    people: 1,
};

fn config(url: &str) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "test", "test", None, None, "test",
        )))
        // The SDK tries again by itself, and these tests count requests.
        .retry_config(aws_sdk_kms::config::retry::RetryConfig::disabled())
        .endpoint_url(url)
        .build()
}

async fn kms() -> KmsServer {
    KmsServer::start(KmsOptions::default()).await.unwrap()
}

fn service(kms: &KmsServer, key: &str) -> KeyService {
    KeyService::new(&config(kms.url()), key.parse().unwrap())
}

/// A key of the run `xmas`, and an opener that has seen nothing yet.
async fn world(kms: &KmsServer) -> (SliceKey, Opener) {
    let service = service(kms, kms.key_arn());
    let key = service.generate("xmas", "1").await.unwrap();
    (key, Opener::new(service))
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

async fn open(opener: &Opener, body: &str, second: i64) -> Result<String, OpenError> {
    opener
        .open(body, at(second))
        .await
        .map(|opened| opened.body)
}

#[tokio::test]
async fn what_one_function_seals_another_opens_and_asks_once() {
    let kms = kms().await;
    let (key, opener) = world(&kms).await;
    let bodies: Vec<String> = (0..100).map(|n| key.seal(&n.to_string(), LABEL)).collect();
    let all = bodies.iter().map(|body| opener.open(body, at(0)));
    for (n, one) in futures_util::future::join_all(all).await.iter().enumerate() {
        assert_eq!(one.as_ref().unwrap().body, n.to_string());
    }
    let expected = KmsCounts {
        generate_data_key: 1,
        decrypt: 1,
        ..KmsCounts::default()
    };
    assert_eq!(kms.counts(), expected);
    // Five minutes later it asks again: the right may be gone.
    assert!(open(&opener, &bodies[0], 299).await.is_ok());
    assert_eq!(kms.counts().decrypt, 1);
    assert!(open(&opener, &bodies[0], 300).await.is_ok());
    assert_eq!(kms.counts().decrypt, 2);
}

#[tokio::test]
async fn what_is_opened_can_be_sealed_again_without_another_key() {
    let kms = kms().await;
    let (key, opener) = world(&kms).await;
    let whole = opener.open(&key.seal("whole", LABEL), at(0)).await.unwrap();
    let part = whole.key.seal(
        "part",
        Label {
            at: Some("1:0:0-3"),
            people: 4,
        },
    );
    let other = Opener::new(service(&kms, kms.key_arn()));
    assert_eq!(open(&other, &part, 0).await, Ok("part".into()));
    assert_eq!(kms.counts().generate_data_key, 1);
}

#[tokio::test]
async fn a_data_key_opens_only_for_its_run_and_its_slice() {
    let kms = kms().await;
    let (key, opener) = world(&kms).await;
    let body = key.seal("plain", LABEL);
    for (from, to) in [
        (r#""run":"xmas""#, r#""run":"easter""#),
        (r#""slice":"1""#, r#""slice":"2""#),
    ] {
        let moved = body.replacen(from, to, 1);
        assert_eq!(open(&opener, &moved, 0).await, Err(OpenError::Forged));
        // KMS refused it: it is not asked again.
        assert_eq!(open(&opener, &moved, 1).await, Err(OpenError::Forged));
    }
    assert_eq!(kms.counts().decrypt, 2);
    assert_eq!(opener.next_probe(), None, "the others are not held up");
    assert_eq!(open(&opener, &body, 0).await, Ok("plain".into()));
}

#[tokio::test]
async fn a_rotated_key_opens_what_it_sealed_before() {
    let kms = kms().await;
    let (key, opener) = world(&kms).await;
    kms.rotate();
    let new = service(&kms, kms.key_arn()).generate("xmas", "1").await;
    for key in [&key, &new.unwrap()] {
        let body = key.seal("plain", LABEL);
        assert_eq!(open(&opener, &body, 0).await, Ok("plain".into()));
    }
}

#[tokio::test]
async fn what_another_key_sealed_is_that_message_s_matter_alone() {
    let kms = kms().await;
    let (key, _) = world(&kms).await;
    let opener = Opener::new(service(&kms, &kms.create_key()));
    let body = key.seal("plain", LABEL);
    let Err(OpenError::Key(error)) = open(&opener, &body, 0).await else {
        panic!("it opened")
    };
    assert_eq!(error.fault, KeyFault::OtherKey);
    assert!(error.to_string().contains("`SealKeyArn`"), "{error}");
    assert_eq!(opener.next_probe(), None);
    assert!(open(&opener, &body, 59).await.is_err());
    assert_eq!(kms.counts().decrypt, 1);
    assert!(open(&opener, &body, 60).await.is_err());
    assert_eq!(kms.counts().decrypt, 2);
}

#[tokio::test]
async fn a_fault_of_the_key_holds_all_messages_and_one_asks_now_and_then() {
    for (fault, expected, between) in [
        (KmsFault::Denied, KeyFault::Denied, 10),
        (KmsFault::Disabled, KeyFault::Disabled, 10),
        (KmsFault::PendingDeletion, KeyFault::State, 10),
        (KmsFault::Missing, KeyFault::Missing, 10),
        (KmsFault::Unfit, KeyFault::Unfit, 10),
        (KmsFault::Throttled, KeyFault::Throttled, 2),
        (KmsFault::Internal, KeyFault::Unavailable, 2),
    ] {
        let kms = kms().await;
        let (key, opener) = world(&kms).await;
        kms.set_fault(Some(fault));
        let body = key.seal("plain", LABEL);
        for _ in 0..3 {
            let Err(error) = open(&opener, &body, 0).await else {
                panic!("it opened")
            };
            assert!(error.is_of_all(), "{error}");
            let OpenError::Key(error) = error else {
                panic!("{error}")
            };
            assert_eq!((error.fault, error.wanted), (expected, KeyUse::Open));
            assert!(error.to_string().contains(kms.key_arn()), "{error}");
        }
        assert_eq!(kms.counts().decrypt, 1, "{fault:?}");
        assert_eq!(opener.next_probe(), Some(at(between)));
        kms.set_fault(None);
        assert!(open(&opener, &body, between - 1).await.is_err());
        assert_eq!(open(&opener, &body, between).await, Ok("plain".into()));
        assert_eq!(opener.next_probe(), None);
        assert_eq!(kms.counts().decrypt, 2, "{fault:?}");
    }
}

#[tokio::test]
async fn a_known_data_key_opens_while_the_key_has_a_fault_until_it_is_five_minutes_old() {
    let kms = kms().await;
    let (key, opener) = world(&kms).await;
    let body = key.seal("plain", LABEL);
    assert!(open(&opener, &body, 0).await.is_ok());
    kms.set_fault(Some(KmsFault::Denied));
    assert!(open(&opener, &body, 299).await.is_ok());
    assert!(open(&opener, &body, 300).await.is_err());
}

#[tokio::test]
async fn a_producer_without_the_right_says_which_one_it_lacks() {
    let kms = kms().await;
    kms.set_fault(Some(KmsFault::Denied));
    let service = service(&kms, kms.key_arn());
    let error = service.generate("xmas", "1").await.unwrap_err();
    assert_eq!(
        (error.fault, error.wanted),
        (KeyFault::Denied, KeyUse::Seal)
    );
    assert!(
        error.to_string().contains("`kms:GenerateDataKey`"),
        "{error}"
    );
}

#[tokio::test]
async fn a_key_that_does_not_exist_is_named() {
    let kms = kms().await;
    let arn = "arn:aws:kms:us-east-1:000000000000:key/none";
    let error = service(&kms, arn).generate("xmas", "1").await.unwrap_err();
    assert_eq!(error.fault, KeyFault::Missing);
    assert!(error.to_string().contains(arn), "{error}");
}

#[tokio::test]
async fn a_kms_that_nobody_reaches_is_a_fault_that_may_pass() {
    let kms = kms().await;
    let (key, _) = world(&kms).await;
    let unreachable = config("http://127.0.0.1:9");
    let opener = Opener::new(KeyService::new(
        &unreachable,
        kms.key_arn().parse().unwrap(),
    ));
    let Err(OpenError::Key(error)) = open(&opener, &key.seal("plain", LABEL), 0).await else {
        panic!("it opened")
    };
    assert!(error.fault.may_pass(), "{error}");
    let next = at(0) + SignedDuration::from_secs(2);
    assert_eq!(opener.next_probe(), Some(next));
}

#[tokio::test]
async fn the_client_is_in_the_region_of_the_key() {
    let kms = kms().await;
    let body = world(&kms).await.0.seal("plain", LABEL);
    let read = SealedBody::parse(&body).unwrap();
    let elsewhere = kms.key_arn().replace("us-east-1", "eu-west-1");
    // The stand-in has no such key, and says so by its name.
    let error = service(&kms, &elsewhere).open(&read).await.unwrap_err();
    assert_eq!(error.fault, KeyFault::Missing);
    assert!(error.to_string().contains("eu-west-1"), "{error}");
}

#[tokio::test]
async fn what_a_key_is_can_be_seen_also_where_it_can_t_be_used() {
    let kms = kms().await;
    let service = service(&kms, kms.key_arn());
    for (fault, state, is_enabled, is_fit) in [
        (None, "Enabled", true, true),
        (Some(KmsFault::Disabled), "Disabled", false, true),
        (
            Some(KmsFault::PendingDeletion),
            "PendingDeletion",
            false,
            true,
        ),
        (Some(KmsFault::Unfit), "Enabled", true, false),
    ] {
        kms.set_fault(fault);
        let described = service.describe().await.unwrap();
        assert_eq!(described.state, state);
        assert_eq!(described.is_enabled(), is_enabled, "{fault:?}");
        assert_eq!(described.is_fit(), is_fit, "{fault:?}");
    }
    for (fault, expected) in [
        (KmsFault::Denied, KeyFault::Denied),
        (KmsFault::Missing, KeyFault::Missing),
        (KmsFault::Internal, KeyFault::Unavailable),
    ] {
        kms.set_fault(Some(fault));
        let error = service.describe().await.unwrap_err();
        assert_eq!((error.fault, error.wanted), (expected, KeyUse::Describe));
    }
    kms.set_fault(Some(KmsFault::Denied));
    let error = service.describe().await.unwrap_err().to_string();
    assert!(
        error.contains("can't be looked at: allow `kms:DescribeKey`"),
        "{error}"
    );
}

#[tokio::test]
async fn a_proof_finds_out_whether_the_key_seals_and_opens() {
    let kms = kms().await;
    let service = service(&kms, kms.key_arn());
    service.prove().await.unwrap();
    assert_eq!(
        (kms.counts().generate_data_key, kms.counts().decrypt),
        (1, 1)
    );
    kms.set_fault(Some(KmsFault::Denied));
    let error = service.prove().await.unwrap_err();
    assert_eq!(
        (error.fault, error.wanted),
        (KeyFault::Denied, KeyUse::Seal)
    );
}

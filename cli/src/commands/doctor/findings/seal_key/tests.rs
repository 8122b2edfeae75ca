//! Each fault of a key, as KMS says it over the wire, is a finding with its cure.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use fanline_local::{KmsFault, KmsOptions, KmsServer};

use super::*;
use crate::commands::doctor::facts::seal_key;
use crate::commands::doctor::findings::tests::{healthy, stack};

const STACK_REGION: &str = "us-east-1";

fn config(url: &str) -> SdkConfig {
    let credentials = Credentials::new("test", "test", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(STACK_REGION))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(aws_config::retry::RetryConfig::disabled())
        .endpoint_url(url)
        .build()
}

/// What the doctor says about this key.
async fn found(url: &str, arn: &str) -> Option<Finding> {
    let facts = Facts {
        region: STACK_REGION.into(),
        seal_key: Some(seal_key(&config(url), arn).await),
        ..healthy()
    };
    finding(&stack(), &facts)
}

#[tokio::test]
async fn a_key_that_can_be_used_is_no_finding() {
    let kms = KmsServer::start(KmsOptions::default()).await.unwrap();
    assert_eq!(found(kms.url(), kms.key_arn()).await, None);
    assert_eq!(kms.counts().describe_key, 1);
    assert_eq!(finding(&stack(), &healthy()), None, "no key, no finding");
}

#[tokio::test]
async fn a_key_with_a_fault_is_named_with_the_command_that_mends_it() {
    let kms = KmsServer::start(KmsOptions::default()).await.unwrap();
    let arn = kms.key_arn();
    for (fault, what, mend) in [
        (
            KmsFault::Disabled,
            "is disabled",
            "aws kms enable-key --key-id",
        ),
        (
            KmsFault::PendingDeletion,
            "waits for its deletion",
            "aws kms cancel-key-deletion --key-id",
        ),
        (
            KmsFault::Unfit,
            "is no symmetric key for encryption (SIGN_VERIFY, ECC_NIST_P256)",
            "--parameter-overrides SealKeyArn=",
        ),
        (
            KmsFault::Missing,
            "does not exist in us-east-1: nothing is sealed",
            "--parameter-overrides SealKeyArn=",
        ),
        (
            KmsFault::Denied,
            "can't be looked at: allow `kms:DescribeKey`",
            "aws kms describe-key --key-id",
        ),
        (
            KmsFault::Internal,
            "can't be looked at: KMS in us-east-1 says",
            "aws kms describe-key --key-id",
        ),
    ] {
        kms.set_fault(Some(fault));
        let found = found(kms.url(), arn).await.unwrap();
        let begin = format!("the key `{arn}` of `SealKeyArn` {what}");
        assert!(found.what.starts_with(&begin), "{found}");
        assert!(found.mend.contains(mend), "{found}");
    }
}

#[tokio::test]
async fn a_key_of_another_region_is_looked_for_there_and_both_regions_are_named() {
    let kms = KmsServer::start(KmsOptions::default()).await.unwrap();
    let elsewhere = kms.key_arn().replace("us-east-1", "eu-west-1");
    let found = found(kms.url(), &elsewhere).await.unwrap();
    let words = "does not exist in eu-west-1, and the stack is in us-east-1";
    assert!(found.what.contains(words), "{found}");
}

#[tokio::test]
async fn a_kms_that_nobody_reaches_and_a_name_that_is_none_are_findings() {
    let arn = "arn:aws:kms:us-east-9:000000000000:key/1";
    let unreachable = found("http://127.0.0.1:9", arn).await.unwrap();
    assert!(
        unreachable.what.contains("KMS in us-east-9 says"),
        "{unreachable}"
    );
    let alias = "arn:aws:kms:us-east-1:000000000000:alias/mine";
    let alias = found("http://127.0.0.1:9", alias).await.unwrap();
    assert!(alias.what.contains("ARN of an alias"), "{alias}");
    assert!(alias.mend.contains("SealKeyArn="), "{alias}");
}

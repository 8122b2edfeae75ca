//! Whom a bucket tells, asked of the stand-in for S3.

use aws_config::BehaviorVersion;
use aws_sdk_s3::config::{Credentials, Region, SharedCredentialsProvider};
use fanline_local::{S3Fault, S3Options, S3Server};

use super::*;

async fn start(tells_event_bridge: bool) -> (S3Server, SdkConfig) {
    let options = S3Options {
        tells_event_bridge,
        ..S3Options::default()
    };
    let server = S3Server::start(options).await.unwrap();
    let credentials = Credentials::new("key", "secret", None, None, "test");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(server.url())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    (server, config)
}

#[tokio::test]
async fn a_bucket_says_whether_it_tells_eventbridge() {
    for reach_event_bridge in [true, false] {
        let (_server, config) = start(reach_event_bridge).await;
        let expected = BucketEvents {
            reach_event_bridge,
            others: 0,
        };
        assert_eq!(events(&config, "bucket").await, Ok(expected));
    }
}

#[tokio::test]
async fn a_missing_right_is_not_a_bucket_that_tells_nobody() {
    let (server, config) = start(true).await;
    let is_asked = |call: &fanline_local::S3Call| call.method == "NOTIFICATIONS";
    server.script(move |call| is_asked(call).then_some(S3Fault::Denied));
    assert_eq!(events(&config, "bucket").await, Err(EventsError::Denied));
    server.script(|_| None);
    let gone = events(&config, "gone").await.unwrap_err();
    assert!(matches!(gone, EventsError::Failed(problem) if problem.contains("NoSuchBucket")));
}

//! The attributes and tags of a queue.

use aws_sdk_sqs::error::ProvideErrorMetadata as _;
use aws_sdk_sqs::types::QueueAttributeName;

use crate::support::World;

#[tokio::test]
async fn a_new_queue_has_the_defaults_of_sqs() {
    let world = World::start().await;
    let url = world.queue("mail", &[]).await;
    for (name, value) in [
        (QueueAttributeName::VisibilityTimeout, "30"),
        (QueueAttributeName::DelaySeconds, "0"),
        (QueueAttributeName::MaximumMessageSize, "1048576"),
        (QueueAttributeName::MessageRetentionPeriod, "345600"),
        (QueueAttributeName::ReceiveMessageWaitTimeSeconds, "0"),
        (QueueAttributeName::SqsManagedSseEnabled, "true"),
        (
            QueueAttributeName::QueueArn,
            "arn:aws:sqs:us-east-1:000000000000:mail",
        ),
    ] {
        assert_eq!(world.attribute(&url, name).await.as_deref(), Some(value));
    }
    assert_eq!(
        world.attribute(&url, QueueAttributeName::FifoQueue).await,
        None
    );
}

#[tokio::test]
async fn an_attribute_within_its_limits_is_set_and_a_bad_one_changes_nothing() {
    let world = World::start().await;
    let url = world.queue("mail", &[]).await;
    let set = |name: &QueueAttributeName, value: &str| {
        let request = world.sqs.set_queue_attributes().queue_url(&url);
        request
            .attributes(QueueAttributeName::VisibilityTimeout, "77")
            .attributes(name.clone(), value)
            .send()
    };
    for (name, least, most) in [
        (QueueAttributeName::DelaySeconds, 0, 900),
        (QueueAttributeName::MaximumMessageSize, 1_024, 1_048_576),
        (QueueAttributeName::MessageRetentionPeriod, 60, 1_209_600),
        (QueueAttributeName::ReceiveMessageWaitTimeSeconds, 0, 20),
    ] {
        for bad in [
            (least - 1).to_string(),
            (most + 1).to_string(),
            "many".to_owned(),
        ] {
            let error = set(&name, &bad).await.unwrap_err();
            assert_eq!(error.code(), Some("InvalidAttributeValue"), "{name} {bad}");
        }
        let visibility = world
            .attribute(&url, QueueAttributeName::VisibilityTimeout)
            .await;
        assert_eq!(visibility.as_deref(), Some("30"));
        for good in [least, most] {
            let request = world.sqs.set_queue_attributes().queue_url(&url);
            let request = request.attributes(name.clone(), good.to_string());
            request.send().await.unwrap();
            assert_eq!(
                world.attribute(&url, name.clone()).await,
                Some(good.to_string())
            );
        }
    }
    for (name, value) in [
        (QueueAttributeName::QueueArn, "arn"),
        (QueueAttributeName::ContentBasedDeduplication, "true"),
        (QueueAttributeName::from("Colour"), "red"),
    ] {
        let error = set(&name, value).await.unwrap_err();
        assert_eq!(error.code(), Some("InvalidAttributeName"), "{name}");
    }
}

#[tokio::test]
async fn policies_and_encryption_are_given_back_as_they_were_set() {
    let world = World::start().await;
    let policy = r#"{"Version":"2012-10-17","Statement":[]}"#;
    let allow = r#"{"redrivePermission":"denyAll"}"#;
    let url = world
        .queue(
            "mail",
            &[
                (QueueAttributeName::Policy, policy),
                (QueueAttributeName::RedriveAllowPolicy, allow),
                (QueueAttributeName::KmsMasterKeyId, "alias/aws/sqs"),
            ],
        )
        .await;
    for (name, value) in [
        (QueueAttributeName::Policy, policy),
        (QueueAttributeName::RedriveAllowPolicy, allow),
        (QueueAttributeName::KmsMasterKeyId, "alias/aws/sqs"),
        (QueueAttributeName::KmsDataKeyReusePeriodSeconds, "300"),
        (QueueAttributeName::SqsManagedSseEnabled, "false"),
    ] {
        assert_eq!(world.attribute(&url, name).await.as_deref(), Some(value));
    }
    let request = world.sqs.set_queue_attributes().queue_url(&url);
    let request = request.attributes(QueueAttributeName::Policy, "");
    request.send().await.unwrap();
    assert_eq!(
        world.attribute(&url, QueueAttributeName::Policy).await,
        None
    );
}

#[tokio::test]
async fn a_redrive_policy_needs_a_queue_of_the_same_type_and_a_count() {
    let world = World::start().await;
    let url = world.queue("mail", &[]).await;
    world.queue("dead", &[]).await;
    world
        .queue("dead.fifo", &[(QueueAttributeName::FifoQueue, "true")])
        .await;
    let set = |policy: &str| {
        let request = world.sqs.set_queue_attributes().queue_url(&url);
        request
            .attributes(QueueAttributeName::RedrivePolicy, policy)
            .send()
    };
    let policy = |name: &str, count: &str| {
        let arn = format!("arn:aws:sqs:us-east-1:000000000000:{name}");
        format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":{count}}}"#)
    };
    for bad in [
        policy("none", "3"),
        policy("dead.fifo", "3"),
        policy("dead", "0"),
        policy("dead", "1001"),
        r#"{"maxReceiveCount":3}"#.to_owned(),
        "{}".to_owned(),
        "often".to_owned(),
    ] {
        let error = set(&bad).await.unwrap_err();
        assert_eq!(error.code(), Some("InvalidParameterValue"), "{bad}");
    }
    for good in [policy("dead", "3"), policy("dead", "\"1000\"")] {
        set(&good).await.unwrap();
        let kept = world
            .attribute(&url, QueueAttributeName::RedrivePolicy)
            .await;
        assert_eq!(kept.as_deref(), Some(good.as_str()));
    }
    set("").await.unwrap();
    assert_eq!(
        world
            .attribute(&url, QueueAttributeName::RedrivePolicy)
            .await,
        None
    );
}

#[tokio::test]
async fn tags_are_set_with_the_queue_and_can_be_changed_and_removed() {
    let world = World::start().await;
    let create = world
        .sqs
        .create_queue()
        .queue_name("mail")
        .tags("team", "mail");
    let url = create.send().await.unwrap().queue_url.unwrap();
    let tags = || async {
        let answer = world
            .sqs
            .list_queue_tags()
            .queue_url(&url)
            .send()
            .await
            .unwrap();
        let mut tags: Vec<(String, String)> = answer.tags.unwrap_or_default().into_iter().collect();
        tags.sort_unstable();
        tags
    };
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(tags().await, [pair("team", "mail")]);
    let tag = world.sqs.tag_queue().queue_url(&url);
    let tag = tag.tags("team", "post").tags("stage", "test");
    tag.send().await.unwrap();
    assert_eq!(tags().await, [pair("stage", "test"), pair("team", "post")]);
    let untag = world.sqs.untag_queue().queue_url(&url);
    untag
        .tag_keys("team")
        .tag_keys("none")
        .send()
        .await
        .unwrap();
    assert_eq!(tags().await, [pair("stage", "test")]);
    let mut many = world.sqs.tag_queue().queue_url(&url);
    for number in 0..50 {
        many = many.tags(number.to_string(), "x");
    }
    assert!(many.send().await.is_err());
}

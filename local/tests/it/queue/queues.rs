//! The actions on queues: create, find, list, purge and delete.

use std::time::Duration;

use aws_sdk_sqs::error::ProvideErrorMetadata as _;
use aws_sdk_sqs::operation::create_queue::CreateQueueError;
use aws_sdk_sqs::operation::purge_queue::PurgeQueueError;
use aws_sdk_sqs::operation::receive_message::ReceiveMessageError;
use aws_sdk_sqs::types::QueueAttributeName;

use crate::support::{World, until};

const VISIBILITY: QueueAttributeName = QueueAttributeName::VisibilityTimeout;

async fn creation_error(world: &World, name: &str, seconds: &str) -> CreateQueueError {
    let request = world.sqs.create_queue().queue_name(name);
    let answer = request.attributes(VISIBILITY, seconds).send().await;
    answer.unwrap_err().into_service_error()
}

#[tokio::test]
async fn a_queue_is_created_once_and_only_with_good_attributes() {
    let world = World::start().await;
    let url = world.queue("mail", &[(VISIBILITY, "180")]).await;
    assert_eq!(world.queue("mail", &[(VISIBILITY, "180")]).await, url);
    let error = creation_error(&world, "mail", "60").await;
    assert!(
        matches!(error, CreateQueueError::QueueNameExists(_)),
        "{error:?}"
    );
    let error = creation_error(&world, "post", "43201").await;
    assert!(
        matches!(error, CreateQueueError::InvalidAttributeValue(_)),
        "{error:?}"
    );
    let error = creation_error(&world, "a name", "60").await;
    assert_eq!(error.code(), Some("InvalidParameterValue"));
}

#[tokio::test]
async fn queues_are_listed_by_prefix_and_in_pages() {
    let world = World::start().await;
    let url = world.queue("mail", &[]).await;
    world.queue("other", &[]).await;
    let listed = world.sqs.list_queues().queue_name_prefix("ma");
    assert_eq!(listed.send().await.unwrap().queue_urls(), [url]);
    let pages = world.sqs.list_queues().into_paginator().page_size(1);
    let all: Vec<String> = pages
        .items()
        .send()
        .collect::<Result<_, _>>()
        .await
        .unwrap();
    assert_eq!(all.len(), 2);
}

#[tokio::test]
async fn a_deleted_queue_is_gone_and_its_name_is_free_after_a_minute() {
    let world = World::start().await;
    let url = world.queue("mail", &[]).await;
    let delete = world.sqs.delete_queue().queue_url(&url);
    delete.send().await.unwrap();
    let receive = world.sqs.receive_message().queue_url(&url);
    let error = receive.send().await.unwrap_err().into_service_error();
    assert!(
        matches!(error, ReceiveMessageError::QueueDoesNotExist(_)),
        "{error:?}"
    );
    let error = creation_error(&world, "mail", "180").await;
    assert!(
        matches!(error, CreateQueueError::QueueDeletedRecently(_)),
        "{error:?}"
    );
    world.clock.advance(Duration::from_mins(1));
    assert_eq!(world.queue("mail", &[]).await, url);
}

#[tokio::test]
async fn a_queue_can_be_purged_once_a_minute() {
    let world = World::start().await;
    let url = world.queue("mail", &[]).await;
    for body in ["in flight", "visible"] {
        world.send(&url, body).await;
    }
    world
        .sqs
        .receive_message()
        .queue_url(&url)
        .send()
        .await
        .unwrap();
    let purge = || world.sqs.purge_queue().queue_url(&url).send();
    purge().await.unwrap();
    assert_eq!(world.counts(&url).await, [0, 0, 0]);
    let error = purge().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 403);
    let error = error.into_service_error();
    assert!(
        matches!(error, PurgeQueueError::PurgeQueueInProgress(_)),
        "{error:?}"
    );
    world.clock.advance(Duration::from_mins(1));
    purge().await.unwrap();
}

#[tokio::test]
async fn a_dropped_server_does_not_answer() {
    let world = World::start().await;
    let address = world.server.url().trim_start_matches("http://").to_owned();
    drop(world.server);
    until("the port is free", || async {
        tokio::net::TcpStream::connect(&address).await.is_err()
    })
    .await;
}

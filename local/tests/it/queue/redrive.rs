//! Dead letters, and the message move tasks that bring them back.

use std::time::Duration;

use aws_sdk_sqs::error::ProvideErrorMetadata as _;
use aws_sdk_sqs::operation::start_message_move_task::StartMessageMoveTaskError;
use aws_sdk_sqs::types::{
    ListMessageMoveTasksResultEntry, MessageSystemAttributeName, QueueAttributeName,
};

use crate::support::{World, bodies, until};

const NOWHERE: &str = "arn:aws:sqs:us-east-1:000000000000:nowhere";

async fn latest_task(world: &World, arn: &str) -> ListMessageMoveTasksResultEntry {
    let tasks = world
        .sqs
        .list_message_move_tasks()
        .source_arn(arn)
        .send()
        .await;
    tasks.unwrap().results.unwrap().remove(0)
}

/// The URLs of a queue and its dead-letter queue with `count` dead letters, and the ARN of the
/// dead-letter queue.
async fn dead_letters(world: &World, count: usize) -> (String, String, String) {
    let (url, dead) = world.with_dead_letters("mail", 1).await;
    let arn = world
        .attribute(&dead, QueueAttributeName::QueueArn)
        .await
        .unwrap();
    for number in 0..count {
        world.send(&url, &number.to_string()).await;
    }
    assert_eq!(world.receive(&url).await.len(), count);
    world.clock.advance(Duration::from_secs(30));
    assert_eq!(world.receive(&url).await.len(), 0);
    assert_eq!(world.counts(&dead).await, [count, 0, 0]);
    (url, dead, arn)
}

#[tokio::test]
async fn a_message_received_too_often_goes_to_the_dead_letter_queue_at_the_next_receive() {
    let world = World::start().await;
    let (url, dead) = world.with_dead_letters("mail", 2).await;
    let id = world.send(&url, "poison").await;
    for _ in 0..2 {
        assert_eq!(world.receive(&url).await.len(), 1);
        world.clock.advance(Duration::from_secs(30));
    }
    assert_eq!(world.counts(&url).await, [1, 0, 0]);
    assert_eq!(world.counts(&dead).await, [0, 0, 0]);
    assert_eq!(world.receive(&url).await.len(), 0);
    let letters = world.receive(&dead).await;
    assert_eq!(letters[0].message_id(), Some(id.as_str()));
    let source =
        &letters[0].attributes().unwrap()[&MessageSystemAttributeName::DeadLetterQueueSourceArn];
    assert_eq!(source, "arn:aws:sqs:us-east-1:000000000000:mail");
    let sources = world.sqs.list_dead_letter_source_queues().queue_url(&dead);
    assert_eq!(sources.send().await.unwrap().queue_urls(), [url]);
}

#[tokio::test]
async fn dead_letters_go_back_to_their_queue_as_new_messages() {
    let world = World::start().await;
    let (url, dead, arn) = dead_letters(&world, 3).await;
    let start = world.sqs.start_message_move_task().source_arn(&arn);
    start.send().await.unwrap();
    until("all dead letters are back", || async {
        world.counts(&url).await == [3, 0, 0]
    })
    .await;
    until("the task is completed", || async {
        latest_task(&world, &arn).await.status() == Some("COMPLETED")
    })
    .await;
    let task = latest_task(&world, &arn).await;
    assert_eq!(task.approximate_number_of_messages_moved(), 3);
    assert_eq!(task.approximate_number_of_messages_to_move(), Some(3));
    assert_eq!(task.task_handle(), None);
    assert_eq!(world.counts(&dead).await, [0, 0, 0]);
    // Their receives count from 0 again, so one more receive does not make them dead letters.
    assert_eq!(world.receive(&url).await.len(), 3);
}

#[tokio::test]
async fn a_task_keeps_its_rate_and_can_be_cancelled() {
    let world = World::start().await;
    let (_, dead, arn) = dead_letters(&world, 5).await;
    let elsewhere = world.queue("elsewhere", &[]).await;
    let to = world
        .attribute(&elsewhere, QueueAttributeName::QueueArn)
        .await
        .unwrap();
    let start = || {
        let request = world.sqs.start_message_move_task().source_arn(&arn);
        request
            .destination_arn(&to)
            .max_number_of_messages_per_second(1)
            .send()
    };
    let handle = start().await.unwrap().task_handle.unwrap();
    until("one message has moved", || async {
        world.counts(&elsewhere).await == [1, 0, 0]
    })
    .await;
    assert_eq!(
        start().await.unwrap_err().code(),
        Some("InvalidParameterValue")
    );
    world.clock.advance(Duration::from_secs(1));
    until("two messages have moved", || async {
        world.counts(&elsewhere).await == [2, 0, 0]
    })
    .await;
    let task = latest_task(&world, &arn).await;
    assert_eq!(
        (task.status(), task.task_handle()),
        (Some("RUNNING"), Some(handle.as_str()))
    );
    let cancel = || {
        world
            .sqs
            .cancel_message_move_task()
            .task_handle(&handle)
            .send()
    };
    assert_eq!(
        cancel()
            .await
            .unwrap()
            .approximate_number_of_messages_moved(),
        2
    );
    assert!(cancel().await.is_err());
    assert_eq!(latest_task(&world, &arn).await.status(), Some("CANCELLED"));
    assert_eq!(world.counts(&dead).await, [3, 0, 0]);
    let bodies: Vec<String> = bodies(&world.receive(&elsewhere).await)
        .into_iter()
        .map(str::to_owned)
        .collect();
    assert_eq!(bodies, ["0", "1"]);
}

#[tokio::test]
async fn a_message_without_a_source_queue_fails_the_task_and_stays() {
    let world = World::start().await;
    let (_, dead) = world.with_dead_letters("mail", 1).await;
    let arn = world
        .attribute(&dead, QueueAttributeName::QueueArn)
        .await
        .unwrap();
    world.send(&dead, "sent here").await;
    let start = world.sqs.start_message_move_task().source_arn(&arn);
    start.send().await.unwrap();
    until("the task failed", || async {
        latest_task(&world, &arn).await.status() == Some("FAILED")
    })
    .await;
    assert_eq!(
        latest_task(&world, &arn).await.failure_reason(),
        Some("CouldNotDetermineMessageSource")
    );
    assert_eq!(world.counts(&dead).await, [1, 0, 0]);
}

#[tokio::test]
async fn only_a_dead_letter_queue_can_be_the_source_of_a_task() {
    let world = World::start().await;
    let url = world.queue("mail", &[]).await;
    let arn = world
        .attribute(&url, QueueAttributeName::QueueArn)
        .await
        .unwrap();
    let start = |arn: &str| world.sqs.start_message_move_task().source_arn(arn).send();
    let error = start(&arn).await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidParameterValue"));
    let error = start(NOWHERE).await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 404);
    assert!(matches!(
        error.into_service_error(),
        StartMessageMoveTaskError::ResourceNotFoundException(_)
    ));
    assert!(start("nowhere").await.is_err());
}

//! Receives that wait for a message.

use std::time::{Duration, Instant};

use crate::support::{World, bodies, entry};

#[tokio::test]
async fn a_long_poll_ends_with_a_new_message_a_returned_message_or_its_time() {
    let world = World::start().await;
    let url = world.queue("mail", &[]).await;
    let poll = || {
        let request = world
            .sqs
            .receive_message()
            .queue_url(&url)
            .wait_time_seconds(20);
        async { request.send().await.unwrap().messages.unwrap_or_default() }
    };
    let started = Instant::now();
    let (messages, _) = tokio::join!(poll(), world.send(&url, "arrives"));
    assert_eq!(bodies(&messages), ["arrives"]);
    // The message is in flight now. After 30 s of the server's clock it is visible again.
    let (messages, ()) = tokio::join!(poll(), async {
        world.clock.advance(Duration::from_secs(15));
        world.clock.advance(Duration::from_secs(15));
    });
    assert_eq!(bodies(&messages), ["arrives"]);
    world.delete(&url, &messages[0]).await;
    let polls = async { tokio::join!(poll(), poll()) };
    let later = async {
        // A move of the clock before a poll waits does not end it. So the clock moves until both
        // have ended.
        loop {
            tokio::time::sleep(Duration::from_millis(5)).await;
            world.clock.advance(Duration::from_secs(21));
        }
    };
    let (one, two) = tokio::select! {
        messages = polls => messages,
        () = later => unreachable!(),
    };
    assert_eq!((one.len(), two.len()), (0, 0));
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "a poll waited for the real time"
    );
}

#[tokio::test]
async fn each_waiting_poll_gets_one_message_of_a_batch() {
    let world = World::start().await;
    let url = world.queue("mail", &[]).await;
    let polls: Vec<_> = (0..5)
        .map(|_| {
            let request = world
                .sqs
                .receive_message()
                .queue_url(&url)
                .wait_time_seconds(20);
            tokio::spawn(async {
                request
                    .send()
                    .await
                    .unwrap()
                    .messages
                    .unwrap_or_default()
                    .len()
            })
        })
        .collect();
    let mut request = world.sqs.send_message_batch().queue_url(&url);
    for n in 0..5 {
        request = request.entries(entry(&n.to_string(), "x"));
    }
    request.send().await.unwrap();
    for poll in polls {
        let waited = tokio::time::timeout(Duration::from_secs(10), poll);
        assert_eq!(waited.await.unwrap().unwrap(), 1);
    }
}

#[tokio::test]
async fn a_waiting_poll_gets_a_message_that_another_consumer_did_not_delete() {
    let world = World::start().await;
    let url = world.queue("mail", &[]).await;
    let request = world
        .sqs
        .receive_message()
        .queue_url(&url)
        .wait_time_seconds(20);
    let waiting = tokio::spawn(request.clone().send());
    let holding = tokio::spawn(request.visibility_timeout(1).send());
    world.send(&url, "held").await;
    // One of the two has it now and does not delete it. The other gets it when it is visible again,
    // long before its own time is over.
    for poll in [waiting, holding] {
        let waited = tokio::time::timeout(Duration::from_secs(10), poll);
        let messages = waited.await.unwrap().unwrap().unwrap().messages;
        assert_eq!(messages.map_or(0, |messages| messages.len()), 1);
        world.clock.advance(Duration::from_secs(30));
    }
}

//! A list that is replaced while a run reads it, in a bucket that keeps versions.

use serde_json::json;

use crate::support::{World, campaign, greetings, list};

#[tokio::test]
async fn slices_of_a_list_that_was_replaced_read_the_version_they_were_cut_from() {
    let world = World::start().await;
    world.put("versioned/friends.csv", list(100));
    let producer = world.producer(&[("SLICE_QUEUE_URL", "slices"), ("SLICE_BYTES", "1000")]);
    let event = campaign(&json!("s3://versioned/friends.csv"), &json!({}));
    producer.handle(event, None).await.unwrap();
    world.put("versioned/friends.csv", "to,name\n");
    for slice in world.take_slices() {
        producer.handle(slice, None).await.unwrap();
    }
    assert_eq!(world.sent(), greetings(100));
}

#[tokio::test]
async fn a_list_replaced_while_it_is_read_is_read_to_its_end() {
    let world = World::start().await;
    // More than one piece of 4 MiB.
    let people = 100_000;
    world.put("versioned/friends.csv", list(people));
    let mut reads = 0;
    world.before_read(move |objects| {
        reads += 1;
        if reads == 3 {
            objects.insert("versioned/friends.csv".into(), b"to,name\n".to_vec());
        }
    });
    let more = json!({"messages": [{"type": "text", "text": "hi"}]});
    let event = campaign(&json!("s3://versioned/friends.csv"), &more);
    let summary = world.producer(&[]).handle(event, None).await.unwrap();
    assert_eq!(summary.recipients, people as u64);
}

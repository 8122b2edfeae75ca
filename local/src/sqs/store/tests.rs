//! No message is lost, whatever happens to the queue.

use std::collections::HashMap;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::sqs::message::ExtraParts;

const RETENTION: Millis = 1_000_000;

#[derive(Clone, Debug)]
enum Step {
    Send { delay: Millis, group: u8 },
    Receive { max: usize, visibility: Millis },
    Delete { which: usize },
    Hide { which: usize, time: Millis },
    Wait { time: Millis },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (prop_oneof![Just(0), 1..500_u64], 0..3_u8)
            .prop_map(|(delay, group)| Step::Send { delay, group }),
        (1..11_usize, 0..500_u64).prop_map(|(max, visibility)| Step::Receive { max, visibility }),
        (0..50_usize).prop_map(|which| Step::Delete { which }),
        (0..50_usize, 0..500_u64).prop_map(|(which, time)| Step::Hide { which, time }),
        (0..300_u64).prop_map(|time| Step::Wait { time }),
    ]
}

fn message(number: u128, group: u8, now: Millis) -> StoredMessage {
    StoredMessage {
        id: Uuid::from_u128(number),
        body: Arc::from("x"),
        body_md5: [0; 16],
        extra: Some(Arc::new(ExtraParts {
            group: Some(Arc::from(group.to_string())),
            ..ExtraParts::default()
        })),
        sent_at: now,
        first_received_at: 0,
        receives: 0,
    }
}

fn take(max: usize, visibility: Millis) -> Take {
    Take {
        max,
        visibility,
        retention: RETENTION,
        max_receives: None,
    }
}

proptest! {
    /// Each message in a queue is visible, in flight or delayed. No message is given out that is
    /// deleted or hidden. In the end exactly those come out that were not deleted, and those of one
    /// group in their order.
    #[test]
    fn no_message_is_lost_or_given_out_twice(
        fifo: bool,
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut store = Store::new(fifo);
        let (mut now, mut sent) = (1, 0);
        let mut alive: HashMap<Uuid, u8> = HashMap::new();
        let mut hidden: HashMap<Uuid, Millis> = HashMap::new();
        let mut received: Vec<(SlotKey, StoredMessage)> = Vec::new();
        for step in steps {
            match step {
                Step::Send { delay, group } => {
                    sent += 1;
                    // A FIFO queue has one delay for all its messages, or none.
                    let delay = if fifo { 0 } else { delay };
                    let message = message(sent, group, now);
                    alive.insert(message.id, group);
                    hidden.insert(message.id, now + delay);
                    store.send(message, now, now + delay);
                }
                Step::Receive { max, visibility } => {
                    let taken = store.receive(now, take(max, visibility));
                    prop_assert!(taken.dead.is_empty());
                    for (key, message) in taken.received {
                        prop_assert!(alive.contains_key(&message.id), "deleted");
                        prop_assert!(hidden[&message.id] <= now, "not visible");
                        hidden.insert(message.id, now + visibility);
                        received.push((key, message));
                    }
                }
                Step::Delete { which } => {
                    if let Some((key, message)) = received.get(which)
                        && store.handle_state(*key, message.receives, now, RETENTION)
                            != HandleState::Superseded
                    {
                        store.delete(*key);
                        alive.remove(&message.id);
                    }
                }
                Step::Hide { which, time } => {
                    if let Some((key, message)) = received.get(which)
                        && store.handle_state(*key, message.receives, now, RETENTION)
                            == HandleState::InFlight
                    {
                        store.hide(*key, now, now + time);
                        hidden.insert(message.id, now + time);
                    }
                }
                Step::Wait { time } => now += time,
            }
            let counts = store.counts(now, RETENTION);
            prop_assert_eq!(counts.visible + counts.in_flight + counts.delayed, alive.len());
            let due = alive.keys().filter(|id| hidden[*id] <= now).count();
            prop_assert_eq!(counts.visible, due);
        }
        now += 1_000;
        let mut last = HashMap::new();
        while !alive.is_empty() {
            let taken = store.receive(now, take(10, 1_000));
            prop_assert!(!taken.received.is_empty(), "{} messages never came", alive.len());
            for (key, message) in taken.received {
                let group = alive.remove(&message.id);
                prop_assert!(group.is_some());
                if fifo {
                    let before = last.insert(group, message.id);
                    prop_assert!(before < Some(message.id), "out of order");
                }
                store.delete(key);
            }
        }
        prop_assert_eq!(store.counts(now, RETENTION), MessageCounts::default());
        prop_assert_eq!(store.next_wake(), None);
    }
}

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

/// A store, and what the test knows of its messages.
struct Model {
    store: Store,
    fifo: bool,
    now: Millis,
    sent: u128,
    /// The messages that were sent and not deleted, with their groups.
    alive: HashMap<Uuid, u8>,
    /// When each message becomes visible.
    visible_at: HashMap<Uuid, Millis>,
    received: Vec<(SlotKey, StoredMessage)>,
}

impl Model {
    fn new(fifo: bool) -> Self {
        Self {
            store: Store::new(fifo),
            fifo,
            now: 1,
            sent: 0,
            alive: HashMap::new(),
            visible_at: HashMap::new(),
            received: Vec::new(),
        }
    }

    fn apply(&mut self, step: &Step) {
        let now = self.now;
        match *step {
            Step::Send { delay, group } => {
                self.sent += 1;
                // A FIFO queue has one delay for all its messages, or none.
                let delay = if self.fifo { 0 } else { delay };
                let message = message(self.sent, group, now);
                self.alive.insert(message.id, group);
                self.visible_at.insert(message.id, now + delay);
                self.store.send(message, now, now + delay);
            }
            Step::Receive { max, visibility } => {
                let taken = self.store.receive(now, take(max, visibility));
                assert!(taken.dead.is_empty());
                for (key, message) in taken.received {
                    assert!(self.alive.contains_key(&message.id), "deleted");
                    assert!(self.visible_at[&message.id] <= now, "not visible");
                    self.visible_at.insert(message.id, now + visibility);
                    self.received.push((key, message));
                }
            }
            Step::Delete { which } => {
                if let Some((key, id, state)) = self.handle(which)
                    && state != HandleState::Superseded
                {
                    self.store.delete(key);
                    self.alive.remove(&id);
                }
            }
            Step::Hide { which, time } => {
                if let Some((key, id, HandleState::InFlight)) = self.handle(which) {
                    self.store.hide(key, now, now + time);
                    self.visible_at.insert(id, now + time);
                }
            }
            Step::Wait { time } => self.now += time,
        }
    }

    /// The message of the receive with this number, and what became of it.
    fn handle(&mut self, which: usize) -> Option<(SlotKey, Uuid, HandleState)> {
        let (key, message) = self.received.get(which)?;
        let (key, id, receive) = (*key, message.id, message.receives);
        let state = self.store.handle_state(key, receive, self.now, RETENTION);
        Some((key, id, state))
    }

    /// Each message is visible, in flight or delayed.
    fn check_counts(&mut self) {
        let counts = self.store.counts(self.now, RETENTION);
        let all = counts.visible + counts.in_flight + counts.delayed;
        assert_eq!(all, self.alive.len());
        let due = self
            .alive
            .keys()
            .filter(|id| self.visible_at[*id] <= self.now);
        assert_eq!(counts.visible, due.count());
    }

    /// Exactly the messages that were not deleted come out, and those of one group in their order.
    fn drain(mut self) {
        self.now += 1_000;
        let mut last = HashMap::new();
        while !self.alive.is_empty() {
            let taken = self.store.receive(self.now, take(10, 1_000));
            assert!(
                !taken.received.is_empty(),
                "{} messages are lost",
                self.alive.len()
            );
            for (key, message) in taken.received {
                let group = self.alive.remove(&message.id).expect("given out twice");
                if self.fifo {
                    let before = last.insert(group, message.id);
                    assert!(before < Some(message.id), "out of order");
                }
                self.store.delete(key);
            }
        }
        assert_eq!(
            self.store.counts(self.now, RETENTION),
            MessageCounts::default()
        );
        assert_eq!(self.store.next_wake(), None);
    }
}

proptest! {
    #[test]
    fn no_message_is_lost_or_given_out_twice(
        fifo: bool,
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut model = Model::new(fifo);
        for step in &steps {
            model.apply(step);
            model.check_counts();
        }
        model.drain();
    }
}

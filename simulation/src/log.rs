//! What happened in a run, as far as the invariants need it.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use fanline_core::channel::Channel;
use fanline_core::delivery::{Delivery, KEY_HORIZON};
use fanline_local::QueueCounts;
use parking_lot::Mutex;
use uuid::Uuid;

use crate::time::{Millis, VirtualTime};

/// Everything that was noted. The parts of the world write it, the invariants read it.
#[derive(Debug)]
pub(crate) struct Log {
    time: VirtualTime,
    state: Mutex<Happened>,
}

/// What happened.
#[derive(Debug, Default)]
pub(crate) struct Happened {
    /// A print of everything in its order. Two runs with the same print were the same.
    pub print: u64,
    /// The deliveries that were put on the queue, each once.
    pub deliveries: Vec<Published>,
    by_body: HashMap<u64, usize>,
    by_identity: HashMap<u128, Vec<usize>>,
    by_handle: HashMap<String, Received>,
    /// The requests that LINE got.
    pub arrivals: Vec<Arrival>,
    /// The records that a consumer hid, and the parts that it put back with a delay.
    pub hides: Vec<Hide>,
    /// How full the delivery queue was.
    pub samples: Vec<Sample>,
    /// The processes that died in the middle.
    pub deaths: u32,
    /// How the producer's invocations ended.
    pub productions: Vec<Production>,
}

/// A delivery on the queue.
#[derive(Debug)]
pub(crate) struct Published {
    /// The run that it is of.
    pub run: String,
    /// The people that it is for.
    pub recipients: Vec<String>,
    /// When it was put on the queue.
    pub at: Millis,
    /// After this time it must not be sent.
    pub deadline: Millis,
    /// When a consumer first made a request for it.
    pub first_asked: Option<Millis>,
    /// When a consumer last made a request for it.
    pub asked: Option<Millis>,
}

#[derive(Clone, Copy, Debug)]
struct Received {
    delivery: usize,
    at: Millis,
}

/// A request that LINE got.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    /// When.
    pub at: Millis,
    /// On which endpoint.
    pub endpoint: ArrivalEndpoint,
    /// How it was answered. `None`: it was not.
    pub status: Option<u16>,
}

/// The endpoints whose requests are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ArrivalEndpoint {
    /// A push.
    Push,
    /// A multicast.
    Multicast,
    /// A LINE Notify message.
    Notify,
    /// Anything else: it has no part in a limit that is checked.
    Other,
}

/// A message that is hidden.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hide {
    /// When it was hidden.
    pub at: Millis,
    /// Until when.
    pub until: Millis,
    /// After this time its delivery must not be sent.
    pub deadline: Millis,
    /// Whether a request was made for it since it was received.
    pub was_asked: bool,
}

/// How full the delivery queue was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    /// When.
    pub at: Millis,
    /// Messages that can be received.
    pub visible: usize,
    /// Messages that are hidden, in hand or not.
    pub in_flight: usize,
    /// Consumers that have a batch in hand.
    pub busy: u32,
}

/// An invocation of a producer.
#[derive(Debug)]
pub(crate) struct Production {
    /// The firing that it belongs to: the campaign's id and the firing's number. `None`: a slice.
    pub firing: Option<(String, usize)>,
    /// The run, if it ended well.
    pub run: String,
    /// The summary's rows, recipients, rejected rows, duplicates and rows of slices; or the error.
    pub end: Result<RowCounts, String>,
}

/// The counts of a summary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct RowCounts {
    pub rows: u64,
    pub recipients: u64,
    pub rejected: u64,
    pub duplicates: u64,
    pub sliced: u64,
}

impl Log {
    /// An empty log of a run.
    pub(crate) fn new(time: VirtualTime) -> Self {
        Self {
            time,
            state: Mutex::default(),
        }
    }

    /// Ends the log.
    pub(crate) fn take(&self) -> Happened {
        std::mem::take(&mut self.state.lock())
    }

    fn note(&self, event: impl Hash, write: impl FnOnce(&mut Happened, Millis)) {
        let now = self.time.millis();
        let mut happened = self.state.lock();
        let mut hasher = DefaultHasher::new();
        (happened.print, now, event).hash(&mut hasher);
        happened.print = hasher.finish();
        write(&mut happened, now);
    }

    /// A body was put on the delivery queue, perhaps not for the first time.
    pub(crate) fn published(&self, body: &str, delay: u64, is_part: bool) {
        let print = print_of(body);
        self.note(("published", print, delay), |happened, now| {
            let Some(deadline) = happened.publish(body, print, now, self.time) else {
                return;
            };
            if is_part {
                happened.hides.push(Hide {
                    at: now,
                    until: now + delay * 1_000,
                    deadline,
                    was_asked: true,
                });
            }
        });
    }

    /// A message of the delivery queue was received.
    pub(crate) fn received(&self, body: &str, handle: &str) {
        let print = print_of(body);
        self.note(("received", print), |happened, now| {
            if let Some(&delivery) = happened.by_body.get(&print) {
                let received = Received { delivery, at: now };
                happened.by_handle.insert(handle.to_owned(), received);
            }
        });
    }

    /// A message of the delivery queue was hidden for so many seconds.
    pub(crate) fn hid(&self, handle: &str, seconds: u64) {
        self.note(("hid", seconds), |happened, now| {
            let Some(received) = happened.by_handle.get(handle) else {
                return;
            };
            let Some(delivery) = happened.deliveries.get(received.delivery) else {
                return;
            };
            happened.hides.push(Hide {
                at: now,
                until: now + seconds * 1_000,
                deadline: delivery.deadline,
                was_asked: delivery.asked.is_some_and(|asked| asked >= received.at),
            });
        });
    }

    /// A process begins a request that carries the delivery with this identity: its retry key, or
    /// the print of its token.
    pub(crate) fn asked(&self, identity: u128) {
        self.note(("asked", identity), |happened, now| {
            for &delivery in happened.by_identity.get(&identity).into_iter().flatten() {
                if let Some(delivery) = happened.deliveries.get_mut(delivery) {
                    delivery.first_asked.get_or_insert(now);
                    delivery.asked = Some(now);
                }
            }
        });
    }

    /// LINE answered a request that it got at this time.
    pub(crate) fn arrived(
        &self,
        at: Millis,
        endpoint: ArrivalEndpoint,
        process: u32,
        status: Option<u16>,
    ) {
        self.note(("arrived", endpoint, process, status), |happened, _| {
            happened.arrivals.push(Arrival {
                at,
                endpoint,
                status,
            });
        });
    }

    /// How full the delivery queue is now.
    pub(crate) fn sampled(&self, counts: QueueCounts, busy: u32) {
        let QueueCounts {
            visible, in_flight, ..
        } = counts;
        self.note((visible, in_flight, busy), |happened, at| {
            happened.samples.push(Sample {
                at,
                visible,
                in_flight,
                busy,
            });
        });
    }

    /// An invocation of a consumer ended.
    pub(crate) fn invoked(&self, process: u32, records: usize, is_answered: bool) {
        self.note(("invoked", process, records, is_answered), |_, _| ());
    }

    /// A process died in the middle.
    pub(crate) fn died(&self, process: u32) {
        self.note(("died", process), |happened, _| happened.deaths += 1);
    }

    /// An invocation of a producer ended.
    pub(crate) fn produced(
        &self,
        firing: Option<&(String, usize)>,
        run: &str,
        end: &Result<RowCounts, String>,
    ) {
        self.note(("produced", firing, run, end), |happened, _| {
            happened.productions.push(Production {
                firing: firing.cloned(),
                run: run.to_owned(),
                end: end.clone(),
            });
        });
    }
}

impl Happened {
    /// Keeps a delivery, and returns its deadline. `None`: the body is not a delivery.
    fn publish(&mut self, body: &str, print: u64, at: Millis, time: VirtualTime) -> Option<Millis> {
        if let Some(known) = self.by_body.get(&print) {
            return Some(self.deliveries.get(*known)?.deadline);
        }
        let delivery = Delivery::decode(body).ok()?;
        let envelope = &delivery.envelope;
        let horizon = time.millis_of(envelope.started_at + KEY_HORIZON);
        let expires = envelope.expires_at.map_or(horizon, |at| time.millis_of(at));
        let deadline = horizon.min(expires);
        let number = self.deliveries.len();
        let identity = identity_of(&delivery);
        self.by_body.insert(print, number);
        self.by_identity.entry(identity).or_default().push(number);
        self.deliveries.push(Published {
            run: delivery.envelope.run,
            recipients: delivery.recipients,
            at,
            deadline,
            first_asked: None,
            asked: None,
        });
        Some(deadline)
    }
}

fn identity_of(delivery: &Delivery) -> u128 {
    match (delivery.envelope.channel, delivery.recipients.as_slice()) {
        (Channel::LineNotify, [token]) => token_identity(token),
        _ => key_identity(delivery.request().retry_key),
    }
}

/// The identity of the deliveries with this retry key.
pub(crate) fn key_identity(key: Uuid) -> u128 {
    key.as_u128()
}

/// The identity of the deliveries for this LINE Notify token.
pub(crate) fn token_identity(token: &str) -> u128 {
    u128::from(print_of(token))
}

fn print_of(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

//! The network: every request of every process passes here, on its way to a far end.
//!
//! # Layout
//! - `process`: what can die, at any of its requests
//! - `aws`: the way to the queues and the object store
//! - `objects`: the object store; `listing`: its keys
//! - `line`: the way to LINE; `http`: the maker of its requests
//! - `weather`: what is wrong with LINE, and when

mod aws;
mod http;
mod line;
mod listing;
mod objects;
mod process;
mod weather;

use std::sync::Arc;
use std::time::Duration;

use fanline_local::{InProcessLine, InProcessQueues, QueueCounts};
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::sync::Notify;

use crate::log::Log;
use crate::time::VirtualTime;

pub(crate) use aws::config_of;
pub(crate) use http::builder;
pub(crate) use line::line_of;
pub(crate) use objects::Objects;
pub(crate) use process::Process;
pub use process::{Death, Moment};
pub(crate) use weather::is_fair;
pub use weather::{Spell, SpellKind, Whom};

/// Where the SDK's clients find the far ends.
pub(crate) const AWS: &str = "http://aws.simulation";

/// How long requests travel, in milliseconds: at least and at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roads {
    /// To the queues and the object store, each way.
    pub aws: (u64, u64),
    /// To LINE.
    pub to_line: (u64, u64),
    /// LINE's work and the way back.
    pub from_line: (u64, u64),
}

impl Default for Roads {
    fn default() -> Self {
        Self {
            aws: (2, 8),
            to_line: (5, 40),
            from_line: (30, 120),
        }
    }
}

/// The far ends and the ways to them.
#[derive(Debug)]
pub(crate) struct Network {
    pub time: VirtualTime,
    pub log: Log,
    pub queues: InProcessQueues,
    pub line: InProcessLine,
    pub objects: Objects,
    pub spells: Vec<Spell>,
    /// From when and for how long the store of the ledger does not work.
    pub store_down: Vec<(Duration, Duration)>,
    /// Only makes requests to LINE, and sends none.
    pub http: reqwest::Client,
    /// The names of the delivery queues.
    pub deliveries: Vec<String>,
    /// Something was sent, hidden or deleted.
    pub filled: Notify,
    pub roads: Roads,
    pub random: Mutex<StdRng>,
}

impl Network {
    /// The source of the latencies.
    pub(crate) fn random(seed: u64) -> Mutex<StdRng> {
        Mutex::new(StdRng::seed_from_u64(seed))
    }

    /// Whether the store of the ledger and of control does not work now.
    fn is_store_down(&self) -> bool {
        let now = Duration::from_millis(self.time.millis());
        let mut times = self.store_down.iter();
        times.any(|(from, lasts)| (*from..*from + *lasts).contains(&now))
    }

    fn road_to_aws(&self) -> (Duration, Duration) {
        (self.draw(self.roads.aws), self.draw(self.roads.aws))
    }

    fn road_to_line(&self) -> (Duration, Duration) {
        (
            self.draw(self.roads.to_line),
            self.draw(self.roads.from_line),
        )
    }

    fn draw(&self, (least, most): (u64, u64)) -> Duration {
        Duration::from_millis(self.random.lock().random_range(least..=most))
    }

    /// How many messages the queue has.
    pub(crate) fn counts(&self, queue: &str) -> QueueCounts {
        self.queues.counts(queue).unwrap_or_default()
    }

    /// Returns when the queue has any message.
    async fn until_filled(&self, queue: &str) {
        loop {
            let filled = self.filled.notified();
            if self.counts(queue) != QueueCounts::default() {
                return;
            }
            filled.await;
        }
    }
}

/// Shared by everything that makes requests.
pub(crate) type SharedNetwork = Arc<Network>;

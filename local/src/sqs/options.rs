//! How a queue server is set up.

use std::net::{IpAddr, Ipv4Addr};

use crate::clock::Clock;
use crate::sqs::faults::QueueFaults;
use crate::sqs::store::MAX_IN_FLIGHT;

/// How a queue server is set up.
#[derive(Clone, Debug)]
pub struct QueueOptions {
    /// The address to listen on. Whoever reaches it can use the server.
    pub host: IpAddr,
    /// The port. 0 takes a free one.
    pub port: u16,
    /// The region in the ARNs of the queues.
    pub region: String,
    /// The clock of the server.
    pub clock: Clock,
    /// What goes wrong, and how often.
    pub faults: QueueFaults,
    /// A queue has at most this many messages in flight: SQS's 120,000, or fewer for a small test.
    pub max_in_flight: usize,
}

impl Default for QueueOptions {
    fn default() -> Self {
        Self {
            host: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            region: "us-east-1".to_owned(),
            clock: Clock::system(),
            faults: QueueFaults::default(),
            max_in_flight: MAX_IN_FLIGHT,
        }
    }
}

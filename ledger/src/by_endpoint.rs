//! A number for each endpoint of the Messaging API.

use std::ops::AddAssign;

use fanline_core::delivery::Endpoint;
use serde::{Deserialize, Serialize};

/// A number for each endpoint of the Messaging API: each has its own limit and its own pace. What
/// goes out on another channel counts as a push: one request for one person.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ByEndpoint<T> {
    /// Of the push endpoint: one person in a request.
    pub push: T,
    /// Of the multicast endpoint: up to 500 people in a request.
    pub multicast: T,
}

impl<T> ByEndpoint<T> {
    /// The number of one endpoint.
    pub fn of(&self, endpoint: Endpoint) -> &T {
        match endpoint {
            Endpoint::Push => &self.push,
            Endpoint::Multicast => &self.multicast,
        }
    }

    /// Another number for each endpoint.
    pub fn map<U>(self, mut change: impl FnMut(Endpoint, T) -> U) -> ByEndpoint<U> {
        ByEndpoint {
            push: change(Endpoint::Push, self.push),
            multicast: change(Endpoint::Multicast, self.multicast),
        }
    }

    /// Both numbers side by side with two others.
    pub fn zip<U>(self, other: ByEndpoint<U>) -> ByEndpoint<(T, U)> {
        ByEndpoint {
            push: (self.push, other.push),
            multicast: (self.multicast, other.multicast),
        }
    }
}

impl<T: AddAssign> AddAssign for ByEndpoint<T> {
    fn add_assign(&mut self, other: Self) {
        self.push += other.push;
        self.multicast += other.multicast;
    }
}

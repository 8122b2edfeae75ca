//! What both channels share.
//!
//! # Layout, in the order of a request
//! - `pace`, `hold`: when a request may depart
//! - `http`, `route`: the client, and the path of each request
//! - `response`: what came back; `verdict`: what it means
//! - `attempt`: what the channel says about the delivery
//! - `backoff`: how long a record waits until its next attempt

pub(crate) mod attempt;
pub(crate) mod backoff;
pub(crate) mod hold;
pub(crate) mod http;
pub(crate) mod pace;
pub(crate) mod response;
pub(crate) mod route;
pub(crate) mod verdict;

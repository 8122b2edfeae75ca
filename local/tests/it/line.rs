//! The simulated LINE with an HTTP client.

mod account;
mod faults;
mod ledger;
mod limits;
mod notify;
mod recipients;
mod refusals;
mod retry_keys;
mod send;
mod support;
mod tokens;

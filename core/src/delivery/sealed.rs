//! How a sealed delivery is known. What is in it only the crate `seal` can read.

/// What a sealed delivery says in the field `v`. A consumer from before there were any does not
/// know this version: it hands the record back, so that a newer one gets it.
pub const SEALED_VERSION: u64 = 100;

/// What a sealed queue message begins with. No delivery in plain text does.
const BEGINNING: &str = "{\"sealed\":";

/// Whether the body of a queue message is a sealed delivery.
pub fn is_sealed(body: &str) -> bool {
    body.starts_with(BEGINNING)
}

//! The files of `events/`, read as the functions read them, and LINE's rules for messages.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod campaigns;
mod deliveries;
mod line_messages;
mod lists;

use std::path::PathBuf;

/// A file of `events/` as text.
fn event(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../events")
        .join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

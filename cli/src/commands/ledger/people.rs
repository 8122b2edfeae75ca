//! What became of people: lists, rolls, books and pages side by side.
//!
//! - `joined`: the rows of a list with what became of each
//! - `family`: a run and its resends together
//! - `settled`: how deliveries came to their ends, out of the pages
//! - `key`: the key of the hashes that stand for recipients in the rolls

pub(super) mod family;
pub(super) mod joined;
pub(super) mod key;
pub(super) mod settled;

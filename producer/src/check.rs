//! The first reading of a slice: which rows can be sent, and where the others are written down.

pub(crate) mod checker;
pub(crate) mod reading;
pub(crate) mod rejects;
pub(crate) mod row_rules;
pub(crate) mod samples;
pub(crate) mod window;

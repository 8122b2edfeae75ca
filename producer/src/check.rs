//! The first reading: which rows can be sent, and where the others are written down.

pub(crate) mod checker;
pub(crate) mod rejects;
pub(crate) mod row_rules;

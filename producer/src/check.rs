//! The first reading of a list: which rows can be sent, and where the others are written down.

pub(crate) mod campaign;
pub(crate) mod checker;
mod duplicates;
pub(crate) mod reading;
pub(crate) mod rejects;
pub(crate) mod row_rules;
pub(crate) mod samples;
mod sorted_runs;

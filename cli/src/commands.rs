//! The commands: one file for each.

pub(crate) mod check;
pub(crate) mod run;
pub(crate) mod simulate;
pub(crate) mod worker;

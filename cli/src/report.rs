//! The result of a run: its numbers, and its forms for people, for programs and as a page.
//!
//! - `outcomes`, `dead_letters`, `measurements`: what is counted during a run and at its end
//! - `accounting`: the rows of the list, each in exactly one term
//! - `run_report`: all of that together, as `--json` prints it
//! - `facts`: when, where and with what the run was made
//! - `advice`: what to do about who got nothing
//! - `terminal`: the report as lines; `html`: the report as a page; `file`: where that is written

pub(crate) mod accounting;
pub(crate) mod advice;
pub(crate) mod dead_letters;
pub(crate) mod facts;
pub(crate) mod file;
pub(crate) mod html;
pub(crate) mod measurements;
pub(crate) mod outcomes;
pub(crate) mod run_report;
pub(crate) mod terminal;

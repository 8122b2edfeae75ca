//! The result of a run: its numbers, and its forms for people, for programs and as a page.
//!
//! - `outcomes`, `dead_letters`, `measurements`: what is counted during a run and at its end
//! - `accounting`: the rows of the list, each in exactly one term
//! - `run_report`: all of that together, as `--json` prints it
//! - `terminal`: the report as lines; `html`: the report as a page, with its `chart`;
//!   `file`: where the page is written

pub(crate) mod accounting;
mod chart;
pub(crate) mod dead_letters;
pub(crate) mod file;
pub(crate) mod html;
pub(crate) mod measurements;
pub(crate) mod outcomes;
pub(crate) mod run_report;
pub(crate) mod terminal;

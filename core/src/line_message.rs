//! LINE's rules for message objects: what LINE would answer 400 to, found before anything is sent.
//!
//! Pure: no network, no clock. The rules are tables, one file for each section of LINE's reference,
//! and each table names its section. Only what LINE documents, or has been seen to refuse, is a
//! [`Problem`]. What LINE may refuse is a warning. A field that LINE does not document is never a
//! problem: LINE adds fields, and outside a Flex Message it ignores those that it does not know.
//!
//! # Two passes
//! A campaign's message is a JSON tree whose strings may be templates.
//! - [`MessageRules::compile`] checks the tree once, and finds everything that no row can change.
//! - [`MessageRules::row`] checks what was rendered for one row: only the fields that are
//!   templates. A row that passes has no [`problems`], and one that does not pass has some.
//!
//! # Layout
//! - `message`, `imagemap`, `template`, `flex`, `action`: the tables
//! - `walk`: a tree held against the tables; `schema` in it: the words that the tables are written
//!   in
//! - `text`, `number`: the rules for strings and numbers
//! - `field`: the rules for one string that is a template
//! - `rules`: all that is left to check for each row
//!
//! Sources: <https://developers.line.biz/en/reference/messaging-api/#message-objects>, as of
//! 2026-08-07, and <https://github.com/line/line-openapi>, as of 2026-07-01.

use serde_json::Value;

mod action;
mod field;
mod flex;
mod imagemap;
mod message;
mod number;
mod problem;
mod rules;
#[cfg(test)]
mod table;
mod template;
mod text;
mod walk;

pub use field::{FieldForm, FieldRule};
pub use problem::Problem;
pub use rules::{MessageRules, RowCheck};
pub use text::braces::double_braces;

/// Everything that LINE would refuse in `messages`, in the order of the tables.
///
/// `messages` is what a request carries: no string of it is a template.
pub fn problems(messages: &[Value]) -> Vec<Problem> {
    let mut walk = walk::Walk::new(&message::MESSAGE, &|_| None);
    walk.messages(messages);
    walk.into_findings().problems
}

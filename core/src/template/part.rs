//! The parts of compiled messages, and the quick way to fill most of them.

use minijinja::machinery::ast::{Expr, Stmt};

use crate::line_message::{FieldForm, double_braces};
use crate::list::{Row, RowError};
use crate::text::push_json_chars;

use super::column::Column;
use super::names::ROW;
use super::value::{NoText, spelling};

/// A part of the messages' JSON.
#[derive(Debug)]
pub(super) enum Part {
    /// JSON that is the same for every row.
    Fixed(String),
    /// A string, or a number, that depends on the row.
    Text(TextPart),
}

/// A string of the messages that depends on the row.
#[derive(Debug)]
pub(super) struct TextPart {
    /// The string's path in the campaign.
    pub(super) field: String,
    pub(super) form: FieldForm,
    /// Whether the braces of each value are doubled.
    pub(super) doubles_braces: bool,
    /// The field's place in the rules for rows, where LINE has rules.
    pub(super) rule: Option<usize>,
    /// The columns that the template uses.
    pub(super) columns: Vec<Column>,
    /// The texts in the template's tags that may be meant as a column's name.
    pub(super) possible_columns: Vec<String>,
    /// How it is made without the engine: see [`pieces`]. `None`: by the engine, which knows the
    /// template by the string's field.
    pub(super) pieces: Option<Vec<Piece>>,
}

/// A piece of a string that depends on the row.
#[derive(Debug, PartialEq)]
pub(super) enum Piece {
    /// Text, as it stands inside a JSON string.
    Text(String),
    /// The value of this column.
    Column(String),
}

/// Whether the text holds anything that the engine would not take as it stands.
pub(super) fn is_template(text: &str) -> bool {
    ["{{", "{%", "{#"].iter().any(|mark| text.contains(mark))
}

/// What every rendering of the template begins with.
pub(super) fn prefix(template: &Stmt<'_>) -> String {
    let Stmt::Template(template) = template else {
        return String::new();
    };
    let raw = template.children.iter().map_while(|child| match child {
        Stmt::EmitRaw(raw) => Some(raw.raw),
        _ => None,
    });
    raw.collect()
}

/// The pieces of a template that only puts columns into text, or `None` for any other template.
///
/// Nearly all templates are of this kind, and [`fill`] is much quicker than the engine.
pub(super) fn pieces(template: &Stmt<'_>) -> Option<Vec<Piece>> {
    let Stmt::Template(template) = template else {
        return None;
    };
    template.children.iter().map(piece).collect()
}

fn piece(statement: &Stmt<'_>) -> Option<Piece> {
    let is_row = |of: &Expr<'_>| matches!(of, Expr::Var(var) if var.id == ROW);
    let name = match statement {
        Stmt::EmitRaw(raw) => {
            let mut json = String::new();
            push_json_chars(&mut json, raw.raw);
            return Some(Piece::Text(json));
        }
        Stmt::EmitExpr(emit) => match &emit.expr {
            Expr::Var(var) => var.id,
            Expr::GetAttr(get) if is_row(&get.expr) => get.name,
            Expr::GetItem(get) if is_row(&get.expr) => match &get.subscript_expr {
                Expr::Const(constant) => constant.value.as_str()?,
                _ => return None,
            },
            _ => return None,
        },
        _ => return None,
    };
    Some(Piece::Column(Column::name(name)))
}

/// Appends the pieces to `json` with the row's values in them.
pub(super) fn fill(
    text: &TextPart,
    pieces: &[Piece],
    row: &Row<'_>,
    json: &mut String,
) -> Result<(), RowError> {
    for piece in pieces {
        match piece {
            Piece::Text(text) => json.push_str(text),
            Piece::Column(column) => {
                if let Some(value) = row.written(column) {
                    text.push(value, json);
                } else {
                    // A list or an object of NDJSON.
                    let value = row.value(column).filter(|value| !value.is_none());
                    let value = value.ok_or_else(|| text.missing(column, row))?;
                    text.push(
                        &spelling(&value).map_err(|no_text| text.error(no_text))?,
                        json,
                    );
                }
            }
        }
    }
    Ok(())
}

impl TextPart {
    fn push(&self, value: &str, json: &mut String) {
        if self.doubles_braces {
            push_json_chars(json, &double_braces(value));
        } else {
            push_json_chars(json, value);
        }
    }

    pub(super) fn error(&self, no_text: NoText) -> RowError {
        self.problem(no_text.to_string())
    }

    pub(super) fn problem(&self, problem: String) -> RowError {
        RowError::Message {
            field: self.field.clone(),
            problem,
        }
    }

    /// The error of a row that lacks `column`.
    pub(super) fn missing(&self, column: &str, row: &Row<'_>) -> RowError {
        self.meant_column(row)
            .unwrap_or_else(|| RowError::Missing(column.to_owned()))
    }

    /// The error of a row that has a column whose name the template writes as an expression, such
    /// as `first-name`.
    pub(super) fn meant_column(&self, row: &Row<'_>) -> Option<RowError> {
        let mut possible = self.possible_columns.iter();
        let meant = possible.find(|name| row.value(name).is_some())?;
        Some(self.problem(Column::meant(meant)))
    }
}

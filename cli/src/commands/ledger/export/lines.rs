//! Rows with more columns than their list has, as lines of CSV and NDJSON.
//! <https://www.rfc-editor.org/rfc/rfc4180>

use fanline_core::list::{Header, Row};

use crate::commands::ledger::people::joined::JoinedRow;
use crate::exit::InputError;

/// The first line of a CSV file: the columns in front, those of the list, and those behind. A
/// column of ours that the list has too gets another name.
pub(crate) fn push_head(
    line: &mut String,
    row: &JoinedRow<'_>,
    front: &[&str],
    behind: &[&str],
) -> Result<(), InputError> {
    let header = row.header.ok_or_else(|| {
        InputError("the list is NDJSON, and each row can have other columns: write .ndjson".into())
    })?;
    let own = |column: &str| own_name(column, |name| header.has(name));
    for column in front {
        line.push_str(&own(column));
        line.push(',');
    }
    push_columns(line, header);
    for column in behind {
        line.push(',');
        line.push_str(&own(column));
    }
    line.push('\n');
    Ok(())
}

/// A line of CSV, with values in front of those of the list and behind.
pub(crate) fn push_csv(
    line: &mut String,
    row: &JoinedRow<'_>,
    front: &[String],
    behind: &[String],
) {
    for value in front {
        push_field(line, value);
        line.push(',');
    }
    push_fields(line, row);
    for value in behind {
        line.push(',');
        push_field(line, value);
    }
    line.push('\n');
}

/// A line of NDJSON, with more fields than the row has. An empty value is left out.
pub(crate) fn push_json(line: &mut String, row: &JoinedRow<'_>, columns: &[&str], more: &[String]) {
    let values = row.values.as_ref();
    let object = values.map_or_else(|| "{}".to_owned(), Row::to_json);
    line.push_str(object.strip_suffix('}').unwrap_or(&object));
    for (column, value) in columns.iter().zip(more) {
        if value.is_empty() {
            continue;
        }
        let name = own_name(column, |name| {
            values.is_some_and(|row| row.value(name).is_some())
        });
        if !line.ends_with('{') {
            line.push(',');
        }
        for part in ["\"", &name, "\":"] {
            line.push_str(part);
        }
        line.push_str(&serde_json::Value::from(value.as_str()).to_string());
    }
    line.push_str("}\n");
}

/// The name of a column of ours that the list does not have.
fn own_name(column: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let mut name = column.to_owned();
    while is_taken(&name) {
        name.insert_str(0, "fanline_");
    }
    name
}

/// The names of the columns.
pub(crate) fn push_columns(line: &mut String, header: &Header) {
    for (number, column) in header.columns().iter().enumerate() {
        if number > 0 {
            line.push(',');
        }
        push_field(line, column);
    }
}

/// The fields of a row: empty ones where the row can't be read.
pub(crate) fn push_fields(line: &mut String, row: &JoinedRow<'_>) {
    if let Some(Row::Csv(record)) = &row.values {
        for (number, field) in record.fields().enumerate() {
            if number > 0 {
                line.push(',');
            }
            push_field(line, field);
        }
    } else {
        let columns = row.header.map_or(0, |header| header.columns().len());
        line.extend(std::iter::repeat_n(',', columns.saturating_sub(1)));
    }
}

/// A field, quoted where it has to be.
fn push_field(line: &mut String, field: &str) {
    if !field.contains([',', '"', '\n', '\r']) {
        line.push_str(field);
        return;
    }
    line.push('"');
    for part in field.split_inclusive('"') {
        line.push_str(part);
        if part.ends_with('"') {
            line.push('"');
        }
    }
    line.push('"');
}

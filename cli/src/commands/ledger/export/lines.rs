//! Lines of CSV. <https://www.rfc-editor.org/rfc/rfc4180>

use fanline_core::list::{Header, Row};

use crate::commands::ledger::people::joined::JoinedRow;

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
pub(crate) fn push_field(line: &mut String, field: &str) {
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

//! Lists as people really have them.

mod csv;
mod ndjson;
mod quotes;

use fanline_core::list::{Format, ListError, ListReader, Place};

/// The rows of a list: each row's place, and its values joined by `|` or its error.
type Rows = Result<Vec<(Place, String)>, ListError>;

/// Reads `list` in chunks of `chunk` bytes.
fn read(reader: &mut ListReader, list: &[u8], chunk: usize, columns: &[&str]) -> Rows {
    let mut rows = Vec::new();
    for (mut input, last) in list
        .chunks(chunk)
        .map(|chunk| (chunk, false))
        .chain([(&[][..], true)])
    {
        while let Some(parsed) = reader.next(&mut input, last)? {
            let shown = match parsed.row {
                Ok(row) => columns
                    .iter()
                    .map(|column| row.written(column).unwrap_or("∅"))
                    .collect::<Vec<_>>()
                    .join("|"),
                Err(error) => error.to_string(),
            };
            rows.push((parsed.place, shown));
        }
    }
    Ok(rows)
}

/// What `list` reads as in chunks of every size: it must be the same.
fn in_any_chunks(format: Format, list: &[u8], columns: &[&str]) -> Rows {
    let whole = read(&mut ListReader::new(format), list, usize::MAX, columns);
    for chunk in 1..=list.len() {
        let parts = read(&mut ListReader::new(format), list, chunk, columns);
        assert_eq!(parts, whole, "chunks of {chunk} bytes");
    }
    whole
}

/// Each row of a list with its place, or the sentence of its error.
fn shown(format: Format, list: &[u8], columns: &[&str]) -> Result<Vec<String>, String> {
    in_any_chunks(format, list, columns)
        .map(|rows| {
            let rows = rows.into_iter();
            rows.map(|(place, row)| format!("{place}: {row}")).collect()
        })
        .map_err(|error| error.to_string())
}

/// What a CSV list with the columns `to` and `name` reads as.
fn csv(list: &[u8]) -> Result<Vec<String>, String> {
    shown(Format::Csv, list, &["to", "name"])
}

/// An ID that nobody has.
fn user(n: usize) -> String {
    format!("U{n:032x}")
}

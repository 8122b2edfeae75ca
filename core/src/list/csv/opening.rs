//! The beginning of a CSV list: marks, a line that names the separator, and the header.

use super::super::cursor::Cursor;
use super::super::encoding::{Encoding, Guess};
use super::super::error::{ListError, NotText};
use super::super::header::{COMMA, Header};
use super::super::names::{column_name, similar};
use super::people::Column;
use super::record::{Dialect, RecordReader};
use crate::channel::Channel;

/// A header ends within so many bytes of the list's beginning.
pub(super) const MAX_OPENING_BYTES: usize = 64 * 1024;

/// The separators that programs write, the usual one first.
const SEPARATORS: [u8; 4] = [COMMA, b';', b'\t', b'|'];

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The header of a list, and where its first row begins.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) header: Header,
    /// In front of the first row.
    pub(super) cursor: Cursor,
    /// How many bytes there are before the first row.
    pub(super) bytes: usize,
}

/// The names of the header as a separator reads them.
struct Candidate {
    separator: u8,
    line: u64,
    names: Result<Vec<String>, ListError>,
    cursor: Cursor,
    /// How many bytes there are behind the header.
    unread: usize,
}

/// Finds the header at the beginning of a list. `cursor` stands in front of it. `is_whole` says
/// that this is the whole list.
///
/// The separator is the one that makes `to` or `token` the name of a column. So nothing is guessed.
/// A list that has no such column can't be sent anyway.
pub(super) fn find(
    beginning: &[u8],
    is_whole: bool,
    cursor: &Cursor,
    encoding: Encoding,
) -> Result<Opening, ListError> {
    let mut cursor = cursor.clone();
    let mut input = beginning;
    skip_marks(&mut cursor, &mut input);
    let first = named_separator(&mut cursor, &mut input).unwrap_or(COMMA);
    check_format(input, cursor.place().line)?;
    let mut best = Candidate::read(&cursor, input, first, encoding);
    for separator in SEPARATORS {
        let candidate = Candidate::read(&cursor, input, separator, encoding);
        if candidate.rank() > best.rank() {
            best = candidate;
        }
    }
    let names = best.names?;
    if best.unread == 0 && !is_whole {
        return Err(ListError::HeaderTooLong(best.line));
    }
    Ok(Opening {
        header: Header::new(&names, best.separator, best.line)?,
        cursor: best.cursor,
        bytes: beginning.len() - best.unread,
    })
}

impl Candidate {
    fn read(cursor: &Cursor, mut input: &[u8], separator: u8, encoding: Encoding) -> Self {
        let mut cursor = cursor.clone();
        let mut line = cursor.place().line;
        let names = read_names(&mut cursor, &mut line, &mut input, separator, encoding);
        Self {
            separator,
            line,
            names,
            cursor,
            unread: input.len(),
        }
    }

    /// A header with `to` or `token` is better than one with a name that is likely meant for it. It
    /// is better than any other, and that is better than none. Where there is nothing but
    /// separators, the other separators make a name of them.
    fn rank(&self) -> (u8, usize) {
        let names = match &self.names {
            Ok(names) => names,
            Err(ListError::Empty) => return (1, usize::MAX),
            Err(_) => return (1, 1),
        };
        let known = [Channel::Line, Channel::LineNotify].map(Channel::recipient_column);
        let all = || names.iter().map(String::as_str);
        if known.iter().any(|column| all().any(|name| name == *column)) {
            (3, 0)
        } else if known.iter().any(|column| similar(column, &all()).is_some()) {
            (2, 0)
        } else {
            (1, names.len())
        }
    }
}

/// What the lines below an open quote are searched for.
pub(super) fn recipients(header: &Header) -> Column {
    if header.has(Channel::LineNotify.recipient_column())
        && !header.has(Channel::Line.recipient_column())
    {
        Column::Token
    } else {
        Column::To
    }
}

/// The names in the first record that is not empty. `line` becomes the line of that record.
fn read_names(
    cursor: &mut Cursor,
    line: &mut u64,
    input: &mut &[u8],
    separator: u8,
    encoding: Encoding,
) -> Result<Vec<String>, ListError> {
    let dialect = Dialect {
        separator,
        recipients: Some(Column::To),
    };
    let mut records = RecordReader::new(dialect);
    loop {
        cursor.skip_line_ends(input);
        *line = cursor.place().line;
        let is_complete = records.read(cursor, input, true);
        if !is_complete.map_err(|error| in_header(error, *line))? {
            return Err(ListError::Empty);
        }
        cursor.end_line();
        let Some(fields) = records.fields() else {
            let problem = NotText::new(encoding, &mut Guess::default(), records.bytes());
            return Err(ListError::HeaderNotText {
                line: *line,
                problem,
            });
        };
        if !fields.are_blank() {
            return Ok(fields.iter().map(column_name).collect());
        }
    }
}

/// Says what a list is that is called CSV and is something else.
fn check_format(beginning: &[u8], line: u64) -> Result<(), ListError> {
    let beginning = beginning.trim_ascii_start();
    match beginning {
        [b'{', ..] => Err(ListError::Json(line)),
        [b'[', rest @ ..] if rest.trim_ascii_start().starts_with(b"{") => {
            Err(ListError::JsonArray(line))
        }
        [b'<', b'!' | b'?' | b'h' | b'H' | b't' | b'T', ..] => Err(ListError::Markup(line)),
        _ => Ok(()),
    }
}

/// The error of a row, as the header's: it is no row.
fn in_header(error: ListError, line: u64) -> ListError {
    match error {
        ListError::OpenQuote(_) | ListError::StrayQuote(_) | ListError::QuotedRows(_) => {
            ListError::HeaderQuote(line)
        }
        ListError::RowTooLong(_) => ListError::HeaderTooLong(line),
        other => other,
    }
}

/// Skips byte order marks, of which some programs write several, and blank lines.
fn skip_marks(cursor: &mut Cursor, input: &mut &[u8]) {
    loop {
        cursor.skip_line_ends(input);
        let Some(rest) = input.strip_prefix(BYTE_ORDER_MARK) else {
            break;
        };
        cursor.skip(BYTE_ORDER_MARK.len(), 0);
        *input = rest;
    }
}

/// The separator that a first line `sep=;` names, which Excel reads and hides. Skips the line.
fn named_separator(cursor: &mut Cursor, input: &mut &[u8]) -> Option<u8> {
    let end = memchr::memchr2(b'\n', b'\r', input)?;
    let (line, rest) = input.split_at(end);
    let named = line.trim_ascii_start();
    let named = named.strip_prefix(b"\"").unwrap_or(named);
    let (sep, named) = named.split_at_checked(4)?;
    if !sep.eq_ignore_ascii_case(b"sep=") {
        return None;
    }
    let &separator = named.first()?;
    let behind = named.split_at(1).1.trim_ascii_end();
    let is_separator =
        separator.is_ascii_punctuation() && separator != b'"' || matches!(separator, b' ' | b'\t');
    if !is_separator || !matches!(behind, b"" | b"\"") {
        return None;
    }
    cursor.skip(line.len(), 0);
    *input = rest;
    skip_marks(cursor, input);
    Some(separator)
}

#[cfg(test)]
mod tests {
    use super::super::super::place::Place;
    use super::*;

    /// The separator, the names joined by `¦`, and how many bytes there are before the first row.
    fn opening(list: &str) -> Result<(char, String, usize), ListError> {
        let cursor = Cursor::new(Place::START);
        let opening = find(list.as_bytes(), true, &cursor, Encoding::UTF_8)?;
        let separator = char::from(opening.header.separator());
        Ok((separator, opening.header.columns().join("¦"), opening.bytes))
    }

    #[test]
    fn the_separator_is_the_one_that_makes_the_recipient_a_column() {
        for (list, separator, names) in [
            ("to,name\n", ',', "to¦name"),
            ("to;name\r\n", ';', "to¦name"),
            ("to\tname", '\t', "to¦name"),
            ("name|token\n", '|', "name¦token"),
            ("to\n", ',', "to"),
            ("to;a,b\n", ';', "to¦a,b"),
            ("to,a;b\n", ',', "to¦a;b"),
            ("sep=;\r\nto;name\r\n", ';', "to¦name"),
            ("SEP=\t\nto\tname\n", '\t', "to¦name"),
            ("\"sep=|\"\nto|name\n", '|', "to¦name"),
            ("sep=^\nto^name\n", '^', "to¦name"),
            ("sep=,\nto;name\n", ';', "to¦name"),
            ("\u{feff}\u{feff}to,name\n", ',', "to¦name"),
            ("\r\n\u{feff}\"to\",\"name\"\n", ',', "to¦name"),
            ("\"to\"; \"full\nname\"\n", ';', "to¦full\nname"),
            (",,\n \nto,name\n", ',', "to¦name"),
            ("To;Name,x\n", ';', "To¦Name,x"),
            ("a;b;c\n", ';', "a¦b¦c"),
        ] {
            let (found, columns, bytes) = opening(list).unwrap();
            assert_eq!((found, &*columns), (separator, names), "{list}");
            assert!(list.split_at(bytes).1.trim_start().is_empty(), "{list}");
        }
    }

    #[test]
    fn what_is_no_csv_is_named() {
        for (list, sentence) in [
            ("", "the list is empty"),
            ("\u{feff}\r\n\n", "the list is empty"),
            (",,\n", "the list is empty"),
            ("sep=;\n", "the list is empty"),
            ("\n{\"to\":\"U1\"}\n", "line 2 is JSON and no header of CSV"),
            ("[\n  {\"to\":\"U1\"}]", "line 1 begins a JSON array"),
            ("<!DOCTYPE html>", "line 1 is HTML or XML"),
            ("<table><tr>", "line 1 is HTML or XML"),
            ("to,\"name\n", "line 1: the header opens a quote"),
            ("\nto,\"na\"me\n", "line 2: the header opens a quote"),
            ("to,name,to\n", "line 1: columns 1 and 3 have the same name"),
            ("U1,王,王\n", "line 1: columns 2 and 3 have the same name"),
        ] {
            let error = opening(list).unwrap_err().to_string();
            assert!(error.starts_with(sentence), "{list}: {error}");
        }
        let long = "x".repeat(MAX_OPENING_BYTES);
        let cursor = Cursor::new(Place::START);
        let error = find(long.as_bytes(), false, &cursor, Encoding::UTF_8).unwrap_err();
        assert_eq!(error, ListError::HeaderTooLong(1));
    }
}

//! Bytes of a recipient list in, rows out, wherever the bytes come from.
//!
//! - [`ListReader`]: the reader, for both formats
//! - [`Format`], [`Compression`]: how a list is written and compressed
//! - [`Parsed`], [`Row`], [`Header`]: what the reader returns
//! - [`Place`]: where a row is
//! - [`ListError`], [`RowError`]: what can be wrong with a list, and with one row

mod csv;
mod cursor;
mod error;
mod format;
mod ndjson;
mod place;
mod row;

pub use error::{ListError, RowError};
pub use format::{Compression, Format};
pub use place::Place;
pub use row::{CsvRecord, Header, Parsed, Row};

use csv::CsvReader;
use cursor::Cursor;
use ndjson::NdjsonReader;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads rows out of chunks of bytes.
///
/// The reader holds no input: it is fed chunks of any size and returns rows. So the same code reads
/// an S3 object, a file, and a slice of either, and holds one row at a time.
pub struct ListReader {
    syntax: Syntax,
    cursor: Cursor,
    /// The part of a byte order mark that may still come: only the beginning of a list has one.
    mark: &'static [u8],
}

enum Syntax {
    Csv(CsvReader),
    Ndjson(NdjsonReader),
}

impl ListReader {
    /// A reader for a list from its first byte.
    pub fn new(format: Format) -> Self {
        Self::resume(format, Place::START, None)
    }

    /// A reader for a slice that begins with the row at `place`. CSV needs the list's header.
    pub fn resume(format: Format, place: Place, header: Option<Header>) -> Self {
        Self {
            syntax: match format {
                Format::Csv => Syntax::Csv(CsvReader::new(header)),
                Format::Ndjson => Syntax::Ndjson(NdjsonReader::new()),
            },
            cursor: Cursor::new(place),
            mark: if place.byte == 0 {
                BYTE_ORDER_MARK
            } else {
                &[]
            },
        }
    }

    /// The header, once it has been read. NDJSON has none.
    pub fn header(&self) -> Option<&Header> {
        match &self.syntax {
            Syntax::Csv(csv) => csv.header(),
            Syntax::Ndjson(_) => None,
        }
    }

    /// The place of the next row: the end of what has been read.
    pub fn next_place(&self) -> Place {
        self.cursor.place()
    }

    /// Takes bytes from the front of `input` and returns the next row, or `None` when all of
    /// `input` is taken.
    ///
    /// `last` says that the list ends where `input` does. A CSV list that ends without a header is
    /// an error. After an error the rest of the list can't be read.
    pub fn next<'a>(
        &'a mut self,
        input: &mut &[u8],
        last: bool,
    ) -> Result<Option<Parsed<'a>>, ListError> {
        self.skip_byte_order_mark(input, last)?;
        self.read(input, last)
    }

    fn read(&mut self, input: &mut &[u8], last: bool) -> Result<Option<Parsed<'_>>, ListError> {
        match &mut self.syntax {
            Syntax::Csv(csv) => csv.next(&mut self.cursor, input, last),
            Syntax::Ndjson(ndjson) => ndjson.next(&mut self.cursor, input, last),
        }
    }

    /// Skips a byte order mark, which can come in several chunks.
    fn skip_byte_order_mark(&mut self, input: &mut &[u8], last: bool) -> Result<(), ListError> {
        while let Some((expected, still_to_come)) = self.mark.split_first() {
            match input.split_first() {
                Some((first, rest)) if first == expected => {
                    (*input, self.mark) = (rest, still_to_come);
                    if self.mark.is_empty() {
                        self.cursor.skip(BYTE_ORDER_MARK.len(), 0);
                    }
                }
                None if !last => break,
                Some(_) | None => {
                    // Not a mark. The bytes that looked like one begin the first row. No line end
                    // is among them, so they complete no row.
                    let seen = BYTE_ORDER_MARK.len() - self.mark.len();
                    let (mut seen, _) = BYTE_ORDER_MARK.split_at(seen);
                    self.mark = &[];
                    self.read(&mut seen, false)?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads `list` in chunks of `chunk` bytes: each row's place, and its values joined by `|` or
    /// its error.
    fn read(
        reader: &mut ListReader,
        list: &[u8],
        chunk: usize,
        columns: &[&str],
    ) -> Result<Vec<(Place, String)>, ListError> {
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
                        .map(|c| row.text(c).unwrap_or("∅"))
                        .collect::<Vec<_>>()
                        .join("|"),
                    Err(error) => error.to_string(),
                };
                rows.push((parsed.place, shown));
            }
        }
        Ok(rows)
    }

    fn csv(list: &[u8]) -> Result<Vec<String>, ListError> {
        let rows = read(&mut ListReader::new(Format::Csv), list, 7, &["to", "name"])?;
        Ok(rows
            .into_iter()
            .map(|(place, row)| format!("{place}: {row}"))
            .collect())
    }

    #[test]
    fn a_list_with_a_mark_crlf_quoted_commas_and_newlines_reads_as_a_person_expects() {
        let list = concat!(
            "\u{feff}to,name\r\nU1,\"Wang, 小明\"\r\n\r\n",
            "U2,\"two\nlines \"\"quoted\"\"\"\r\nU3,last"
        );
        assert_eq!(
            csv(list.as_bytes()).unwrap(),
            [
                "row 1 (line 2): U1|Wang, 小明",
                "row 2 (line 4): U2|two\nlines \"quoted\"",
                "row 3 (line 6): U3|last"
            ]
        );
    }

    #[test]
    fn a_bad_row_is_told_apart_from_its_neighbours() {
        // The last two fields are a character together and none alone.
        let list = b"to,name\nU1,a\nU2\nU3,c,d\nU4,\xff\nU5,e\nU6\xe6\x97,\xa9\n";
        assert_eq!(
            csv(list).unwrap(),
            [
                "row 1 (line 2): U1|a",
                "row 2 (line 3): has 1 fields where the header has 2",
                "row 3 (line 4): has 3 fields where the header has 2",
                "row 4 (line 5): is not UTF-8",
                "row 5 (line 6): U5|e",
                "row 6 (line 7): is not UTF-8"
            ]
        );
    }

    #[test]
    fn a_list_that_is_no_list_says_so() {
        assert_eq!(csv(b""), Err(ListError::Empty));
        assert_eq!(csv(b"\xef\xbb\xbf\r\n\n"), Err(ListError::Empty));
        assert_eq!(csv(b"to,name"), Ok(vec![]));
        assert_eq!(
            csv(b"to,name,to\n"),
            Err(ListError::TwoColumns("to".into()))
        );
        assert_eq!(csv(b"to,\xff\n"), Err(ListError::HeaderNotUtf8));
        assert_eq!(csv(b"to\xe6\x97,\xa9\n"), Err(ListError::HeaderNotUtf8));
        let place = Place {
            row: 2,
            line: 3,
            byte: 13,
        };
        assert_eq!(
            csv(b"to,name\nU1,a\nU2,\"b\nU3,c\n"),
            Err(ListError::OpenQuote(place))
        );
        let mut long = b"to,name\nU1,a\nU2,\"".to_vec();
        long.resize(20 * 1024 * 1024, b'x');
        assert_eq!(
            read(&mut ListReader::new(Format::Csv), &long, 65536, &[]),
            Err(ListError::RowTooLong(place))
        );
    }

    #[test]
    fn ndjson_is_an_object_a_line() {
        let list = concat!(
            "\u{feff}{\"to\":\"U1\",\"name\":\"a\"}\r\n\n  \n[1]\n",
            "{\"to\":\"U2\"}\n{\"to\":5,\"name\":\"c\"}"
        );
        let rows = read(
            &mut ListReader::new(Format::Ndjson),
            list.as_bytes(),
            5,
            &["to", "name"],
        )
        .unwrap();
        let shown: Vec<_> = rows
            .iter()
            .map(|(place, row)| format!("{place}: {row}"))
            .collect();
        assert_eq!(
            shown,
            [
                "row 1 (line 1): U1|a",
                "row 2 (line 4): is not a JSON object",
                "row 3 (line 5): U2|∅",
                "row 4 (line 6): ∅|c"
            ]
        );
    }

    /// What `list` reads as in chunks of every size: it must be the same.
    fn in_any_chunks(
        format: Format,
        list: &[u8],
        columns: &[&str],
    ) -> Result<Vec<(Place, String)>, ListError> {
        let whole = read(&mut ListReader::new(format), list, usize::MAX, columns);
        for chunk in 1..=list.len() {
            let parts = read(&mut ListReader::new(format), list, chunk, columns);
            assert_eq!(parts, whole, "chunks of {chunk} bytes");
        }
        whole
    }

    #[test]
    fn a_list_may_begin_with_a_character_that_begins_like_the_mark() {
        let place = Place::START;
        let begins = Place {
            row: 1,
            line: 2,
            byte: 13,
        };
        assert_eq!(
            in_any_chunks(Format::Csv, "ﾅﾏｴ,to\nAnn,U1\n".as_bytes(), &["ﾅﾏｴ", "to"]),
            Ok(vec![(begins, "Ann|U1".into())])
        );
        assert_eq!(
            in_any_chunks(Format::Ndjson, "ﾅﾏｴ\n".as_bytes(), &[]),
            Ok(vec![(place, "is not a JSON object".into())])
        );
        assert_eq!(
            in_any_chunks(Format::Csv, b"\xef\xbb", &[]),
            Err(ListError::HeaderNotUtf8)
        );
        assert_eq!(
            in_any_chunks(Format::Ndjson, b"\xef\xbb", &[]),
            Ok(vec![(place, "is not UTF-8".into())])
        );
    }

    #[test]
    fn a_second_mark_is_a_part_of_the_first_name() {
        for list in ["\u{feff}\u{feff}to\nU1\n", "\n\u{feff}to\nU1\n"] {
            let rows = in_any_chunks(Format::Csv, list.as_bytes(), &["\u{feff}to"]).unwrap();
            assert_eq!(rows.len(), 1);
            assert_eq!(rows[0].1, "U1");
        }
    }

    #[test]
    fn a_mark_in_a_row_stays_where_a_slice_begins_with_the_row() {
        let list = "to\n\u{feff}U1\n";
        let mut reader = ListReader::new(Format::Csv);
        let whole = read(&mut reader, list.as_bytes(), usize::MAX, &["to"]).unwrap();
        assert_eq!(whole[0].1, "\u{feff}U1");
        let mut slice = ListReader::resume(Format::Csv, whole[0].0, reader.header().cloned());
        let rows = read(&mut slice, &list.as_bytes()[3..], usize::MAX, &["to"]);
        assert_eq!(rows, Ok(whole));
    }

    fn any_list() -> impl Strategy<Value = String> {
        let field = prop_oneof!["[a-z0-9]{0,6}", r#""([a-z,\n\r]|""|早){0,6}""#];
        let row =
            (field.clone(), field).prop_map(|(a, b)| format!("U{a},{b}").replace("U\"", "\"U"));
        let end = prop_oneof![Just("\n"), Just("\r\n"), Just("\n\n")];
        (any::<bool>(), prop::collection::vec((row, end), 0..12)).prop_map(|(mark, rows)| {
            let rows: String = rows.into_iter().map(|(row, end)| row + end).collect();
            format!("{}to,name\n{rows}", if mark { "\u{feff}" } else { "" })
        })
    }

    proptest! {
        #[test]
        fn chunks_change_nothing(list in any_list(), chunk in 1usize..40) {
            let read = |chunk| {
                let mut reader = ListReader::new(Format::Csv);
                read(&mut reader, list.as_bytes(), chunk, &["to", "name"])
            };
            prop_assert_eq!(read(usize::MAX), read(chunk));
        }

        #[test]
        fn every_row_can_be_the_first_of_a_slice(list in any_list(), chunk in 1usize..40) {
            let mut reader = ListReader::new(Format::Csv);
            let whole = read(&mut reader, list.as_bytes(), usize::MAX, &["to", "name"]).unwrap();
            for (i, (place, _)) in whole.iter().enumerate() {
                let rest = list.as_bytes().get(usize::try_from(place.byte).unwrap()..).unwrap();
                let mut slice = ListReader::resume(Format::Csv, *place, reader.header().cloned());
                let rows = read(&mut slice, rest, chunk, &["to", "name"]).unwrap();
                prop_assert_eq!(&rows[..], &whole[i..]);
            }
        }
    }
}

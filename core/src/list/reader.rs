//! Bytes of a recipient list in, rows out, wherever the bytes come from.
//!
//! The reader holds no input: it is fed chunks of any size and answers with rows, so that the same code reads an S3 object,
//! a file and one slice out of the middle of either, and holds one row at a time.

use csv_core::ReadRecordResult;
use serde_json::{Map, Value};

use super::{Format, Header, ListError, MAX_ROW_BYTES, Parsed, Place, Row, RowError};

const BOM: &[u8] = b"\xef\xbb\xbf";

/// Reads rows out of chunks of bytes.
pub struct ListReader {
    syntax: Syntax,
    /// Where the row being read begins.
    place: Place,
    /// Bytes, lines of the row being read.
    row_bytes: u64,
    row_lines: u64,
    /// The row being read, and then the row just read.
    text: Vec<u8>,
    /// How many bytes of a byte order mark may still come: three at a list's beginning, none in a slice's.
    bom: usize,
}

/// What was found at the front of the input.
enum Found {
    /// A row, which begins here.
    Row(Place),
    /// The header, or a blank line.
    NoRow,
    /// The beginning of something that more input has to complete.
    Partial,
}

enum Syntax {
    Csv {
        reader: Box<csv_core::Reader>,
        header: Option<Header>,
        ends: Vec<usize>,
        text_len: usize,
        ends_len: usize,
    },
    Ndjson {
        object: Map<String, Value>,
    },
}

impl ListReader {
    /// A reader for a list from its first byte.
    pub fn new(format: Format) -> Self {
        Self::at(format, Place::START, None)
    }

    /// A reader for a slice that begins with the row at `place`; a CSV slice needs the list's header.
    pub fn resume(format: Format, place: Place, header: Option<Header>) -> Self {
        Self::at(format, place, header)
    }

    fn at(format: Format, place: Place, header: Option<Header>) -> Self {
        let syntax = match format {
            Format::Csv => Syntax::Csv {
                reader: Box::new(csv_core::Reader::new()),
                header,
                ends: vec![0; 64],
                text_len: 0,
                ends_len: 0,
            },
            Format::Ndjson => Syntax::Ndjson { object: Map::new() },
        };
        Self {
            syntax,
            place,
            row_bytes: 0,
            row_lines: 0,
            text: vec![0; 4096],
            bom: if place.byte == 0 { BOM.len() } else { 0 },
        }
    }

    /// The header, once it has been read; NDJSON has none.
    pub fn header(&self) -> Option<&Header> {
        match &self.syntax {
            Syntax::Csv { header, .. } => header.as_ref(),
            Syntax::Ndjson { .. } => None,
        }
    }

    /// The place of the row that comes next: the end of what has been read.
    pub fn next_place(&self) -> Place {
        self.place
    }

    /// Takes what it needs from the front of `input` and returns the next row, or `None` when `input` is used up.
    ///
    /// `last` says that the list ends where `input` does. It is an error for a list to end without a header.
    pub fn next<'a>(
        &'a mut self,
        input: &mut &[u8],
        last: bool,
    ) -> Result<Option<Parsed<'a>>, ListError> {
        loop {
            self.skip_bom(input);
            let ending = last && input.is_empty();
            let found = match self.syntax {
                Syntax::Csv { .. } => self.csv_record(input, ending)?,
                Syntax::Ndjson { .. } => self.json_line(input, ending),
            };
            // Whether in one chunk or in many: the same list must end the same way.
            if self.row_bytes > MAX_ROW_BYTES as u64 {
                return Err(ListError::RowTooLong(self.place));
            }
            match found {
                Found::Row(place) => {
                    self.begin_next(true);
                    return Ok(Some(Parsed {
                        place,
                        row: self.row(),
                    }));
                }
                Found::NoRow => self.begin_next(false),
                // The input's end was reached within a row, which ends with it.
                Found::Partial if last && !ending => {}
                Found::Partial
                    if last && matches!(self.syntax, Syntax::Csv { header: None, .. }) =>
                {
                    return Err(ListError::Empty);
                }
                Found::Partial => return Ok(None),
            }
        }
    }

    fn begin_next(&mut self, was_row: bool) {
        self.place.byte += std::mem::take(&mut self.row_bytes);
        self.place.line += std::mem::take(&mut self.row_lines);
        self.place.row += u64::from(was_row);
    }

    fn skip_bom(&mut self, input: &mut &[u8]) {
        while self.bom > 0 {
            let Some((first, rest)) = input.split_first() else {
                return;
            };
            if BOM.get(BOM.len() - self.bom) == Some(first) {
                *input = rest;
                self.bom -= 1;
                self.place.byte += 1;
            } else {
                // No mark, or a broken one, which the header's own check will show.
                self.bom = 0;
            }
        }
    }

    fn csv_record(&mut self, input: &mut &[u8], ending: bool) -> Result<Found, ListError> {
        let Syntax::Csv {
            reader,
            header,
            ends,
            text_len,
            ends_len,
        } = &mut self.syntax
        else {
            return Ok(Found::Partial);
        };
        if *text_len == 0 && *ends_len == 0 && self.row_bytes == 0 {
            // Line ends before a row belong to no row: a CRLF's second half, a blank line.
            while let Some((b'\r' | b'\n', rest)) = input.split_first() {
                self.place.line += u64::from(input.first() == Some(&b'\n'));
                self.place.byte += 1;
                *input = rest;
            }
        }
        // At the end the last row may lack its line end; one is supplied, and what is still open then is an open quote.
        let mut supplied: &[u8] = b"\n";
        let source: &mut &[u8] = if ending { &mut supplied } else { input };
        if ending && self.row_bytes == 0 {
            return Ok(Found::Partial);
        }
        loop {
            let (result, read, written, ended) = reader.read_record(
                source,
                self.text.get_mut(*text_len..).unwrap_or_default(),
                ends.get_mut(*ends_len..).unwrap_or_default(),
            );
            let taken = source.get(..read).unwrap_or_default();
            if !ending {
                self.row_bytes += read as u64;
                self.row_lines += memchr::memchr_iter(b'\n', taken).count() as u64;
            }
            *source = source.get(read..).unwrap_or_default();
            *text_len += written;
            *ends_len += ended;
            match result {
                ReadRecordResult::InputEmpty if ending => {
                    return Err(ListError::OpenQuote(self.place));
                }
                ReadRecordResult::InputEmpty | ReadRecordResult::End => return Ok(Found::Partial),
                ReadRecordResult::OutputFull => self.text.resize(self.text.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => ends.resize(ends.len() * 2, 0),
                ReadRecordResult::Record => break,
            }
        }
        let place = self.place;
        let is_row = header.is_some();
        if !is_row {
            let text = self
                .text
                .get(..std::mem::take(text_len))
                .unwrap_or_default();
            *header = Some(Header::read(
                text,
                ends.get(..std::mem::take(ends_len)).unwrap_or_default(),
            )?);
        }
        Ok(if is_row {
            Found::Row(place)
        } else {
            Found::NoRow
        })
    }

    fn json_line(&mut self, input: &mut &[u8], ending: bool) -> Found {
        if self.row_bytes == 0 {
            self.text.clear();
        }
        let (line, rest, whole) = match memchr::memchr(b'\n', input) {
            Some(at) => (
                input.get(..at).unwrap_or_default(),
                input.get(at + 1..).unwrap_or_default(),
                true,
            ),
            None => (*input, &[][..], ending && self.row_bytes > 0),
        };
        self.row_bytes += (input.len() - rest.len()) as u64;
        // A row too long is given up by the caller, so it is not kept either.
        if self.row_bytes <= MAX_ROW_BYTES as u64 {
            self.text.extend_from_slice(line);
        }
        *input = rest;
        if !whole {
            return Found::Partial;
        }
        let blank = self.text.trim_ascii().is_empty();
        let place = self.place;
        self.row_lines = 1;
        if blank {
            Found::NoRow
        } else {
            Found::Row(place)
        }
    }

    /// The row that [`Self::csv_record`] or [`Self::json_line`] has just completed.
    fn row(&mut self) -> Result<Row<'_>, RowError> {
        match &mut self.syntax {
            Syntax::Csv {
                header,
                ends,
                text_len,
                ends_len,
                ..
            } => {
                let text = self
                    .text
                    .get(..std::mem::take(text_len))
                    .unwrap_or_default();
                let ends = ends.get(..std::mem::take(ends_len)).unwrap_or_default();
                let text = std::str::from_utf8(text).map_err(|_| RowError::NotUtf8)?;
                let Some(header) = header else {
                    return Err(RowError::NotUtf8);
                };
                if ends.len() != header.0.len() {
                    return Err(RowError::Fields {
                        found: ends.len(),
                        expected: header.0.len(),
                    });
                }
                Ok(Row::Csv { header, text, ends })
            }
            Syntax::Ndjson { object } => {
                let text = std::str::from_utf8(&self.text).map_err(|_| RowError::NotUtf8)?;
                *object = serde_json::from_str(text).map_err(|_| RowError::NotAnObject)?;
                Ok(Row::Json(object))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads `list` in chunks of `chunk` bytes: each row's place, and its values joined by `|` or its error.
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
        let list = "\u{feff}to,name\r\nU1,\"Wang, 小明\"\r\n\r\nU2,\"two\nlines \"\"quoted\"\"\"\r\nU3,last";
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
        let list = b"to,name\nU1,a\nU2\nU3,c,d\nU4,\xff\nU5,e\n";
        assert_eq!(
            csv(list).unwrap(),
            [
                "row 1 (line 2): U1|a",
                "row 2 (line 3): has 1 fields where the header has 2",
                "row 3 (line 4): has 3 fields where the header has 2",
                "row 4 (line 5): is not UTF-8",
                "row 5 (line 6): U5|e"
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
        long.resize(MAX_ROW_BYTES * 20, b'x');
        assert_eq!(
            read(&mut ListReader::new(Format::Csv), &long, 65536, &[]),
            Err(ListError::RowTooLong(place))
        );
    }

    #[test]
    fn ndjson_is_an_object_a_line() {
        let list = "\u{feff}{\"to\":\"U1\",\"name\":\"a\"}\r\n\n  \n[1]\n{\"to\":\"U2\"}\n{\"to\":5,\"name\":\"c\"}";
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
            let whole = read(&mut ListReader::new(Format::Csv), list.as_bytes(), usize::MAX, &["to", "name"]);
            let parts = read(&mut ListReader::new(Format::Csv), list.as_bytes(), chunk, &["to", "name"]);
            prop_assert_eq!(whole, parts);
        }

        #[test]
        fn every_row_can_be_the_first_of_a_slice(list in any_list(), chunk in 1usize..40) {
            let mut reader = ListReader::new(Format::Csv);
            let whole = read(&mut reader, list.as_bytes(), usize::MAX, &["to", "name"]).unwrap();
            for (i, (place, _)) in whole.iter().enumerate() {
                let rest = list.as_bytes().get(usize::try_from(place.byte).unwrap()..).unwrap();
                let mut slice = ListReader::resume(Format::Csv, *place, reader.header().cloned());
                prop_assert_eq!(&read(&mut slice, rest, chunk, &["to", "name"]).unwrap()[..], &whole[i..]);
            }
        }
    }
}

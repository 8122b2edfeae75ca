//! A list of any bytes reads alike whole and in pieces, without a panic.

#![no_main]

use fanline_core::list::{Format, ListReader};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let [choice, list @ ..] = input else { return };
    let format = if choice % 2 == 0 {
        Format::Csv
    } else {
        Format::Ndjson
    };
    let piece = usize::from(choice / 2).max(1);
    assert_eq!(read(format, list, list.len()), read(format, list, piece));
});

/// The place and the ID of each row, or an error, of a list that comes in pieces of this size.
fn read(format: Format, list: &[u8], piece: usize) -> Result<Vec<String>, String> {
    let mut reader = ListReader::new(format);
    let mut rows = Vec::new();
    let mut behind = list;
    loop {
        let (mut input, rest) = behind.split_at(piece.min(behind.len()));
        behind = rest;
        let is_last = behind.is_empty();
        while let Some(parsed) = reader
            .next(&mut input, is_last)
            .map_err(|error| error.to_string())?
        {
            let id = parsed.row.map(|row| row.written("to").map(str::to_owned));
            rows.push(format!("{} {id:?}", parsed.place));
        }
        if is_last {
            return Ok(rows);
        }
    }
}

//! A list reads alike as a whole, in slices and packed, whatever its bytes are.

use std::sync::Arc;

use async_compression::tokio::write::GzipEncoder;
use fanline_core::campaign::Campaign;
use fanline_core::list::{Compression, Format};
use fanline_core::surroundings::Clock;
use proptest::prelude::*;
use serde_json::json;
use tokio::io::AsyncWriteExt;

use crate::check::reading::{CheckError, CheckReading};
use crate::list::cutter::CheckedList;
use crate::list::form::Form;
use crate::list::rows::Rows;
use crate::list::slice::OpenSlice;
use crate::list::source::{Source, Storage};
use crate::progress::Progress;

/// The rows of a list: where each one is, and its ID and note or its error.
type Read = Result<Vec<(u64, u64, String)>, String>;

fn open(bytes: Vec<u8>, format: Format, compression: Compression) -> OpenSlice {
    let given = json!({
        "campaign": "c", "channel": "line", "recipients": [],
        "messages": [{"type": "text", "text": "hi"}],
    });
    let campaign = Campaign::from_value(given.clone()).unwrap();
    let form = Form {
        compression,
        format,
        ..Form::of_inline()
    };
    let length = bytes.len() as u64;
    let storage = Storage::Inline(bytes.into());
    let source = Source::new(storage, "list".into(), "1".into(), length, form);
    let now = "2026-12-25T00:00:00Z".parse().unwrap();
    OpenSlice::whole_list(Arc::new(campaign), given, Arc::new(source), now, u64::MAX)
}

async fn read(open: &OpenSlice) -> Read {
    let mut rows = Rows::new(open);
    let mut all = Vec::new();
    loop {
        let more = rows.fill(|_| Ok(())).await.map_err(|e| e.to_string())?;
        while let Some(parsed) = rows.next().map_err(|e| e.to_string())? {
            let shown = match &parsed.row {
                Ok(row) => format!("{:?} {:?}", row.written("to"), row.written("note")),
                // Which encoding is likely is told by the rows before it, too.
                Err(error) => error.to_string().chars().take(12).collect(),
            };
            all.push((parsed.place.row, parsed.place.line, shown));
        }
        if !more {
            return Ok(all);
        }
    }
}

/// What the slices of the list read as, if it can be cut.
async fn read_slices(open: &OpenSlice, max_bytes: u64) -> Read {
    let list = cut(open, max_bytes)
        .await
        .map_err(|error| error.to_string())?;
    let mut all = Vec::new();
    for slice in list.slices(open) {
        let part = OpenSlice::part_of(Arc::clone(&open.campaign), slice, Arc::clone(&open.source));
        all.extend(read(&part.unwrap()).await?);
    }
    assert_eq!(all.len() as u64, list.rows.rows());
    Ok(all)
}

async fn cut(open: &OpenSlice, max_bytes: u64) -> Result<CheckedList, CheckError> {
    let progress = Progress::default();
    let clock = Clock::default();
    let mut reading = CheckReading::new(open, &progress, None, clock).cutting(max_bytes);
    while reading.next().await?.is_some() {}
    reading.finish()
}

async fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzipEncoder::new(Vec::new());
    encoder.write_all(bytes).await.unwrap();
    encoder.shutdown().await.unwrap();
    encoder.into_inner()
}

/// An ID that nobody has.
fn user(n: usize) -> String {
    format!("U{n:032x}")
}

fn any_note() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "[a-z ]{0,4}".prop_map(String::into_bytes),
        "\"[a-z,\n]{0,4}\"".prop_map(String::into_bytes),
        prop::collection::vec(
            prop::sample::select(b"\"\"\",\\a \r\n\xff\0{}".to_vec()),
            0..6
        ),
    ]
}

fn csv(notes: &[Vec<u8>]) -> Vec<u8> {
    let mut list = b"to,note\n".to_vec();
    for (n, note) in notes.iter().enumerate() {
        list.extend([user(n).as_bytes(), b",", note, b"\n"].concat());
    }
    list
}

fn ndjson(notes: &[Vec<u8>]) -> Vec<u8> {
    let mut list = Vec::new();
    for (n, note) in notes.iter().enumerate() {
        let begin = format!("{{\"to\":\"{}\",\"note\":", user(n));
        list.extend([begin.as_bytes(), note, b"}\n"].concat());
    }
    list
}

proptest! {
    #[test]
    fn a_list_reads_alike_whole_in_slices_and_packed_and_nobody_is_in_another_row(
        notes in prop::collection::vec(any_note(), 1..12), max_bytes in 1u64..200
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for (format, list) in [(Format::Csv, csv(&notes)), (Format::Ndjson, ndjson(&notes))] {
            let packed = open(runtime.block_on(gzip(&list)), format, Compression::Gzip);
            let plain = open(list, format, Compression::None);
            let whole = runtime.block_on(read(&plain));
            prop_assert_eq!(&runtime.block_on(read(&packed)), &whole);
            prop_assert_eq!(&runtime.block_on(read_slices(&plain, max_bytes)), &whole);
            // A list is refused as a whole, or each person is in a row of their own.
            let Ok(rows) = whole else { continue };
            let named = |row: &str| (0..notes.len()).filter(|&n| row.contains(&user(n))).count();
            let with_somebody = rows.iter().filter(|(_, _, row)| named(row) == 1).count();
            let refused = rows.iter().filter(|(_, _, row)| !row.contains("Some")).count();
            prop_assert!(rows.iter().all(|(_, _, row)| named(row) <= 1));
            prop_assert!(with_somebody + refused >= notes.len());
        }
    }
}

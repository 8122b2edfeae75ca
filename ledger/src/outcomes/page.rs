//! A page: the outcomes of a run as they came, for whoever asks about one person or one request.

use std::io::{BufRead, BufReader, Cursor, Lines};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::delivery_outcome::DeliveryOutcome;
use super::message::{OutcomeMessage, json, without_values};
use super::wire::WireOutcome;

/// Above this a page takes more time to pack and hardly less room.
const LEVEL: i32 = 3;

type Unpacked = BufReader<zstd::Decoder<'static, BufReader<Cursor<Vec<u8>>>>>;

/// Outcomes of one run as they came: NDJSON, packed with zstd.
///
/// A line is an outcome with the fields of an outcome message and its `time`, or, where a batch had
/// any, its `retries` and `too_fast`. A page may be written twice: who counts outcomes reads books,
/// not pages.
pub struct Page {
    lines: Lines<Unpacked>,
    number: usize,
}

/// A line of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageLine {
    /// What became of a delivery or a part.
    Outcome(DeliveryOutcome),
    /// What a batch met besides.
    Batch {
        /// Requests that came again.
        retries: u32,
        /// Answers with 429.
        too_fast: u32,
    },
}

/// Why a page can't be read. It never repeats a line.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// It can't be unpacked.
    #[error("the page can't be unpacked")]
    Packed(#[source] std::io::Error),
    /// A line is no outcome.
    #[error("line {line} of the page is not an outcome: {problem}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
}

#[derive(Serialize, Deserialize)]
struct WireBatch {
    retries: u32,
    too_fast: u32,
}

/// How the line of a batch begins; no outcome begins so.
const BATCH: &str = "{\"retries\"";

impl Page {
    /// Packs the outcomes of one run's messages.
    pub fn pack<'a>(messages: impl IntoIterator<Item = &'a OutcomeMessage>) -> Vec<u8> {
        let mut lines = Vec::new();
        for message in messages {
            for outcome in &message.outcomes {
                let milliseconds = outcome.time.as_millisecond();
                let time = Timestamp::from_millisecond(milliseconds).unwrap_or(outcome.time);
                let mut wire = WireOutcome::new(outcome);
                wire.time = Some(time);
                push_line(&mut lines, &wire);
            }
            let (retries, too_fast) = (message.retries, message.too_fast);
            if retries > 0 || too_fast > 0 {
                push_line(&mut lines, &WireBatch { retries, too_fast });
            }
        }
        #[expect(
            clippy::expect_used,
            reason = "memory takes any bytes at a level that zstd has"
        )]
        zstd::encode_all(Cursor::new(lines), LEVEL).expect("zstd packs any bytes in memory")
    }

    /// Opens a packed page: an iterator over its lines.
    pub fn read(packed: impl Into<Vec<u8>>) -> Result<Self, PageError> {
        let unpacked = zstd::Decoder::new(Cursor::new(packed.into())).map_err(PageError::Packed)?;
        Ok(Self {
            lines: BufReader::new(unpacked).lines(),
            number: 0,
        })
    }
}

impl Iterator for Page {
    type Item = Result<PageLine, PageError>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = match self.lines.next()? {
            Ok(line) => line,
            Err(error) => return Some(Err(PageError::Packed(error))),
        };
        self.number += 1;
        Some(read_line(&line).map_err(|problem| PageError::Line {
            line: self.number,
            problem,
        }))
    }
}

fn read_line(line: &str) -> Result<PageLine, String> {
    if line.starts_with(BATCH) {
        let batch: WireBatch = serde_json::from_str(line).map_err(|e| without_values(&e))?;
        return Ok(PageLine::Batch {
            retries: batch.retries,
            too_fast: batch.too_fast,
        });
    }
    let wire: WireOutcome = serde_json::from_str(line).map_err(|e| without_values(&e))?;
    let time = wire.time.ok_or("it has no `time`")?;
    Ok(PageLine::Outcome(wire.at_time(time)?))
}

fn push_line(lines: &mut Vec<u8>, line: &impl Serialize) {
    lines.extend_from_slice(json(line).as_bytes());
    lines.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::super::delivery_outcome::tests::accepted;
    use super::*;
    use crate::outcomes::CellReason;

    fn message(retries: u32, outcomes: Vec<DeliveryOutcome>) -> OutcomeMessage {
        OutcomeMessage {
            run: "xmas".into(),
            retries,
            too_fast: 0,
            outcomes,
        }
    }

    #[test]
    fn a_page_gives_back_the_outcomes_as_they_came() {
        let refused = DeliveryOutcome {
            reason: CellReason::Refused,
            status: Some(400),
            words: Some("May not be empty".into()),
            ..accepted("1:2")
        };
        let messages = [
            message(0, vec![accepted("1:1"), refused.clone()]),
            message(3, vec![accepted("1:1")]),
        ];
        let packed = Page::pack(&messages);
        let lines: Vec<PageLine> = Page::read(packed).unwrap().map(Result::unwrap).collect();
        let expected = [
            PageLine::Outcome(accepted("1:1")),
            PageLine::Outcome(refused),
            PageLine::Outcome(accepted("1:1")),
            PageLine::Batch {
                retries: 3,
                too_fast: 0,
            },
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn the_lines_of_a_page_are_pinned() {
        let page = Page::pack(&[message(1, vec![accepted("1:1")])]);
        let lines = zstd::decode_all(&page[..]).unwrap();
        assert_eq!(
            String::from_utf8(lines).unwrap(),
            concat!(
                r#"{"at":"1:1","outcome":"accepted","status":200,"#,
                r#""request_id":"5b59cbbd-4f1c-4a68-9fbb-b1c2bb3d1c0f","ms":143,"#,
                r#""time":"2026-12-25T00:00:03.25Z"}"#,
                "\n",
                r#"{"retries":1,"too_fast":0}"#,
                "\n",
            )
        );
    }

    #[test]
    fn a_page_that_is_damaged_is_an_error_and_no_panic() {
        let packed = Page::pack(&[message(0, vec![accepted("1:1"); 100])]);
        let failed = |packed: Vec<u8>| match Page::read(packed) {
            Ok(mut page) => page.any(|line| line.is_err()),
            Err(_) => true,
        };
        assert!(failed(b"no zstd".to_vec()));
        assert!(failed(packed[..packed.len() / 2].to_vec()));
        let other = zstd::encode_all(&b"{\"at\":\"secret\"}\n"[..], 3).unwrap();
        let error = Page::read(other).unwrap().next().unwrap().unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

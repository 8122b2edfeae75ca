//! What a run's list was cut into, and the counts of each slice.

use serde::{Deserialize, Serialize};

use crate::at::SliceId;
use crate::book::difference;
use crate::by_endpoint::ByEndpoint;
use crate::json_object::{self, ObjectError, VERSION};

const COUNTS: &str = "slices/<slice>.json";
const LINES: &str = "slices.ndjson";

/// The counts of one slice: an object that the producer writes after the first reading, before
/// anything of the slice is published, and completes when all of it is.
///
/// The slice of a canary's sample counts the rows of the sample; the slice of the others counts all
/// other rows, also those that are rejected or duplicates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SliceCounts {
    v: u64,
    /// The slice.
    pub slice: SliceId,
    /// Its rows: recipients, rejected and duplicates together.
    pub rows: u64,
    /// Rows that are sent.
    pub recipients: u64,
    /// Rows that can't be sent.
    pub rejected: u64,
    /// Rows whose recipient an earlier row names.
    pub duplicates: u64,
    /// The deliveries, by endpoint; not there until all are made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deliveries: Option<ByEndpoint<u64>>,
    /// Whether every delivery is on the queue.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub published: bool,
}

impl SliceCounts {
    /// The counts after the first reading.
    pub fn new(slice: SliceId, recipients: u64, rejected: u64, duplicates: u64) -> Self {
        Self {
            v: VERSION,
            slice,
            rows: recipients + rejected + duplicates,
            recipients,
            rejected,
            duplicates,
            deliveries: None,
            published: false,
        }
    }

    /// The counts once every delivery is on the queue.
    #[must_use]
    pub fn published(self, deliveries: ByEndpoint<u64>) -> Self {
        Self {
            deliveries: Some(deliveries),
            published: true,
            ..self
        }
    }

    /// The law of a slice: its rows less what they became, 0 where it holds.
    pub fn difference(&self) -> i64 {
        difference(self.rows, self.recipients + self.rejected + self.duplicates)
    }

    /// The object.
    pub fn encode(&self) -> Vec<u8> {
        json_object::encode(self)
    }

    /// Reads the object. Counts that don't add up are an error.
    pub fn decode(json: &[u8]) -> Result<Self, ObjectError> {
        let counts: Self = json_object::decode(COUNTS, json)?;
        if counts.difference() != 0 {
            let problem = "is not the sum of `recipients`, `rejected` and `duplicates`";
            return Err(ObjectError::field(COUNTS, "rows", problem));
        }
        Ok(counts)
    }
}

/// A slice that the list was cut into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SliceLine {
    /// The slice. A canary's sample is no slice of the list, so it is not listed.
    pub slice: SliceId,
    /// All rows of the slice.
    pub rows: u64,
    /// The byte at which it begins.
    pub start: u64,
    /// The byte behind its last row.
    pub end: u64,
}

/// Every slice of a run, as whoever cut the list writes them down: what the run's total is made of.
/// NDJSON.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SliceLines(pub Vec<SliceLine>);

impl SliceLines {
    /// The rows of the list.
    pub fn rows(&self) -> u64 {
        self.0.iter().map(|line| line.rows).sum()
    }

    /// The object.
    pub fn encode(&self) -> Vec<u8> {
        let mut lines = Vec::new();
        for line in &self.0 {
            #[expect(clippy::expect_used, reason = "text and numbers are JSON")]
            serde_json::to_writer(&mut lines, line).expect("text and numbers are JSON");
            lines.push(b'\n');
        }
        lines
    }

    /// Reads the object. A slice that is there twice, and the slice of a canary, are errors.
    pub fn decode(lines: &[u8]) -> Result<Self, ObjectError> {
        let mut slices: Vec<SliceLine> = Vec::new();
        let texts = lines.split(|byte| *byte == b'\n');
        for (number, line) in (1..).zip(texts).filter(|(_, line)| !line.is_empty()) {
            let at = |field: &str| format!("line {number}{field}");
            let line: SliceLine = serde_json::from_slice(line)
                .map_err(|error| ObjectError::field(LINES, at(""), error.to_string()))?;
            let twice = slices.iter().any(|slice| slice.slice == line.slice);
            if twice || line.slice.is_canary() {
                let problem = "is there twice, or the sample of a canary";
                return Err(ObjectError::field(LINES, at(", `slice`"), problem));
            }
            slices.push(line);
        }
        Ok(Self(slices))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(text: &str) -> SliceId {
        text.parse().unwrap()
    }

    #[test]
    fn the_counts_are_pinned_and_must_add_up() {
        let counts = SliceCounts::new(slice("1c"), 97, 2, 1);
        let json = "{\n  \"v\": 1,\n  \"slice\": \"1c\",\n  \"rows\": 100,\n  \
                    \"recipients\": 97,\n  \"rejected\": 2,\n  \"duplicates\": 1\n}\n";
        assert_eq!(String::from_utf8(counts.encode()).unwrap(), json);
        assert_eq!(SliceCounts::decode(json.as_bytes()), Ok(counts));
        let published = counts.published(ByEndpoint {
            push: 90,
            multicast: 1,
        });
        assert_eq!(SliceCounts::decode(&published.encode()), Ok(published));
        let error = SliceCounts::decode(json.replace("100", "101").as_bytes()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`slices/<slice>.json`: field `rows`: is not the sum of `recipients`, `rejected` \
             and `duplicates`"
        );
    }

    #[test]
    fn the_slices_are_a_line_each() {
        let lines = SliceLines(vec![
            SliceLine {
                slice: slice("1"),
                rows: 90_000,
                start: 3,
                end: 5_000_000,
            },
            SliceLine {
                slice: slice("90001"),
                rows: 10,
                start: 5_000_000,
                end: 5_000_400,
            },
        ]);
        let ndjson = concat!(
            "{\"slice\":\"1\",\"rows\":90000,\"start\":3,\"end\":5000000}\n",
            "{\"slice\":\"90001\",\"rows\":10,\"start\":5000000,\"end\":5000400}\n",
        );
        assert_eq!(String::from_utf8(lines.encode()).unwrap(), ndjson);
        assert_eq!(SliceLines::decode(ndjson.as_bytes()).unwrap(), lines);
        assert_eq!(lines.rows(), 90_010);
        for (broken, problem) in [
            (ndjson.replace("90001", "1"), "line 2, `slice`"),
            (ndjson.replace("90001", "90001c"), "line 2, `slice`"),
            (ndjson.replace("\"rows\":10,", ""), "line 2"),
        ] {
            let error = SliceLines::decode(broken.as_bytes()).unwrap_err();
            assert!(error.to_string().contains(problem), "{error}");
        }
    }
}

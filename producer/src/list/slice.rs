//! What one invocation works on, and how a list is cut into such pieces.

use fanline_core::list::{Header, Place};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use fanline_core::request::KEY_HORIZON;

/// A piece of a campaign's list: a message on the slice queue.
///
/// Its deliveries depend on the campaign and on this alone, so that a slice that runs twice yields the same retry keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Slice {
    /// The run, for people who look at the queue; the campaign decides it.
    pub run: String,
    /// When the run's fan-out first began.
    pub started_at: Timestamp,
    /// The list's version: another one is not read.
    pub etag: String,
    /// The first row, or the beginning of the list.
    pub start: Place,
    /// The byte behind the last row; `None` where it is the list's end.
    pub end: Option<u64>,
    /// The names of a CSV list's columns; `None` at the list's beginning, where they are read.
    pub header: Option<Header>,
    /// Duplicates are looked for among so many bytes at a time. It decides the deliveries, so it travels along.
    pub window_bytes: u64,
    /// How many of the slice's deliveries have been published by an earlier invocation.
    #[serde(default)]
    pub skip: u64,
    /// The campaign as it was given, its scheduled time filled in.
    pub campaign: Value,
}

impl Slice {
    /// Names the slice within its run: by its first row, which no other slice of the list has.
    pub(crate) fn name(&self) -> String {
        format!("row-{}", self.start.row)
    }
}

/// When a run's fan-out first began, as far as can be told: the scheduled time where it lies within the horizon, since a
/// repeated firing knows no better, and else now. In whole seconds, so that every delivery of a run has the same length.
pub(crate) fn started_at(scheduled: Option<Timestamp>, now: Timestamp) -> Timestamp {
    let started = scheduled
        .filter(|scheduled| {
            let age = now.duration_since(*scheduled);
            !age.is_negative() && age < KEY_HORIZON
        })
        .unwrap_or(now);
    Timestamp::from_second(started.as_second()).unwrap_or(started)
}

/// Finds where a list is cut: each piece begins with a row and is `bytes` long at most, but for a row that is longer.
#[derive(Debug)]
pub(crate) struct Cutter {
    bytes: u64,
    /// Where each piece begins.
    starts: Vec<Place>,
    last: Place,
}

impl Cutter {
    pub(crate) fn new(bytes: u64) -> Self {
        Self {
            bytes,
            starts: Vec::new(),
            last: Place::START,
        }
    }

    /// Takes the place of the next row: the row before ends where this one begins.
    pub(crate) fn row(&mut self, place: Place) {
        match self.starts.last() {
            None => self.starts.push(place),
            Some(start) if place.byte - start.byte > self.bytes => {
                // A row that alone is too long is a piece of its own.
                let alone = self.last.byte == start.byte;
                self.starts.push(if alone { place } else { self.last });
            }
            Some(_) => {}
        }
        self.last = place;
    }

    /// Where each piece begins and ends, the list being `length` bytes long.
    pub(crate) fn finish(mut self, length: u64) -> Vec<(Place, u64)> {
        if self
            .starts
            .last()
            .is_some_and(|start| length - start.byte > self.bytes && start.byte < self.last.byte)
        {
            self.starts.push(self.last);
        }
        let ends: Vec<u64> = self
            .starts
            .iter()
            .skip(1)
            .map(|start| start.byte)
            .chain([length])
            .collect();
        self.starts.into_iter().zip(ends).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fanline_core::list::{Format, ListReader};
    use proptest::prelude::*;

    #[test]
    fn a_repeated_firing_began_when_the_first_one_did() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let scheduled = Some(at("2026-12-25T00:00:00Z"));
        for (now, started) in [
            ("2026-12-25T00:00:03.5Z", "2026-12-25T00:00:00Z"),
            ("2026-12-25T22:59:59Z", "2026-12-25T00:00:00Z"),
            ("2026-12-25T23:00:00.25Z", "2026-12-25T23:00:00Z"),
            ("2026-12-24T23:59:59.75Z", "2026-12-24T23:59:59Z"),
        ] {
            assert_eq!(started_at(scheduled, at(now)), at(started), "{now}");
        }
        assert_eq!(
            started_at(None, at("2026-12-25T00:00:03.5Z")),
            at("2026-12-25T00:00:03Z")
        );
    }

    fn places(list: &[u8]) -> Vec<Place> {
        let mut reader = ListReader::new(Format::Csv);
        let mut input = list;
        let mut places = Vec::new();
        while let Some(parsed) = reader.next(&mut input, true).unwrap() {
            places.push(parsed.place);
        }
        places
    }

    proptest! {
        #[test]
        fn the_pieces_are_the_list_and_none_is_too_long(
            rows in prop::collection::vec("[a-z\"\n]{1,30}", 1..40), bytes in 1u64..200
        ) {
            let rows: Vec<String> = rows.iter().map(|row| format!("\"{}\"\n", row.replace('"', "\"\""))).collect();
            let list = format!("to\n{}", rows.concat());
            let places = places(list.as_bytes());
            let mut cutter = Cutter::new(bytes);
            for place in &places {
                cutter.row(*place);
            }
            let pieces = cutter.finish(list.len() as u64);
            prop_assert_eq!(pieces[0].0.byte, 3);
            prop_assert_eq!(pieces.last().unwrap().1, list.len() as u64);
            for pair in pieces.windows(2) {
                prop_assert_eq!(pair[0].1, pair[1].0.byte);
            }
            for (start, end) in pieces {
                let within = places.iter().filter(|place| (start.byte..end).contains(&place.byte)).count();
                prop_assert!(within >= 1);
                prop_assert!(end - start.byte <= bytes || within == 1);
            }
        }
    }
}

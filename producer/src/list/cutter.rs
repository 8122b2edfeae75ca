//! How a long list is cut into slices.

use fanline_core::list::{Header, ListError, Place};

use crate::list::rows::{ReadError, Rows};
use crate::list::slice::{OpenSlice, Slice};

/// Reads the whole list and cuts it at rows, into slices of at most `max_bytes`. Returns the slices
/// and how many rows they hold together.
///
/// The list has to be readable to its end. So a quote that is left open in the last row sends
/// nothing.
pub(crate) async fn cut(
    open: &OpenSlice,
    max_bytes: u64,
    check_header: impl Fn(&Header) -> Result<(), ListError>,
) -> Result<(Vec<Slice>, u64), ReadError> {
    let mut rows = Rows::new(open);
    let mut cutter = Cutter::new(max_bytes);
    let mut count = 0;
    while rows.fill(&check_header).await? {
        while let Some(parsed) = rows.next()? {
            cutter.row(parsed.place);
            count += 1;
        }
    }
    let header = rows.header().cloned();
    let slices = cutter
        .finish(open.source.length)
        .into_iter()
        .map(|(start, end)| Slice {
            start,
            end: Some(end),
            header: header.clone(),
            ..open.slice.clone()
        });
    Ok((slices.collect(), count))
}

/// Finds where a list is cut. Each part begins with a row. It has at most `max_bytes`, unless it is
/// one row that is longer.
#[derive(Debug)]
struct Cutter {
    max_bytes: u64,
    /// Where each part begins.
    starts: Vec<Place>,
    /// Where the row before began.
    last: Place,
}

impl Cutter {
    fn new(max_bytes: u64) -> Self {
        Self {
            max_bytes,
            starts: Vec::new(),
            last: Place::START,
        }
    }

    /// Takes the place of the next row. The row before it ends there.
    fn row(&mut self, place: Place) {
        match self.starts.last() {
            None => self.starts.push(place),
            Some(start) if place.byte - start.byte > self.max_bytes => {
                // A row that is too long on its own becomes a part of its own.
                let is_alone = self.last.byte == start.byte;
                self.starts.push(if is_alone { place } else { self.last });
            }
            Some(_) => {}
        }
        self.last = place;
    }

    /// Where each part begins and ends, in a list of `length` bytes.
    fn finish(mut self, length: u64) -> Vec<(Place, u64)> {
        if self.starts.last().is_some_and(|start| {
            length - start.byte > self.max_bytes && start.byte < self.last.byte
        }) {
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
        fn the_parts_are_the_list_and_none_is_too_long(
            rows in prop::collection::vec("[a-z][a-z\"\n]{0,29}", 1..40), max_bytes in 1u64..200
        ) {
            let rows: Vec<String> = rows
                .iter()
                .map(|row| format!("\"{}\"\n", row.replace('"', "\"\"")))
                .collect();
            let list = format!("to\n{}", rows.concat());
            let places = places(list.as_bytes());
            let mut cutter = Cutter::new(max_bytes);
            for place in &places {
                cutter.row(*place);
            }
            let parts = cutter.finish(list.len() as u64);
            prop_assert_eq!(parts[0].0.byte, 3);
            prop_assert_eq!(parts.last().unwrap().1, list.len() as u64);
            for pair in parts.windows(2) {
                prop_assert_eq!(pair[0].1, pair[1].0.byte);
            }
            for (start, end) in parts {
                let rows = places
                    .iter()
                    .filter(|place| (start.byte..end).contains(&place.byte))
                    .count();
                prop_assert!(rows >= 1);
                prop_assert!(end - start.byte <= max_bytes || rows == 1);
            }
        }
    }
}

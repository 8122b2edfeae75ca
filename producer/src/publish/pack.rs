//! Entries become requests.

use fanline_core::limits::sqs::{MAX_BYTES, MAX_ENTRIES};

use crate::list::rows::RowNumber;
use crate::publish::group::Group;

/// One message for the queue.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// A delivery. Its body is written for each attempt: the client takes what it sends, and a copy
    /// would cost more.
    Delivery {
        /// How many deliveries of its slice come before it.
        number: u32,
        group: Group,
        /// The length of the body.
        bytes: usize,
    },
    /// The body of a slice.
    Slice(String),
}

impl Entry {
    /// The length of the body.
    fn bytes(&self) -> usize {
        match self {
            Self::Delivery { bytes, .. } => *bytes,
            Self::Slice(body) => body.len(),
        }
    }

    /// How many deliveries of its slice come before it. A slice has no number.
    pub(crate) fn number(&self) -> Option<u32> {
        match self {
            Self::Delivery { number, .. } => Some(*number),
            Self::Slice(_) => None,
        }
    }

    /// The rows whose recipients a delivery has. A slice has none.
    pub(crate) fn rows(&self) -> &[RowNumber] {
        match self {
            Self::Delivery { group, .. } => &group.rows,
            Self::Slice(_) => &[],
        }
    }
}

/// Puts entries into requests, in the order in which they come.
#[derive(Debug, Default)]
pub(crate) struct Packer {
    entries: Vec<Entry>,
    bytes: usize,
}

impl Packer {
    /// Takes an entry. Returns the request before it where the entry does not fit into that one.
    pub(crate) fn push(&mut self, entry: Entry) -> Option<Vec<Entry>> {
        let fits = self.entries.len() < MAX_ENTRIES && self.bytes + entry.bytes() <= MAX_BYTES;
        let full = if fits { None } else { self.finish() };
        self.bytes += entry.bytes();
        self.entries.push(entry);
        full
    }

    /// The entries of the request that is not full yet.
    pub(crate) fn waiting(&self) -> &[Entry] {
        &self.entries
    }

    /// The last request, where there is one.
    pub(crate) fn finish(&mut self) -> Option<Vec<Entry>> {
        self.bytes = 0;
        let next = Vec::with_capacity(MAX_ENTRIES);
        Some(std::mem::replace(&mut self.entries, next)).filter(|entries| !entries.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(bytes: usize) -> Entry {
        Entry::Slice("x".repeat(bytes))
    }

    fn pack(sizes: &[usize]) -> Vec<Vec<usize>> {
        let mut packer = Packer::default();
        let mut requests: Vec<_> = sizes
            .iter()
            .filter_map(|size| packer.push(entry(*size)))
            .collect();
        requests.extend(packer.finish());
        requests
            .iter()
            .map(|request| request.iter().map(Entry::bytes).collect())
            .collect()
    }

    #[test]
    fn a_request_is_full_at_ten_entries() {
        assert_eq!(pack(&[1; 21]), [vec![1; 10], vec![1; 10], vec![1]]);
        assert!(pack(&[]).is_empty());
    }

    #[test]
    fn a_request_is_full_at_one_mebibyte_exactly() {
        assert_eq!(
            pack(&[MAX_BYTES - 1, 1, 1]),
            [vec![MAX_BYTES - 1, 1], vec![1]]
        );
        assert_eq!(pack(&[MAX_BYTES - 1, 2]), [vec![MAX_BYTES - 1], vec![2]]);
        assert_eq!(
            pack(&[1, MAX_BYTES, 1]),
            [vec![1], vec![MAX_BYTES], vec![1]]
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(50))]

        #[test]
        fn every_entry_is_sent_once_in_order_and_within_the_limits(
            sizes in prop::collection::vec(prop_oneof![1usize..2000, 1usize..=MAX_BYTES], 0..40)
        ) {
            let requests = pack(&sizes);
            prop_assert_eq!(requests.concat(), sizes);
            for request in requests {
                prop_assert!((1..=MAX_ENTRIES).contains(&request.len()));
                prop_assert!(request.iter().sum::<usize>() <= MAX_BYTES);
            }
        }
    }
}

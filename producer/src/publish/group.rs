//! Rows with equal messages share a delivery.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher};

use fanline_core::recipient::Recipient;

use crate::list::rows::RowNumber;

/// How many groups are open at the same time. When one more is opened, the oldest goes out, full or
/// not.
///
/// This bounds the memory: a group holds up to 500 recipients, some 20 KB. It also bounds how far
/// apart two rows may lie in the list and still share a delivery.
const MAX_OPEN_GROUPS: usize = 512;

/// What becomes one delivery: messages, and who gets them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Group {
    /// The messages as a JSON array.
    pub(crate) messages: Box<str>,
    pub(crate) recipients: Vec<Recipient>,
    /// The rows of the recipients, in the same order.
    pub(crate) rows: Vec<RowNumber>,
}

impl Group {
    fn of_one(messages: &str, recipient: Recipient, row: RowNumber) -> Self {
        Self {
            messages: messages.into(),
            recipients: vec![recipient],
            rows: vec![row],
        }
    }
}

/// Gathers recipients by their messages. The same rows in the same order always make the same
/// groups in the same order.
#[derive(Debug, Default)]
pub(crate) struct OpenGroups {
    /// The groups in the order in which they were opened, each with the hash of its messages. A
    /// group that went out leaves its place empty.
    open: VecDeque<Option<(u64, Group)>>,
    /// How many places have been taken off the front of `open`.
    gone: usize,
    /// For each hash, the place of the group that was opened last. Places are counted from the
    /// first group ever.
    places: HashMap<u64, usize, BuildHasherDefault<PlainHasher>>,
    /// The place that was used last. Where all rows get one text, it is always the right one.
    last: usize,
}

impl OpenGroups {
    /// Adds a recipient whose messages `max_recipients` can share. Returns the group that goes out
    /// now, if one does: the one that is full, or the oldest where too many are open.
    pub(crate) fn add(
        &mut self,
        messages: &str,
        max_recipients: usize,
        recipient: Recipient,
        row: RowNumber,
    ) -> Option<Group> {
        if max_recipients <= 1 || !recipient.can_share() {
            return Some(Group::of_one(messages, recipient, row));
        }
        if let Err(hash) = self.find(messages) {
            return self.open(hash, Group::of_one(messages, recipient, row));
        }
        let slot = self.open.get_mut(self.last - self.gone);
        #[expect(clippy::expect_used, reason = "`find` has just seen that it is open")]
        let slot = slot.expect("the group at the last place is open");
        #[expect(clippy::expect_used, reason = "`find` has just seen that it is open")]
        let (_, group) = slot.as_mut().expect("the group at the last place is open");
        group.recipients.push(recipient);
        group.rows.push(row);
        if group.recipients.len() < max_recipients {
            return None;
        }
        let full = slot.take();
        self.close(self.last, full)
    }

    /// Makes `last` the place of the open group with these messages. Returns their hash where no
    /// such group is open.
    fn find(&mut self, messages: &str) -> Result<(), u64> {
        if self.has(self.last, messages) {
            return Ok(());
        }
        // This hasher has no random key: every process makes the same groups.
        let mut hasher = DefaultHasher::new();
        messages.hash(&mut hasher);
        let hash = hasher.finish();
        let place = self.places.get(&hash).copied();
        self.last = place
            .filter(|place| self.has(*place, messages))
            .ok_or(hash)?;
        Ok(())
    }

    /// Whether the group at this place is open and has these messages.
    fn has(&self, place: usize, messages: &str) -> bool {
        let slot = place
            .checked_sub(self.gone)
            .and_then(|at| self.open.get(at));
        matches!(slot, Some(Some((_, group))) if *group.messages == *messages)
    }

    /// Opens a group. Where another open group has the same hash, that one gets no more recipients
    /// and goes out in its turn.
    fn open(&mut self, hash: u64, group: Group) -> Option<Group> {
        while let Some(None) = self.open.front() {
            self.open.pop_front();
            self.gone += 1;
        }
        let oldest = if self.open.len() < MAX_OPEN_GROUPS {
            None
        } else {
            self.take_oldest()
        };
        self.last = self.gone + self.open.len();
        self.places.insert(hash, self.last);
        self.open.push_back(Some((hash, group)));
        oldest
    }

    /// The open group that was opened first, or `None` where no group is open.
    pub(crate) fn take_oldest(&mut self) -> Option<Group> {
        while let Some(slot) = self.open.pop_front() {
            self.gone += 1;
            if slot.is_some() {
                return self.close(self.gone - 1, slot);
            }
        }
        None
    }

    fn close(&mut self, place: usize, slot: Option<(u64, Group)>) -> Option<Group> {
        let (hash, group) = slot?;
        if self.places.get(&hash) == Some(&place) {
            self.places.remove(&hash);
        }
        Some(group)
    }

    /// The first row that waits in an open group.
    pub(crate) fn first_row(&self) -> Option<RowNumber> {
        let waiting = self.open.iter().flatten();
        waiting
            .filter_map(|(_, group)| group.rows.first())
            .min_by_key(|row| row.row)
            .copied()
    }
}

/// A hasher for keys that are hashes already.
#[derive(Debug, Default)]
struct PlainHasher(u64);

impl Hasher for PlainHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fanline_core::channel::Channel;
    use proptest::prelude::*;

    fn recipient(kind: char, n: u64) -> Recipient {
        Recipient::parse(Channel::Line, &format!("{kind}{n:032x}")).unwrap()
    }

    /// Groups the rows (kind, messages), numbered from 1, each group shown as its messages and
    /// rows.
    fn groups(rows: &[(char, String)], most: usize) -> Vec<(String, Vec<u64>)> {
        let mut groups = OpenGroups::default();
        let mut out = Vec::new();
        for (row, (kind, messages)) in (1..).zip(rows) {
            out.extend(groups.add(
                messages,
                most,
                recipient(*kind, row),
                RowNumber { row, line: row + 1 },
            ));
        }
        while let Some(group) = groups.take_oldest() {
            out.push(group);
        }
        out.into_iter()
            .map(|group| {
                (
                    group.messages.to_string(),
                    group.rows.iter().map(|row| row.row).collect(),
                )
            })
            .collect()
    }

    fn users(messages: &[&str]) -> Vec<(char, String)> {
        messages
            .iter()
            .map(|text| ('U', (*text).to_owned()))
            .collect()
    }

    #[test]
    fn equal_messages_share_a_delivery_although_they_lie_apart() {
        assert_eq!(
            groups(&users(&["a", "b", "a", "c", "b", "a"]), 500),
            [
                ("a".into(), vec![1, 3, 6]),
                ("b".into(), vec![2, 5]),
                ("c".into(), vec![4])
            ]
        );
    }

    #[test]
    fn a_full_group_goes_out_at_once() {
        assert_eq!(
            groups(&users(&["a", "b", "a", "a"]), 2),
            [
                ("a".into(), vec![1, 3]),
                ("b".into(), vec![2]),
                ("a".into(), vec![4])
            ]
        );
    }

    #[test]
    fn groups_and_rooms_go_alone() {
        let rows = [
            ('U', "a".into()),
            ('C', "a".into()),
            ('R', "a".into()),
            ('U', "a".into()),
        ];
        assert_eq!(
            groups(&rows, 500),
            [
                ("a".into(), vec![2]),
                ("a".into(), vec![3]),
                ("a".into(), vec![1, 4])
            ]
        );
    }

    #[test]
    fn the_oldest_goes_out_when_too_many_are_open() {
        let texts: Vec<String> = (0..MAX_OPEN_GROUPS).map(|n| format!("text {n}")).collect();
        let mut rows: Vec<(char, String)> = texts.iter().map(|text| ('U', text.clone())).collect();
        rows.push(('U', "one more".into()));
        rows.push(('U', texts[0].clone()));
        rows.push(('U', texts[2].clone()));
        let out = groups(&rows, 500);
        assert_eq!(out[0], (texts[0].clone(), vec![1]));
        assert_eq!(out[1], (texts[1].clone(), vec![2]));
        assert_eq!(out[2], (texts[2].clone(), vec![3, 515]));
        assert_eq!(out.last().unwrap().0, texts[0]);
    }

    /// A user, or now and then a group, and one of many texts.
    fn any_row() -> impl Strategy<Value = (char, u32)> {
        (prop_oneof![9 => Just('U'), 1 => Just('C')], 0u32..2000)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(50))]

        #[test]
        fn nobody_is_lost_or_doubled_and_memory_is_bounded(
            rows in prop::collection::vec(any_row(), 0..3000),
            most in 1usize..9,
        ) {
            let mut groups = OpenGroups::default();
            let mut out = Vec::new();
            for (row, (kind, text)) in (1..).zip(&rows) {
                let row = RowNumber { row, line: row };
                out.extend(groups.add(&text.to_string(), most, recipient(*kind, row.row), row));
                prop_assert!(groups.open.len() <= MAX_OPEN_GROUPS);
                prop_assert!(groups.places.len() <= groups.open.len());
            }
            while let Some(group) = groups.take_oldest() {
                out.push(group);
            }
            prop_assert!(groups.places.is_empty());
            let mut seen = Vec::new();
            for group in out {
                prop_assert!(group.recipients.len() <= most);
                for (recipient_, row) in group.recipients.iter().zip(&group.rows) {
                    let (kind, text) = &rows[usize::try_from(row.row).unwrap() - 1];
                    prop_assert!(*recipient_ == recipient(*kind, row.row));
                    prop_assert_eq!(&*group.messages, &text.to_string());
                    seen.push(row.row);
                }
            }
            seen.sort_unstable();
            prop_assert_eq!(seen, (1..=rows.len() as u64).collect::<Vec<_>>());
        }
    }
}

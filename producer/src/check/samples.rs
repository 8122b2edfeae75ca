//! Rows that stand for all rows of a list that can be sent.

use fanline_core::list::Place;
use fanline_core::recipient::Recipient;

/// A row that can be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Where the row is.
    pub place: Place,
    /// What its recipient gets: a JSON array of message objects.
    pub messages: String,
    /// Whether its recipient can share a request with others.
    pub can_share: bool,
}

/// The first row that can be sent, and the first of those with the longest messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Samples {
    first: Option<Sample>,
    longest: Option<Sample>,
}

impl Samples {
    /// Looks at one more row.
    pub(crate) fn see(&mut self, place: Place, recipient: &Recipient, messages: &str) {
        let sample = || Sample {
            place,
            messages: messages.to_owned(),
            can_share: recipient.can_share(),
        };
        let Some(first) = &self.first else {
            self.first = Some(sample());
            return;
        };
        let longest = self.longest.as_ref().unwrap_or(first);
        if messages.len() > longest.messages.len() {
            self.longest = Some(sample());
        }
    }

    /// Each of them, the first row first.
    pub fn iter(&self) -> impl Iterator<Item = &Sample> {
        [&self.first, &self.longest].into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use fanline_core::channel::Channel;

    use super::*;

    #[test]
    fn the_first_row_and_the_longest_stand_for_all() {
        let recipient = Recipient::parse(Channel::Line, &format!("U{:032x}", 1)).unwrap();
        for (rows, expected) in [
            (vec![], vec![]),
            (vec!["aa"], vec!["aa"]),
            (vec!["aa", "b", "cc"], vec!["aa"]),
            (vec!["a", "bb", "ccc", "ddd"], vec!["a", "ccc"]),
        ] {
            let mut samples = Samples::default();
            for row in rows {
                samples.see(Place::START, &recipient, row);
            }
            let found: Vec<_> = samples.iter().map(|s| s.messages.as_str()).collect();
            assert_eq!(found, expected);
        }
    }
}

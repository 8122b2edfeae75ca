//! `plan --friends`: how many people of the list are no friends of the account.

use std::hash::{DefaultHasher, Hash, Hasher};

use fanline_consumer::{AccountError, LineAccount};
use fanline_core::channel::Channel;
use fanline_core::recipient::Recipient;
use serde::Serialize;

/// The account's friends, each as a hash of 64 bits: a million of them are 8 MB. In a million
/// people one is taken for a friend by mistake once in ten million plans.
pub(super) struct Friends(Vec<u64>);

/// How many people of a list are friends, as `--json` prints it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct FriendCounts {
    /// Friends of the account, whether they are in the list or not.
    pub(super) of_the_account: u64,
    /// Users of the list. Groups and rooms are no friends, and none of them.
    pub(super) users: u64,
    /// Users of the list who are no friends.
    pub(super) not_friends: u64,
}

impl Friends {
    /// Asks LINE for all of them: one request for a thousand, each after the one before.
    pub(super) async fn ask(account: &LineAccount) -> Result<Self, AccountError> {
        let mut hashes = Vec::new();
        let mut page = account.friends(None).await?;
        loop {
            let ids = page.user_ids.iter();
            let ids = ids.filter_map(|id| Recipient::parse(Channel::Line, id).ok());
            hashes.extend(ids.map(|id| hash(&id)));
            match page.next {
                Some(start) => page = account.friends(Some(&start)).await?,
                None => break,
            }
        }
        hashes.sort_unstable();
        hashes.dedup();
        Ok(Self(hashes))
    }

    /// The counts before any row is read.
    pub(super) fn counts(&self) -> FriendCounts {
        FriendCounts {
            of_the_account: self.0.len() as u64,
            ..FriendCounts::default()
        }
    }

    /// Counts one more recipient of the list.
    pub(super) fn see(&self, recipient: &Recipient, counts: &mut FriendCounts) {
        // Only users can share a request, and only users can be friends.
        if recipient.can_share() {
            counts.users += 1;
            let is_friend = self.0.binary_search(&hash(recipient)).is_ok();
            counts.not_friends += u64::from(!is_friend);
        }
    }
}

fn hash(recipient: &Recipient) -> u64 {
    let mut hasher = DefaultHasher::new();
    recipient.fingerprint().hash(&mut hasher);
    hasher.finish()
}

//! One worker's view of the leases: what it may use, and what it writes down next. Pure.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

use super::leases::{Leases, WHOLE, WrittenLease};

/// A lease is renewed so often.
const RENEW: Duration = Duration::from_secs(3);
/// And looked at so often by who waits for a larger part.
const LOOK: Duration = Duration::from_secs(1);
/// After the begin of the last renewal that was written, a worker may send for so long.
const LASTS: Duration = Duration::from_secs(15);
/// A worker whose lease was seen unchanged for so long sends nothing more. The two seconds are for
/// what was on its way.
const OVER: Duration = Duration::from_secs(17);
/// A pace that was lowered counts for so long: LINE counts the requests of a whole second.
const SETTLE: Duration = Duration::from_millis(1_200);

/// What a worker may use of LINE's limits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lease {
    /// The part of the limits, from 0 to 1.
    pub part: f64,
    /// From this time of the holder's clock on it may use nothing.
    pub until: Duration,
}

/// What a worker writes down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    /// The object as it is to be.
    pub leases: Leases,
    /// What the worker may use once it is written.
    part: u32,
}

/// A worker's view of the leases. Its clock is any that goes on evenly.
#[derive(Debug)]
pub struct LeaseHolder {
    id: String,
    /// What is in use.
    used: u32,
    /// What was in use before it was lowered, and until when.
    before: VecDeque<(u32, Duration)>,
    /// What it would have if all others had seen it.
    target: u32,
    until: Duration,
    /// How often it has begun to renew. It never has the same number again, also where its lease
    /// was gone in between.
    renewals: u64,
    /// The renewals of the others, and since when each was seen.
    seen: BTreeMap<String, (u64, Duration)>,
    /// Since when the object was seen that gives out nothing.
    closed_since: Option<Duration>,
}

impl LeaseHolder {
    /// A worker with this id, which nobody else has. It has no lease yet.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            used: 0,
            before: VecDeque::new(),
            target: 0,
            until: Duration::ZERO,
            renewals: 0,
            seen: BTreeMap::new(),
            closed_since: None,
        }
    }

    /// What may be used now.
    pub fn lease(&self, now: Duration) -> Lease {
        let used = if now < self.until { self.used } else { 0 };
        Lease {
            part: f64::from(used) / f64::from(WHOLE),
            until: self.until,
        }
    }

    /// What to write down, after a read of the object that ended at `now`; `None`: there is none.
    /// What the worker may use is lowered at once where it has too much, and not raised before
    /// [`Self::written`].
    pub fn renew(&mut self, read: Option<Leases>, now: Duration, day: Timestamp) -> Renewal {
        let mut leases = read.unwrap_or_default();
        self.look(&leases, now);
        leases
            .workers
            .retain(|id, _| *id == self.id || !self.is_over(id, now));
        let was_there = leases.workers.remove(&self.id).is_some();
        if !was_there {
            // Another object than the one before: how long that was closed says nothing of it.
            self.closed_since = None;
        }
        self.open(&mut leases, now);
        if !was_there || now >= self.until {
            self.use_at_most(0, now.min(self.until));
        }
        let others: u32 = leases.workers.values().map(|lease| lease.part).sum();
        let free = WHOLE.saturating_sub(others);
        let all = u32::try_from(leases.workers.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        self.target = if leases.open { WHOLE / all } else { 0 };
        let wanted = self.target.min(free);
        self.use_at_most(wanted, now);
        self.renewals += 1;
        let lease = WrittenLease {
            part: wanted.max(self.counted(now)).min(free),
            renewals: self.renewals,
            renewed_at: day,
        };
        leases.workers.insert(self.id.clone(), lease);
        Renewal {
            leases,
            part: wanted,
        }
    }

    /// A renewal was written, and the write began at `began`.
    pub fn written(&mut self, renewal: &Renewal, began: Duration) {
        self.until = began + LASTS;
        self.used = renewal.part;
    }

    /// After how long to look again.
    pub fn next(&self, now: Duration) -> Duration {
        if self.counted(now) > self.used {
            SETTLE
        } else if self.used < self.target {
            LOOK
        } else {
            RENEW
        }
    }

    /// Nothing is used from now on. After [`Self::settle`] the lease can be given back.
    pub fn stop(&mut self, now: Duration) {
        self.use_at_most(0, now);
        self.until = now;
    }

    /// How long a pace that was lowered still counts.
    pub fn settle() -> Duration {
        SETTLE
    }

    /// The object without this worker; `None` where it has no lease in it.
    pub fn left(&self, read: Option<Leases>) -> Option<Leases> {
        let mut leases = read?;
        leases.workers.remove(&self.id)?;
        Some(leases)
    }

    fn look(&mut self, leases: &Leases, now: Duration) {
        self.seen.retain(|id, _| leases.workers.contains_key(id));
        for (id, lease) in &leases.workers {
            let seen = self.seen.entry(id.clone()).or_insert((lease.renewals, now));
            if seen.0 != lease.renewals {
                *seen = (lease.renewals, now);
            }
        }
    }

    fn is_over(&self, id: &str, now: Duration) -> bool {
        let seen = self.seen.get(id);
        seen.is_some_and(|(_, since)| now.saturating_sub(*since) >= OVER)
    }

    /// Opens an object that was closed for so long that no older lease can be left.
    fn open(&mut self, leases: &mut Leases, now: Duration) {
        if leases.open {
            self.closed_since = None;
            return;
        }
        let since = *self.closed_since.get_or_insert(now);
        leases.open = now.saturating_sub(since) >= OVER;
    }

    fn use_at_most(&mut self, part: u32, now: Duration) {
        if self.used > part {
            self.before.push_back((self.used, now));
            self.used = part;
        }
        while self
            .before
            .front()
            .is_some_and(|(_, end)| *end + SETTLE <= now)
        {
            self.before.pop_front();
        }
    }

    /// The most that was in use in the last second.
    fn counted(&self, now: Duration) -> u32 {
        let before = self.before.iter();
        let counted = before.filter(|(_, end)| *end + SETTLE > now);
        counted.map(|(part, _)| *part).fold(self.used, u32::max)
    }
}

//! What the simulated LINE knows: its options, and what it remembers between requests.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use uuid::Uuid;

use crate::line::answer::{Answer, ErrorForm};
use crate::line::memory::hours::NotifyHours;
use crate::line::memory::insight::Insight;
use crate::line::memory::keys::RetryKeys;
use crate::line::memory::ledger::LineLedger;
use crate::line::memory::limits::{MonthlyUse, RateLimits};
use crate::line::memory::tokens::IssuedTokens;
use crate::line::options::LineOptions;
use crate::line::recipient::{self, RecipientKey};
use crate::line::text::Digest128;

pub(crate) mod hours;
pub(crate) mod insight;
pub(crate) mod keys;
pub(crate) mod ledger;
pub(crate) mod limits;
pub(crate) mod tokens;

/// Everything that the simulated LINE knows.
#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) options: LineOptions,
    /// [`LineOptions::blocked`] and [`LineOptions::unknown`] in the form of the ledger. They change
    /// only with [`Memory::set_options`].
    pub(crate) blocked: HashSet<RecipientKey>,
    pub(crate) unknown: HashSet<RecipientKey>,
    pub(crate) ledger: LineLedger,
    pub(crate) keys: RetryKeys,
    pub(crate) rates: RateLimits,
    pub(crate) month: MonthlyUse,
    pub(crate) insight: Insight,
    pub(crate) hours: NotifyHours,
    pub(crate) tokens: IssuedTokens,
    /// How often each request without a retry key has come.
    attempts: HashMap<Digest128, u32>,
    /// Differs between two servers, so their request ids differ too.
    origin: u64,
    requests: u64,
}

/// When a request came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    /// Counts all requests from 1.
    pub(crate) number: u64,
    pub(crate) now: Timestamp,
}

impl Memory {
    /// An empty memory.
    pub(crate) fn new(options: LineOptions) -> Self {
        Self {
            blocked: keys_of(&options.blocked),
            unknown: keys_of(&options.unknown),
            ledger: LineLedger::default(),
            keys: RetryKeys::default(),
            rates: RateLimits::default(),
            month: MonthlyUse::default(),
            insight: Insight::default(),
            hours: NotifyHours::default(),
            tokens: IssuedTokens::default(),
            attempts: HashMap::new(),
            origin: options.clock.now().as_microsecond().unsigned_abs(),
            requests: 0,
            options,
        }
    }

    /// Replaces the options.
    pub(crate) fn set_options(&mut self, options: LineOptions) {
        self.blocked = keys_of(&options.blocked);
        self.unknown = keys_of(&options.unknown);
        self.options = options;
    }

    /// Changes the options, but not the port and the clock.
    pub(crate) fn change_options(&mut self, change: impl FnOnce(&mut LineOptions)) {
        let mut options = self.options.clone();
        change(&mut options);
        options.host = self.options.host;
        options.port = self.options.port;
        options.clock = self.options.clock.clone();
        self.set_options(options);
    }

    /// Counts a request.
    pub(crate) fn arrive(&mut self) -> Arrival {
        self.requests += 1;
        Arrival {
            number: self.requests,
            now: self.options.clock.now(),
        }
    }

    /// The `x-line-request-id` of the request with this number.
    pub(crate) fn request_id(&self, number: u64) -> Uuid {
        Uuid::from_u64_pair(self.origin, number)
    }

    /// How often a request without a retry key has come, this time included. Only faults need it.
    pub(crate) fn attempt(&mut self, request: Digest128) -> u32 {
        if self.options.faults.is_none() {
            return 1;
        }
        let attempt = self.attempts.entry(request).or_default();
        *attempt = attempt.saturating_add(1);
        *attempt
    }

    /// Answers with `accept`, and draws a fault for the request. A fault before acceptance answers
    /// instead of `accept`, one after it changes the answer.
    pub(crate) fn with_faults(
        &mut self,
        identity: &Digest128,
        attempt: u32,
        error: ErrorForm,
        accept: impl FnOnce(&mut Self) -> Answer,
    ) -> Answer {
        let Some(fault) = self.options.faults.draw(identity, attempt) else {
            return accept(self);
        };
        *self.ledger.counts.faults.entry(fault).or_default() += 1;
        if let Some(answer) = self.options.faults.before(fault, error) {
            return answer;
        }
        let answer = accept(self);
        self.options.faults.after(fault, error, answer)
    }
}

/// The recipients with these IDs. A text that is no ID names nobody.
fn keys_of<'a>(ids: impl IntoIterator<Item = &'a String>) -> HashSet<RecipientKey> {
    ids.into_iter()
        .filter_map(|id| recipient::of_line_id(id))
        .collect()
}

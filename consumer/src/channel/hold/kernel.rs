//! When a hold begins and ends, with the time as a parameter.

use jiff::{SignedDuration, Timestamp};

#[cfg(test)]
mod tests;

/// Why a channel is on hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum HoldReason {
    /// The month's messages are used up.
    Quota,
    /// There is no token that the channel accepts.
    Unauthorized,
    /// Nearly no request gets an answer.
    Outage,
}

impl HoldReason {
    /// The reason as the log writes it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Quota => "quota",
            Self::Unauthorized => "unauthorized",
            Self::Outage => "outage",
        }
    }

    /// The time between two probes. A person has to repair a token or a quota. An outage ends by
    /// itself.
    fn between_probes(self) -> SignedDuration {
        match self {
            Self::Quota | Self::Unauthorized => SignedDuration::from_secs(60),
            Self::Outage => SignedDuration::from_secs(5),
        }
    }
}

/// What came back for a request, as far as it matters for a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event<'a> {
    /// The channel accepted it.
    Accepted,
    /// The channel knows the token, and answered in another way.
    Answered,
    /// No answer, or a fault of the channel.
    Fault,
    /// The token is not valid, says one answer.
    Unauthorized,
    /// The token may not do this, for a delivery of this run.
    Forbidden(&'a str),
    /// The month has nothing left: LINE's count says so.
    QuotaUsedUp,
    /// There is no token.
    NoToken,
}

/// A single 401 is not believed. The next request goes this much later, and must be refused too.
const CONFIRM_AFTER: SignedDuration = SignedDuration::from_secs(3);
/// So many answers are looked at for an outage, and so many of them must be faults.
const ANSWERS: u32 = 40;
const MIN_FAULTS: u32 = 38;
/// The pace is not slowed further for faults: from there on there is a hold.
const MIN_PART_OF_PACE: f64 = 0.1;

/// The hold of one channel in one environment.
///
/// Nobody tells us when a hold may end. So now and then one delivery is sent as a probe, and its
/// answer tells. What came back for a request that departed before the hold began changes nothing.
///
/// - **401**: only when the same token is refused twice, three seconds apart, and nothing was
///   accepted in between. Until then the environment pauses.
/// - **403**: it is the delivery's matter, unless different runs get it and nothing is accepted.
/// - **Quota**: only when nothing is left.
/// - **Outage**: when 38 of the last 40 answers are faults.
#[derive(Debug, Default)]
pub(crate) struct Kernel {
    state: Option<State>,
    /// The last answers, newest in the lowest bit. 1: a fault.
    faults: u64,
    /// A run whose deliveries got 403, with nothing accepted since.
    forbidden_run: Option<String>,
}

#[derive(Debug, Clone, Copy)]
struct State {
    reason: HoldReason,
    since: Timestamp,
    next_probe: Timestamp,
    /// `false`: it is a pause until the first 401 is confirmed.
    is_confirmed: bool,
}

/// No request may depart, at least until this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stop {
    /// Why.
    pub reason: HoldReason,
    /// When the next probe is due.
    pub until: Timestamp,
    /// Whether other environments may be able to send: a token is this environment's own.
    pub may_be_ours_alone: bool,
}

impl Kernel {
    /// Why sending is on hold, if it is.
    pub(crate) fn reason(&self) -> Option<HoldReason> {
        self.state.map(|state| state.reason)
    }

    /// The part of the pace that is left by the last answers: all of it while half of them are no
    /// faults, and a tenth where nearly all are. Whatever fails is hidden, and SQS keeps no more
    /// than 120,000 messages in flight.
    pub(crate) fn part_of_pace(&self) -> f64 {
        let good = ANSWERS - self.faults.count_ones();
        (2.0 * f64::from(good) / f64::from(ANSWERS)).clamp(MIN_PART_OF_PACE, 1.0)
    }

    /// Whether a request may depart now. Does not use up the probe.
    pub(crate) fn look(&self, now: Timestamp) -> Result<(), Stop> {
        match self.state {
            Some(State {
                reason,
                next_probe: until,
                is_confirmed,
                ..
            }) if now < until => Err(Stop {
                reason,
                until,
                may_be_ours_alone: is_confirmed && reason == HoldReason::Unauthorized,
            }),
            _ => Ok(()),
        }
    }

    /// The same, for a request that departs now. During a hold only the probe may.
    pub(crate) fn admit(&mut self, now: Timestamp) -> Result<(), Stop> {
        self.look(now)?;
        if let Some(state) = &mut self.state {
            state.next_probe = after(now, state.reason.between_probes());
        }
        Ok(())
    }

    /// Takes note of what came back for a request that departed at `departed`. Returns the reason
    /// if this begins a hold.
    pub(crate) fn note(
        &mut self,
        event: Event<'_>,
        departed: Timestamp,
        now: Timestamp,
    ) -> Option<HoldReason> {
        self.count(event == Event::Fault);
        match event {
            Event::Accepted => {
                self.forbidden_run = None;
                self.end(departed, |_| true);
                None
            }
            Event::Answered => {
                self.end(departed, |reason| reason != HoldReason::Quota);
                None
            }
            Event::Fault => (self.faults.count_ones() >= MIN_FAULTS && self.state.is_none())
                .then(|| self.begin(HoldReason::Outage, now))
                .flatten(),
            Event::Unauthorized => self.refused(departed, now),
            Event::Forbidden(run) => self.forbidden(run, departed, now),
            Event::QuotaUsedUp => self.begin(HoldReason::Quota, now),
            Event::NoToken => self.begin(HoldReason::Unauthorized, now),
        }
    }

    fn refused(&mut self, departed: Timestamp, now: Timestamp) -> Option<HoldReason> {
        self.end(departed, |reason| reason == HoldReason::Outage);
        match &mut self.state {
            None => {
                self.state = Some(State {
                    reason: HoldReason::Unauthorized,
                    since: now,
                    next_probe: after(now, CONFIRM_AFTER),
                    is_confirmed: false,
                });
                None
            }
            Some(state) if state.is_confirmed || departed < after(state.since, CONFIRM_AFTER) => {
                None
            }
            Some(_) => self.begin(HoldReason::Unauthorized, now),
        }
    }

    fn forbidden(&mut self, run: &str, departed: Timestamp, now: Timestamp) -> Option<HoldReason> {
        self.end(departed, |reason| reason == HoldReason::Outage);
        match &self.forbidden_run {
            Some(other) if other != run => self.begin(HoldReason::Unauthorized, now),
            Some(_) => None,
            None => {
                self.forbidden_run = Some(run.to_owned());
                None
            }
        }
    }

    /// Begins a hold, or goes on with one. Returns the reason if there was none.
    fn begin(&mut self, reason: HoldReason, now: Timestamp) -> Option<HoldReason> {
        let held = self.state.filter(|state| state.is_confirmed);
        let goes_on = held.is_some_and(|state| state.reason == reason);
        self.state = Some(State {
            reason,
            since: now,
            next_probe: after(now, reason.between_probes()),
            is_confirmed: true,
        });
        (!goes_on).then_some(reason)
    }

    /// Ends a hold for one of these reasons, if it is older than the request.
    fn end(&mut self, departed: Timestamp, ends: impl Fn(HoldReason) -> bool) {
        if self
            .state
            .is_some_and(|state| departed >= state.since && ends(state.reason))
        {
            self.state = None;
            self.faults = 0;
        }
    }

    fn count(&mut self, is_fault: bool) {
        const MASK: u64 = (1 << ANSWERS) - 1;
        self.faults = (self.faults << 1 | u64::from(is_fault)) & MASK;
    }
}

fn after(now: Timestamp, time: SignedDuration) -> Timestamp {
    now.checked_add(time).unwrap_or(Timestamp::MAX)
}

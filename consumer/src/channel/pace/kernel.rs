//! The rules of the pace, with the time as a parameter.

use std::collections::VecDeque;
use std::time::Duration;

#[cfg(test)]
mod tests;

/// A second's share is spread over this time. LINE counts arrivals and we count departures, so a
/// request may travel for 50 ms longer than the one before it, and still no second holds more than
/// the limit. It costs a twentieth of the speed.
const WINDOW: Duration = Duration::from_millis(1_050);
/// The turns that are remembered. A faster pace is counted over a part of the window.
const MAX_TURNS: f64 = 500.0;
/// Turns that are left over may follow each other this much faster than the even pace. A batch of
/// ten departs in less than two even spaces, and then waits for its answers together.
const CATCH_UP: u32 = 8;
/// Timers tick once a millisecond and may be late. The next turn does not move for it.
const MAX_LATE: Duration = Duration::from_millis(5);
/// Multiplicative decrease: the part of the pace that is left after a 429. A whole batch of ten
/// leaves a third.
const DECREASE: f64 = 0.9;
/// Additive increase with each accepted request: a hundred of them bring back half of the share.
/// Increase and decrease balance where about one response in twenty is a 429. So a single 429
/// hardly matters, and many of them bring the pace down.
const INCREASE: f64 = 0.005;
/// The pace never falls below this part of the share. It must go on to find out that it may rise.
const MIN_FACTOR: f64 = 0.05;

/// The pace of one endpoint in one environment.
///
/// Lambda runs at most so many invocations at once as there are shares. One of these places is a
/// *slot*. More environments than slots may be warm, and they may use a slot by turns. No slot may
/// send more than a share, whoever is in it. The environments have nothing in common, so each keeps
/// three rules:
///
/// 1. No window holds more turns of its own than the share.
/// 2. An invocation stays open until its turns are paid: one even space of the slot for each.
/// 3. Between two invocations others may have been in the slot. By the second rule they took at
///    most one turn in each even space, and all of these are counted as if they were its own. A gap
///    is rounded up, but one under a quarter of a space is too short for anybody else. After a cold
///    start the whole window counts as used.
///
/// So the turns of a slot in any window are at most the share, and all slots together are within
/// the limit. An environment that is always busy sends whole batches, and loses no speed while it
/// waits for answers.
pub(crate) struct Kernel {
    /// The even space: one turn of the share.
    space: Duration,
    /// The last turns, oldest first. Always as many as fit in one window of this many spaces.
    turns: VecDeque<Duration>,
    /// When the next turn would be due, were it not for the window.
    next: Duration,
    /// The part of the share that is allowed now.
    factor: f64,
    /// The part of that which is allowed while many requests fail.
    part: f64,
    /// Until then the turns have used up the slot.
    paid_until: Duration,
    /// Invocations under way.
    active: u32,
    /// When the last invocation ended.
    idle_since: Duration,
}

impl Kernel {
    /// A pace of `share` requests a second, of which the whole window is used up.
    pub(crate) fn new(share: f64, now: Duration) -> Self {
        let parts = (share / MAX_TURNS).ceil().max(1.0);
        let whole = (share / parts).floor().max(1.0);
        // A share below one is one turn in a longer window. Above, fractions would add up over the
        // environments, so they are left out.
        let a_window = share.min(whole * parts);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 1 to `MAX_TURNS`"
        )]
        let whole = whole as u32;
        let mut kernel = Self {
            space: WINDOW.div_f64(a_window),
            turns: VecDeque::with_capacity(whole as usize + 1),
            next: now,
            factor: 1.0,
            part: 1.0,
            paid_until: now,
            active: 0,
            idle_since: now,
        };
        kernel.turns.resize(whole as usize, Duration::ZERO);
        kernel.owe(whole, now);
        kernel
    }

    /// The share is another one from now on. Its whole window counts as used, so the turns go on at
    /// the new pace without a gap and without a burst.
    pub(crate) fn set_share(&mut self, share: f64, now: Duration) {
        let new = Self::new(share, now);
        if new.space == self.space && new.turns.len() == self.turns.len() {
            return;
        }
        *self = Self {
            factor: self.factor,
            part: self.part,
            paid_until: self.paid_until,
            active: self.active,
            idle_since: self.idle_since,
            ..new
        };
    }

    /// An invocation begins.
    pub(crate) fn begin(&mut self, now: Duration) {
        if self.active == 0 {
            let idle = now.saturating_sub(self.idle_since);
            if let Some(counted) = idle.checked_sub(self.credit()) {
                let spaces = whole_spaces(counted, self.space);
                self.owe(spaces.saturating_add(1), now);
                self.paid_until = self.paid_until.max(now);
            }
        }
        self.active += 1;
    }

    /// An invocation ends.
    pub(crate) fn end(&mut self, now: Duration) {
        self.active = self.active.saturating_sub(1);
        self.idle_since = now;
    }

    /// For how long the last invocation under way must stay open.
    pub(crate) fn unpaid(&self, now: Duration) -> Duration {
        if self.active > 1 {
            return Duration::ZERO;
        }
        self.paid_until.saturating_sub(now)
    }

    /// Takes the next turn, or says how long to wait before the next try.
    pub(crate) fn take_turn(&mut self, now: Duration) -> Result<(), Duration> {
        let window = self.space * self.len();
        let free = self.turns.front().map_or(now, |oldest| *oldest + window);
        let due = self.next.max(free);
        if let Some(wait) = due.checked_sub(now).filter(|wait| !wait.is_zero()) {
            return Err(wait);
        }
        self.note(now);
        let factor = self.factor * self.part;
        let space = if factor < 1.0 {
            self.space.div_f64(factor)
        } else {
            self.space / CATCH_UP
        };
        self.next = self.next.max(now.saturating_sub(MAX_LATE)) + space;
        let unused_since = now.saturating_sub(self.credit());
        self.paid_until = self.paid_until.max(unused_since) + self.space;
        Ok(())
    }

    /// After a 429: a slower pace, at once.
    pub(crate) fn slow_down(&mut self) {
        self.factor = (self.factor * DECREASE).max(MIN_FACTOR);
    }

    /// After an accepted request: a little faster, up to the share.
    pub(crate) fn speed_up(&mut self) {
        self.factor = (self.factor + INCREASE).min(1.0);
    }

    /// Only this part of the pace, from 0 to 1, until it is said again.
    pub(crate) fn keep_to_part(&mut self, part: f64) {
        self.part = part;
    }

    /// Requests a second, as of now.
    pub(crate) fn per_second(&self) -> f64 {
        self.factor * self.part / self.space.as_secs_f64()
    }

    /// An invocation with a turn lasts longer. So nobody else has used the slot in a shorter time,
    /// and that time counts as paid.
    fn credit(&self) -> Duration {
        self.space / 4
    }

    /// Counts turns that others may have taken: one in each even space before `now`.
    fn owe(&mut self, turns: u32, now: Duration) {
        for back in (0..turns.min(self.len())).rev() {
            self.note(now.saturating_sub(self.space * back));
        }
    }

    fn note(&mut self, turn: Duration) {
        self.turns.pop_front();
        self.turns.push_back(turn);
    }

    #[expect(clippy::cast_possible_truncation, reason = "at most `MAX_TURNS`")]
    fn len(&self) -> u32 {
        self.turns.len() as u32
    }
}

/// How many spaces fit in the time.
fn whole_spaces(time: Duration, space: Duration) -> u32 {
    u32::try_from(time.as_nanos() / space.as_nanos().max(1)).unwrap_or(u32::MAX)
}

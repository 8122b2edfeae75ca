//! What a consumer does with a delivery of a run: asked when it takes the record, and right before
//! each request.

use jiff::Timestamp;

use super::state::{Control, PauseMode, RunState};

/// What a consumer does with a delivery of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Gate {
    /// Send it.
    Send,
    /// Keep it in hand and ask again each second; hand it back when the invocation's time is over.
    Wait,
    /// Put it on the parked queue, then acknowledge it. Where there is no such queue: wait.
    Park,
    /// Acknowledge it as cancelled. It is never sent, and no dead letter is written.
    Drop,
}

/// What to do with a delivery of this run now.
///
/// Ask it before any look at `expires_at` or the 23 hours: a dropped delivery certainly reached
/// nobody.
/// - A run that is not in control is sent: its deliveries were published by hand, or 14 days and
///   more ago.
/// - A paused run whose 23 hours are over can never be sent again, so its deliveries are dropped,
///   *closed unsent*.
/// - A run that is done is parked: it may have been resent, so its last deliveries must not go out
///   by themselves.
pub fn gate(control: &Control, run: &str, now: Timestamp) -> Gate {
    let Some(run) = control.run(run) else {
        return Gate::Send;
    };
    match run.state {
        RunState::Open => Gate::Send,
        RunState::Paused if now >= run.horizon() => Gate::Drop,
        RunState::Paused => match run.mode {
            Some(PauseMode::Park) => Gate::Park,
            Some(PauseMode::Wait) | None => Gate::Wait,
        },
        RunState::Cancelled => Gate::Drop,
        RunState::Done => Gate::Park,
    }
}

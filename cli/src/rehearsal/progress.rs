//! The progress bar on standard error. Where standard error is no terminal, nothing is drawn.

use std::time::Duration;

use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use crate::report::measurements::Speed;

/// How far a run has come, in recipients.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Position {
    /// Rows read from the list.
    pub(crate) rows: u64,
    /// Recipients whose delivery was put on the queue.
    pub(crate) published: u64,
    /// Recipients with an outcome.
    pub(crate) settled: u64,
    /// Recipients with an outcome, whom LINE did not accept.
    pub(crate) not_accepted: u64,
}

/// A bar that shows how many of the published recipients have an outcome.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Draws the bar, again and again until [`Progress::end`].
    pub(crate) fn start() -> Self {
        #[expect(
            clippy::expect_used,
            reason = "the template is a constant, and every test of `run` uses it"
        )]
        let style = ProgressStyle::with_template(
            "{spinner:.green} {bar:40.green} {percent:>3}%  {elapsed}  {msg}",
        )
        .expect("the template is valid");
        let bar = ProgressBar::new(0).with_style(style);
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }

    /// Shows how far the run has come, and how fast it goes.
    pub(crate) fn show(&self, position: &Position, speed: &Speed) {
        self.0.set_length(position.published.max(1));
        self.0.set_position(position.settled);
        self.0.set_message(message(position, speed));
    }

    /// Removes the bar.
    pub(crate) fn end(self) {
        self.0.finish_and_clear();
    }
}

/// The message beside the bar. A number that is zero is left out.
fn message(position: &Position, speed: &Speed) -> String {
    let waiting = position.published.saturating_sub(position.settled);
    let mut parts = vec![format!(
        "{} published of {} rows",
        HumanCount(position.published),
        HumanCount(position.rows)
    )];
    if speed.accepted > 0 {
        let accepted = HumanCount(speed.accepted);
        parts.push(match speed.limit {
            Some(limit) => format!("{accepted}/s (LINE's limit {})", HumanCount(limit)),
            None => format!("{accepted}/s"),
        });
    }
    for (n, name) in [
        (waiting, "waiting"),
        (speed.retries, "retries"),
        (position.not_accepted, "not accepted"),
    ] {
        if n > 0 {
            parts.push(format!("{} {name}", HumanCount(n)));
        }
    }
    if let Some(seconds) = waiting.checked_div(speed.accepted).filter(|_| waiting > 0) {
        parts.push(format!("{seconds} s left"));
    }
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_says_what_a_person_waits_for() {
        let position = Position {
            rows: 10_000,
            published: 8_000,
            settled: 2_000,
            not_accepted: 3,
        };
        let speed = Speed {
            accepted: 1_900,
            limit: Some(2_000),
            retries: 12,
        };
        assert_eq!(
            message(&position, &speed),
            "8,000 published of 10,000 rows · 1,900/s (LINE's limit 2,000) · 6,000 waiting \
             · 12 retries · 3 not accepted · 3 s left"
        );
        let begin = Position {
            rows: 500,
            ..Position::default()
        };
        let speed = Speed {
            accepted: 0,
            limit: None,
            retries: 0,
        };
        assert_eq!(message(&begin, &speed), "0 published of 500 rows");
    }
}

//! The bar on standard error while a campaign runs: silent where nobody watches.

use std::time::Duration;

use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use crate::report::measurements::Speed;

/// How far a run has come, in people.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Position {
    /// Read from the list so far.
    pub(crate) rows: u64,
    /// On the queue, or past it.
    pub(crate) published: u64,
    /// With an outcome.
    pub(crate) settled: u64,
    /// With an outcome that is not "accepted".
    pub(crate) lost: u64,
}

/// A bar that shows people settled out of people published.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// `indicatif` draws nothing where standard error is no terminal.
    pub(crate) fn start() -> Self {
        let bar = ProgressBar::new(0);
        #[expect(
            clippy::expect_used,
            reason = "a constant template; the run test shows it"
        )]
        let style = ProgressStyle::with_template(
            "{spinner:.green} {bar:40.green} {percent:>3}%  {elapsed}  {msg}",
        )
        .expect("the bar's template is valid");
        bar.set_style(style);
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }

    pub(crate) fn show(&self, position: &Position, speed: &Speed) {
        self.0.set_length(position.published.max(1));
        self.0.set_position(position.settled);
        self.0.set_message(words(position, speed));
    }

    pub(crate) fn end(self) {
        self.0.finish_and_clear();
    }
}

/// The line beside the bar: what is there to be said, and no more.
fn words(position: &Position, speed: &Speed) -> String {
    let waiting = position.published.saturating_sub(position.settled);
    let mut words = vec![format!(
        "{} published of {} rows",
        HumanCount(position.published),
        HumanCount(position.rows)
    )];
    if speed.accepted > 0 {
        let limit = speed
            .limit
            .map(|limit| format!(" (LINE's limit {})", HumanCount(limit)));
        words.push(format!(
            "{}/s{}",
            HumanCount(speed.accepted),
            limit.unwrap_or_default()
        ));
    }
    for (n, name) in [
        (waiting, "waiting"),
        (speed.retries, "retries"),
        (position.lost, "not accepted"),
    ] {
        if n > 0 {
            words.push(format!("{} {name}", HumanCount(n)));
        }
    }
    if let Some(seconds) = waiting.checked_div(speed.accepted).filter(|_| waiting > 0) {
        words.push(format!("{seconds} s left"));
    }
    words.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_tells_what_a_person_waits_for() {
        let position = Position {
            rows: 10_000,
            published: 8_000,
            settled: 2_000,
            lost: 3,
        };
        let speed = Speed {
            accepted: 1_900,
            limit: Some(2_000),
            retries: 12,
        };
        assert_eq!(
            words(&position, &speed),
            "8,000 published of 10,000 rows · 1,900/s (LINE's limit 2,000) · 6,000 waiting · 12 retries · 3 not accepted · 3 s left"
        );
        let begin = Position {
            rows: 500,
            ..Position::default()
        };
        assert_eq!(
            words(
                &begin,
                &Speed {
                    accepted: 0,
                    limit: None,
                    retries: 0
                }
            ),
            "0 published of 500 rows"
        );
    }
}

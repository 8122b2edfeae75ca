//! The bar on standard error while a campaign runs: silent where nobody watches.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::say::count;

/// How far a run has come, in people.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Position {
    /// Read from the list so far.
    pub(crate) rows: u64,
    /// On the queue, or past it.
    pub(crate) published: u64,
    /// With an outcome.
    pub(crate) settled: u64,
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
            "{spinner:.green} {bar:40.green} {percent:>3}%  {msg}  {elapsed}",
        )
        .expect("the bar's template is valid");
        bar.set_style(style);
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }

    pub(crate) fn show(&self, position: &Position) {
        self.0.set_length(position.published.max(1));
        self.0.set_position(position.settled);
        self.0.set_message(format!(
            "{} rows · {} published · {} settled · {:.0}/s",
            count(position.rows),
            count(position.published),
            count(position.settled),
            self.0.per_sec(),
        ));
    }

    pub(crate) fn end(self) {
        self.0.finish_and_clear();
    }
}

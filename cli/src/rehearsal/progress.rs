//! The progress of a run on standard error: a line that fits the terminal, or a line each ten
//! seconds where there is none.

use std::time::{Duration, Instant};

use console::Term;
use fanline_core::settings::variable;
use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike as _};
use parking_lot::Mutex;

mod narrow;

use crate::print;
use crate::print::words::count;
use crate::report::measurements::Speed;
use narrow::Narrow;

/// What stands before the message: a spinner, the bar, the percentage and the time.
const TEMPLATE: &str = "{spinner:.green} {bar:9.green} {percent:>3} % {elapsed_precise}  {msg}";
const COLUMNS_BEFORE: usize = 1 + 1 + 9 + 1 + 5 + 1 + 8 + 2;
/// The line is drawn so often in a second at most.
const DRAWS: u8 = 20;
/// Without a terminal a line is printed this often.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

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

/// A line that shows how many of the published recipients have an outcome. It goes away with this
/// value, however the run ends.
pub(crate) struct Progress {
    bar: ProgressBar,
    terminal: Narrow,
    /// When a plain line was printed last, or the run began.
    printed: Mutex<Instant>,
}

impl Progress {
    /// Draws the line, again and again.
    pub(crate) fn start() -> Self {
        #[expect(
            clippy::expect_used,
            reason = "the template is a constant, and every test of `run` uses it"
        )]
        let style = ProgressStyle::with_template(TEMPLATE).expect("the template is valid");
        let is_dumb = variable("TERM").is_some_and(|terminal| terminal == "dumb");
        let target = if is_dumb || !Term::stderr().is_term() {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::term_like_with_hz(Box::new(Narrow(Term::stderr())), DRAWS)
        };
        let bar = ProgressBar::with_draw_target(Some(0), target).with_style(style);
        bar.enable_steady_tick(Duration::from_millis(100));
        Self {
            bar,
            terminal: Narrow(Term::stderr()),
            printed: Mutex::new(Instant::now()),
        }
    }

    /// Shows how far the run has come, and how fast it goes.
    pub(crate) fn show(&self, position: &Position, speed: &Speed) {
        self.bar.set_length(position.published.max(1));
        self.bar.set_position(position.settled);
        if !self.bar.is_hidden() {
            let columns = usize::from(self.terminal.width());
            let room = columns.saturating_sub(COLUMNS_BEFORE + 1);
            self.bar.set_message(fitting(&parts(position, speed), room));
            return;
        }
        let mut printed = self.printed.lock();
        if printed.elapsed() >= LINE_INTERVAL {
            *printed = Instant::now();
            let seconds = self.bar.elapsed().as_secs();
            let all = usize::MAX;
            print::note(format_args!(
                "{seconds} s: {}",
                fitting(&parts(position, speed), all)
            ));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// What there is to say, the most important first. A number that is zero is left out.
fn parts(position: &Position, speed: &Speed) -> Vec<String> {
    let waiting = position.published.saturating_sub(position.settled);
    let mut parts = Vec::new();
    if speed.accepted > 0 {
        let accepted = HumanCount(speed.accepted);
        parts.push(match speed.limit {
            Some(limit) => format!("{accepted}/s of {}", HumanCount(limit)),
            None => format!("{accepted}/s"),
        });
    }
    if let Some(seconds) = waiting.checked_div(speed.accepted).filter(|_| waiting > 0) {
        parts.push(format!("{seconds} s left"));
    }
    let not_accepted = (position.not_accepted, "not accepted");
    for (n, name) in [(waiting, "waiting"), not_accepted] {
        if n > 0 {
            parts.push(format!("{} {name}", HumanCount(n)));
        }
    }
    if position.published < position.rows {
        let rows = count(position.rows, "row", "rows");
        parts.push(format!(
            "{} of {rows} published",
            HumanCount(position.published)
        ));
    }
    if speed.retries > 0 {
        parts.push(count(speed.retries, "retry", "retries"));
    }
    parts
}

/// The first parts, as many as fit into so many columns.
fn fitting(parts: &[String], columns: usize) -> String {
    let mut line = String::new();
    for part in parts {
        let longer = if line.is_empty() {
            part.clone()
        } else {
            format!("{line} · {part}")
        };
        if longer.chars().count() > columns {
            break;
        }
        line = longer;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIDDLE: Position = Position {
        rows: 1_200_000,
        published: 1_100_000,
        settled: 200_000,
        not_accepted: 1_234,
    };
    const FAST: Speed = Speed {
        accepted: 99_958,
        limit: Some(100_000),
        retries: 12,
    };

    #[test]
    fn the_line_says_what_a_person_waits_for() {
        let all = fitting(&parts(&MIDDLE, &FAST), usize::MAX);
        assert_eq!(
            all,
            "99,958/s of 100,000 · 9 s left · 900,000 waiting · 1,234 not accepted \
             · 1,100,000 of 1,200,000 rows published · 12 retries"
        );
        let begin = Position {
            rows: 1,
            ..Position::default()
        };
        let speed = Speed {
            accepted: 0,
            limit: None,
            retries: 1,
        };
        let begin = fitting(&parts(&begin, &speed), usize::MAX);
        assert_eq!(begin, "0 of 1 row published · 1 retry");
    }

    #[test]
    fn the_line_fits_80_columns_and_has_no_half_number() {
        let parts = parts(&MIDDLE, &FAST);
        let line = fitting(&parts, 80 - 3 - COLUMNS_BEFORE - 1);
        assert_eq!(line, "99,958/s of 100,000 · 9 s left · 900,000 waiting");
        for columns in 0..200 {
            let line = fitting(&parts, columns);
            assert!(line.chars().count() <= columns, "{columns}: {line}");
            let is_whole = line
                .split(" · ")
                .all(|part| part.is_empty() || parts.iter().any(|whole| whole == part));
            assert!(is_whole, "{columns}: {line}");
        }
    }
}

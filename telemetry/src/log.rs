//! The log of both functions: one JSON line an event, at the level that Lambda's settings say.
//!
//! The runtime's own subscriber is not used: its lines have no timestamp, it nests what is said under `fields`, and it lets
//! `RUST_LOG` win over the function's settings. Here `AWS_LAMBDA_LOG_LEVEL` and `AWS_LAMBDA_LOG_FORMAT` decide alone.
//! <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-advanced.html>
//!
//! Other people's crates never say more than `INFO`, whatever the level: some write whole requests at `DEBUG` and `TRACE`,
//! and in ours those hold recipients, texts and tokens.

use std::io;

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// Our own crates, which know what they must not say.
const OURS: [&str; 3] = ["fanline", "producer", "consumer"];

/// Logs to standard output from here on, as the variables that `lookup` finds say. Does nothing where a log is set up
/// already.
///
/// A panic is logged too, with its place and without its words, which may hold whatever the code had in hand.
pub fn init(lookup: impl Fn(&str) -> Option<String>) {
    if subscriber(lookup, io::stdout).try_init().is_ok() {
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string);
            tracing::error!(place, "panic");
        }));
    }
}

/// The subscriber that [`init`] sets up, writing to `writer`.
pub fn subscriber<W>(
    lookup: impl Fn(&str) -> Option<String>,
    writer: W,
) -> impl Subscriber + Send + Sync
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let level = level(lookup("AWS_LAMBDA_LOG_LEVEL").as_deref());
    let format = tracing_subscriber::fmt::layer()
        .with_writer(writer)
        .with_ansi(false);
    let text =
        lookup("AWS_LAMBDA_LOG_FORMAT").is_some_and(|format| format.eq_ignore_ascii_case("text"));
    let format = if text {
        format.boxed()
    } else {
        format
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .boxed()
    };
    let targets = Targets::new()
        .with_default(level.min(LevelFilter::INFO))
        .with_targets(OURS.map(|ours| (ours, level)));
    tracing_subscriber::registry().with(format.with_filter(targets))
}

/// The level of Lambda's setting; `INFO` where it is not set or not known. `FATAL` has no counterpart: errors are the least.
fn level(setting: Option<&str>) -> LevelFilter {
    match setting.map(str::to_ascii_uppercase).as_deref() {
        Some("TRACE") => LevelFilter::TRACE,
        Some("DEBUG") => LevelFilter::DEBUG,
        Some("WARN") => LevelFilter::WARN,
        Some("ERROR" | "FATAL") => LevelFilter::ERROR,
        _ => LevelFilter::INFO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(variables: &[(&str, &str)], say: impl FnOnce()) -> String {
        let kept = Kept::default();
        let writer = kept.clone();
        let lookup = |name: &str| {
            let (_, value) = variables.iter().find(|(key, _)| *key == name)?;
            Some((*value).to_owned())
        };
        let subscriber = subscriber(lookup, move || writer.clone());
        tracing::subscriber::with_default(subscriber, say);
        let bytes = kept.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_line_is_flat_json_with_time_and_level() {
        let line = logged(&[], || {
            tracing::info!(target: "consumer", status = 200, "asked");
        });
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["message"], "asked");
        assert_eq!(line["status"], 200);
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
    }

    #[test]
    fn the_level_is_lambdas() {
        for (level, lines) in [
            ("TRACE", 5),
            ("debug", 4),
            ("INFO", 3),
            ("", 3),
            ("WARN", 2),
            ("ERROR", 1),
            ("FATAL", 1),
        ] {
            let log = logged(
                &[("AWS_LAMBDA_LOG_LEVEL", level), ("RUST_LOG", "off")],
                || {
                    tracing::trace!(target: "fanline_consumer::line", "a");
                    tracing::debug!(target: "fanline_consumer::line", "a");
                    tracing::info!(target: "fanline_consumer::line", "a");
                    tracing::warn!(target: "fanline_consumer::line", "a");
                    tracing::error!(target: "fanline_consumer::line", "a");
                },
            );
            assert_eq!(log.lines().count(), lines, "{level}");
        }
    }

    #[test]
    fn other_crates_keep_their_requests_to_themselves() {
        let log = logged(&[("AWS_LAMBDA_LOG_LEVEL", "TRACE")], || {
            tracing::debug!(target: "aws_smithy_runtime", "the whole request");
            tracing::trace!(target: "lambda_runtime", "the whole event");
            tracing::info!(target: "lambda_runtime", "fine");
        });
        assert_eq!(log.lines().count(), 1);
    }

    #[test]
    fn text_is_text() {
        let log = logged(&[("AWS_LAMBDA_LOG_FORMAT", "Text")], || {
            tracing::info!(target: "consumer", "asked");
        });
        assert!(log.contains("INFO") && !log.starts_with('{'), "{log}");
    }
}

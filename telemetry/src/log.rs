//! The log of the functions: one JSON line for each event, at the level of Lambda's settings.
//!
//! The runtime's own subscriber is not used. Its lines have no timestamp, and the fields stand one
//! level down, under `fields`. It also lets `RUST_LOG` win over the function's settings. Here only
//! `AWS_LAMBDA_LOG_LEVEL` and `AWS_LAMBDA_LOG_FORMAT` count.
//! <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-advanced.html>
//!
//! Other crates never log at `DEBUG` or `TRACE`, whatever the level. Some of them log whole
//! requests there, and our requests hold recipients, texts and tokens.

use std::io;

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// The targets of our own crates begin with one of these. They log no recipient, text or token.
const OUR_TARGETS: [&str; 4] = ["fanline", "producer", "consumer", "bookkeeper"];

const LEVEL: &str = "AWS_LAMBDA_LOG_LEVEL";
const FORMAT: &str = "AWS_LAMBDA_LOG_FORMAT";

/// Logs to standard output from now on, with the settings that `lookup` finds. Does nothing if the
/// process has a subscriber already.
///
/// A panic is logged too, with its place in the code. Its message is left out, because it can hold
/// any data that the code was working on.
pub fn init(lookup: impl Fn(&str) -> Option<String>) {
    let settings = LogSettings::from_lookup(lookup);
    if settings.subscriber(io::stdout).try_init().is_err() {
        return;
    }
    for variable in settings.unknown {
        tracing::warn!(variable, "log setting not known, default used");
    }
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "panic");
    }));
}

/// The subscriber that [`init`] sets up, writing to `writer`.
pub fn subscriber<W>(
    lookup: impl Fn(&str) -> Option<String>,
    writer: W,
) -> impl Subscriber + Send + Sync
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    LogSettings::from_lookup(lookup).subscriber(writer)
}

/// What Lambda's two variables say.
#[derive(Debug, PartialEq, Eq)]
struct LogSettings {
    level: LevelFilter,
    is_text: bool,
    /// The variables whose value Lambda does not document. Their default is used.
    unknown: Vec<&'static str>,
}

impl LogSettings {
    fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let value = |variable| lookup(variable).map(|value| value.to_ascii_uppercase());
        let level = match value(LEVEL).as_deref() {
            Some("TRACE") => Some(LevelFilter::TRACE),
            Some("DEBUG") => Some(LevelFilter::DEBUG),
            None | Some("" | "INFO") => Some(LevelFilter::INFO),
            Some("WARN") => Some(LevelFilter::WARN),
            // `tracing` has no level above ERROR.
            Some("ERROR" | "FATAL") => Some(LevelFilter::ERROR),
            Some(_) => None,
        };
        let is_text = match value(FORMAT).as_deref() {
            None | Some("" | "JSON") => Some(false),
            Some("TEXT") => Some(true),
            Some(_) => None,
        };
        let unknown = [(LEVEL, level.is_none()), (FORMAT, is_text.is_none())]
            .into_iter()
            .filter_map(|(variable, is_unknown)| is_unknown.then_some(variable))
            .collect();
        Self {
            level: level.unwrap_or(LevelFilter::INFO),
            is_text: is_text.unwrap_or(false),
            unknown,
        }
    }

    fn subscriber<W>(&self, writer: W) -> impl Subscriber + Send + Sync + use<W>
    where
        W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
    {
        let format = tracing_subscriber::fmt::layer()
            .with_writer(writer)
            .with_ansi(false);
        let format = if self.is_text {
            format.boxed()
        } else {
            format
                .json()
                .flatten_event(true)
                .with_span_list(false)
                .boxed()
        };
        let targets = Targets::new()
            .with_default(self.level.min(LevelFilter::INFO))
            .with_targets(OUR_TARGETS.map(|target| (target, self.level)));
        tracing_subscriber::registry().with(format.with_filter(targets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct LogBuffer(Arc<Mutex<Vec<u8>>>);

    impl io::Write for LogBuffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn lookup(variables: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        let variables: Vec<_> = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        move |name| {
            let (_, value) = variables.iter().find(|(key, _)| key == name)?;
            Some(value.clone())
        }
    }

    fn logged(variables: &[(&str, &str)], log: impl FnOnce()) -> String {
        let buffer = LogBuffer::default();
        let writer = buffer.clone();
        let subscriber = subscriber(lookup(variables), move || writer.clone());
        tracing::subscriber::with_default(subscriber, log);
        let bytes = buffer.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_line_is_flat_json_with_time_and_level() {
        let line = logged(&[], || {
            tracing::info!(target: "consumer", status = 200, "LINE request");
        });
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["message"], "LINE request");
        assert_eq!(line["status"], 200);
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
    }

    #[test]
    fn lambdas_variable_sets_the_level() {
        for (level, lines) in [
            ("TRACE", 5),
            ("debug", 4),
            ("INFO", 3),
            ("", 3),
            ("LOUD", 3),
            ("WARN", 2),
            ("ERROR", 1),
            ("FATAL", 1),
        ] {
            let log = logged(&[(LEVEL, level), ("RUST_LOG", "off")], || {
                tracing::trace!(target: "fanline_consumer::line", "a");
                tracing::debug!(target: "fanline_consumer::line", "a");
                tracing::info!(target: "fanline_consumer::line", "a");
                tracing::warn!(target: "fanline_consumer::line", "a");
                tracing::error!(target: "fanline_consumer::line", "a");
            });
            assert_eq!(log.lines().count(), lines, "{level}");
        }
    }

    #[test]
    fn other_crates_log_nothing_below_info() {
        let log = logged(&[(LEVEL, "TRACE")], || {
            tracing::debug!(target: "aws_smithy_runtime", "a whole request");
            tracing::trace!(target: "lambda_runtime", "a whole event");
            tracing::info!(target: "lambda_runtime", "fine");
        });
        assert_eq!(log.lines().count(), 1);
    }

    #[test]
    fn the_text_format_is_not_json() {
        let log = logged(&[(FORMAT, "Text")], || {
            tracing::info!(target: "consumer", "LINE request");
        });
        assert!(log.contains("INFO") && !log.starts_with('{'), "{log}");
    }

    #[test]
    fn a_value_that_lambda_does_not_document_is_named_and_the_default_is_used() {
        let defaults = LogSettings {
            level: LevelFilter::INFO,
            is_text: false,
            unknown: Vec::new(),
        };
        assert_eq!(LogSettings::from_lookup(|_| None), defaults);
        assert_eq!(
            LogSettings::from_lookup(lookup(&[(LEVEL, "info"), (FORMAT, "JSON")])),
            defaults
        );
        assert_eq!(
            LogSettings::from_lookup(lookup(&[(LEVEL, "LOUD"), (FORMAT, "XML")])),
            LogSettings {
                unknown: vec![LEVEL, FORMAT],
                ..defaults
            }
        );
    }
}

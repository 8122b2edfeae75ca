//! The consumer's environment variables, read once at the cold start.
//!
//! # Layout
//! - `access`: how LINE is reached
//! - `number`: rates and times

mod access;
mod number;

use std::num::NonZeroU32;
use std::time::Duration;

use fanline_core::limits::line::{MULTICAST_PER_SECOND, PUSH_PER_SECOND};
use fanline_core::settings::{Reader, SettingsError};
use fanline_ledger::ControlPlace;
use fanline_seal::KeyArn;
use secrecy::SecretString;

pub use crate::settings::access::LineAccess;
pub(crate) use crate::settings::access::{TokenSource, fits_in_a_header};
use crate::settings::access::{base, line_api_base, request_timeout, token};
use crate::settings::number::{rate, seconds};

/// LINE's limits are for the channel, over all machines, and an environment may use only its share:
/// the limit divided by so many environments, where `ENVIRONMENTS` is not set.
/// <https://developers.line.biz/en/reference/messaging-api/#rate-limits>
const DEFAULT_ENVIRONMENTS: u32 = 10;
/// LINE Notify publishes a limit for each token (1,000 an hour) and none for the sender. This one
/// keeps a small server from being flooded.
const NOTIFY_LIMIT: f64 = 200.0;
/// The control object is not read more often.
const MIN_CONTROL_SECONDS: f64 = 0.05;

/// What the consumer needs to know before its first record.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `LINE_CHANNEL_ACCESS_TOKEN`, `LINE_CHANNEL_ACCESS_TOKEN_SECRET_ARN`, or `LINE_CHANNEL_ID`
    /// with `LINE_CHANNEL_SECRET`.
    pub(crate) token: TokenSource,
    /// `LINE_API_BASE`: scheme and host of the Messaging API, without a slash at the end.
    pub(crate) line_api_base: String,
    /// `LINE_NOTIFY_API_BASE`: the same for LINE Notify.
    pub(crate) line_notify_api_base: String,
    /// `DEAD_LETTER_QUEUE_URL`: where deliveries are set aside.
    pub(crate) dead_letter_queue_url: String,
    /// `DELIVERY_QUEUE_URL`: the queue that the records come from. Without it, the records' ARN is
    /// looked up.
    pub(crate) delivery_queue_url: Option<String>,
    /// `URGENT_QUEUE_URL`: the queue of the urgent lane, from which records come too.
    pub(crate) urgent_queue_url: Option<String>,
    /// `OUTCOME_QUEUE_URL`: where the ledger hears what became of deliveries. Without it nobody is
    /// told.
    pub(crate) outcome_queue_url: Option<String>,
    /// `PARKED_QUEUE_URL`: where deliveries of a paused run go while others go on. Without it they
    /// wait in the delivery queue.
    pub(crate) parked_queue_url: Option<String>,
    /// `CONTROL_URI`: the control object, `s3://BUCKET/control/control.json` or on one machine
    /// `file:///FOLDER/control/control.json`. Without it everything is sent.
    pub(crate) control: Option<ControlPlace>,
    /// `CONTROL_SECONDS`: the control object is read when it is so old, and four times as often
    /// while a multicast is in hand.
    pub(crate) control_period: Duration,
    /// `ENVIRONMENTS` and `URGENT_ENVIRONMENTS` together: how many environments share LINE's
    /// limits, and what an operator sets.
    pub(crate) environments: u32,
    /// `SHARE_PACE`: whether the workers share the limits by leases beside the control object. Then
    /// `ENVIRONMENTS` is not used.
    pub(crate) shares_pace: bool,
    /// This environment's share of LINE's limit, in requests a second: `LINE_PUSH_LIMIT` divided by
    /// them, or `PUSH_PER_SECOND`.
    pub(crate) push_per_second: f64,
    /// The same for multicasts, of `LINE_MULTICAST_LIMIT`, or `MULTICAST_PER_SECOND`.
    pub(crate) multicast_per_second: f64,
    /// The same for LINE Notify, of a limit of our own, or `NOTIFY_PER_SECOND`.
    pub(crate) notify_per_second: f64,
    /// `REQUEST_TIMEOUT_SECONDS`: no request takes longer.
    pub(crate) request_timeout: Duration,
    /// `RETRY_BASE_SECONDS`: the longest wait before the second attempt. It doubles with each
    /// further attempt.
    pub(crate) retry_base: Duration,
    /// `MAX_RECEIVE_COUNT`: the delivery queue's `maxReceiveCount`. At this receive a delivery that
    /// has no outcome is set aside with its reason. SQS would do it without one.
    pub(crate) max_receive_count: u32,
    /// `SEAL_KEY_ARN`: the KMS key that the producer seals deliveries with. Where it is set,
    /// nothing else is sent.
    pub(crate) seal_key: Option<KeyArn>,
    /// `LOG_HASH_KEY`: keys the hashes that stand for recipients in the log. Without it, the name
    /// of the run does.
    pub(crate) log_hash_key: Option<SecretString>,
    /// Whether Lambda runs it: `AWS_LAMBDA_FUNCTION_NAME` is set.
    pub(crate) is_on_lambda: bool,
    /// A dimension of the metrics: the alarms of a stack look for it. `AWS_LAMBDA_FUNCTION_NAME`,
    /// which Lambda sets; elsewhere `CONSUMER_FUNCTION`, the consumer whose place it takes.
    pub(crate) function: String,
}

impl Settings {
    /// Where requests go, and how many a second at most, for a person.
    pub fn in_words(&self) -> String {
        format!(
            "to {}, at most {} pushes and {} multicasts a second",
            self.line_api_base, self.push_per_second, self.multicast_per_second
        )
    }

    /// Reads every variable through `lookup` and reports all problems together.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let mut all = Reader::new(lookup);
        let reader = &mut all;
        let token = token(reader);
        let line_api_base = line_api_base(reader);
        let line_notify_api_base =
            base(reader, "LINE_NOTIFY_API_BASE", "https://notify-api.line.me");
        let dead_letter_queue_url = reader.required("DEAD_LETTER_QUEUE_URL");
        let delivery_queue_url = reader.optional("DELIVERY_QUEUE_URL");
        let urgent_queue_url = reader.optional("URGENT_QUEUE_URL");
        let parked_queue_url = reader.optional("PARKED_QUEUE_URL");
        let control: Option<ControlPlace> = reader.optional("CONTROL_URI");
        let control_period = seconds(reader, "CONTROL_SECONDS", 1.0, MIN_CONTROL_SECONDS);
        let outcome_queue_url = reader.optional("OUTCOME_QUEUE_URL");
        let shares_pace = reader.optional("SHARE_PACE").unwrap_or(false);
        if shares_pace {
            refuse_other_shares(reader, control.is_some());
        }
        let environments = if shares_pace { 1 } else { environments(reader) };
        let push_limit = rate(reader, "LINE_PUSH_LIMIT", PUSH_PER_SECOND.into());
        let multicast_limit = rate(reader, "LINE_MULTICAST_LIMIT", MULTICAST_PER_SECOND.into());
        let share = |limit: f64| limit / f64::from(environments);
        let push_per_second = rate(reader, "PUSH_PER_SECOND", share(push_limit));
        let multicast_per_second = rate(reader, "MULTICAST_PER_SECOND", share(multicast_limit));
        let notify_per_second = rate(reader, "NOTIFY_PER_SECOND", share(NOTIFY_LIMIT));
        let request_timeout = request_timeout(reader);
        let retry_base = seconds(reader, "RETRY_BASE_SECONDS", 2.0, 0.0);
        let max_receive_count = reader.optional("MAX_RECEIVE_COUNT").unwrap_or(20);
        let seal_key = reader.optional("SEAL_KEY_ARN");
        let log_hash_key = reader.optional::<String>("LOG_HASH_KEY").map(Into::into);
        let on_lambda: Option<String> = reader.optional("AWS_LAMBDA_FUNCTION_NAME");
        let in_its_place: Option<String> = reader.optional("CONSUMER_FUNCTION");
        let settings = dead_letter_queue_url.map(|dead_letter_queue_url| Self {
            token,
            line_api_base,
            line_notify_api_base,
            dead_letter_queue_url,
            delivery_queue_url,
            urgent_queue_url,
            outcome_queue_url,
            parked_queue_url,
            control,
            control_period,
            environments,
            shares_pace,
            push_per_second,
            multicast_per_second,
            notify_per_second,
            request_timeout,
            retry_base,
            max_receive_count,
            seal_key,
            log_hash_key,
            is_on_lambda: on_lambda.is_some(),
            function: on_lambda
                .or(in_its_place)
                .unwrap_or_else(|| "consumer".into()),
        });
        all.finish(settings)
    }
}

/// Leases divide the limits, and nothing else may.
fn refuse_other_shares<F: Fn(&str) -> Option<String>>(reader: &mut Reader<F>, has_control: bool) {
    if !has_control {
        reader.problem(
            "`SHARE_PACE` is set, but `CONTROL_URI` is not: the workers' leases are beside the \
             control object"
                .into(),
        );
    }
    for name in ["PUSH_PER_SECOND", "MULTICAST_PER_SECOND", "ENVIRONMENTS"] {
        if reader.optional::<String>(name).is_some() {
            reader.problem(format!(
                "`SHARE_PACE` and `{name}` exclude each other: set `LINE_PUSH_LIMIT` and \
                 `LINE_MULTICAST_LIMIT`, which the workers share"
            ));
        }
    }
}

/// Either lane may have all of its environments busy at once, so their numbers are added.
fn environments<F: Fn(&str) -> Option<String>>(reader: &mut Reader<F>) -> u32 {
    let bulk = reader.optional("ENVIRONMENTS");
    let bulk = bulk.map_or(DEFAULT_ENVIRONMENTS, NonZeroU32::get);
    let urgent: Option<u32> = reader.optional("URGENT_ENVIRONMENTS");
    bulk.saturating_add(urgent.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        Settings::from_lookup(lookup(variables))
    }

    fn lookup(variables: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        |name| {
            let set = variables.iter().find(|(key, _)| *key == name);
            set.map(|(_, value)| (*value).to_owned())
        }
    }

    #[test]
    fn the_dead_letter_queue_is_all_that_must_be_set() {
        let settings = read(&[("DEAD_LETTER_QUEUE_URL", "http://q/dlq")]).unwrap();
        assert!(matches!(settings.token, TokenSource::None));
        assert_eq!(settings.line_api_base, "https://api.line.me");
        assert_eq!(settings.line_notify_api_base, "https://notify-api.line.me");
        assert_eq!(settings.request_timeout, Duration::from_secs(10));
        assert_eq!(settings.max_receive_count, 20);
    }

    #[test]
    fn a_request_that_sends_nothing_needs_a_token_and_no_queue() {
        for (variables, problem) in [
            (vec![("LINE_CHANNEL_ACCESS_TOKEN", "t")], ""),
            (vec![("LINE_CHANNEL_ACCESS_TOKEN_SECRET_ARN", "arn")], ""),
            (vec![], "`LINE_CHANNEL_ACCESS_TOKEN` is not set"),
            (
                vec![("LINE_CHANNEL_ACCESS_TOKEN", "")],
                "`LINE_CHANNEL_ACCESS_TOKEN` is not set",
            ),
            (
                vec![("LINE_CHANNEL_ID", "1")],
                "`LINE_CHANNEL_ID` and `LINE_CHANNEL_SECRET` go together",
            ),
        ] {
            let access = LineAccess::from_lookup(lookup(&variables));
            let error = access.map_or_else(|error| error.to_string(), |_| String::new());
            assert_eq!(error, problem, "{variables:?}");
        }
    }

    #[test]
    fn a_base_loses_its_last_slash() {
        for (base, expected) in [
            ("http://127.0.0.1:9/line/", "http://127.0.0.1:9/line"),
            ("https://api.line.me", "https://api.line.me"),
            (" https://api.line.me/ ", "https://api.line.me"),
        ] {
            let settings = read(&[
                ("DEAD_LETTER_QUEUE_URL", "http://q/dlq"),
                ("LINE_API_BASE", base),
            ])
            .unwrap();
            assert_eq!(settings.line_api_base, expected);
        }
    }

    #[test]
    fn the_token_goes_over_https_unless_line_is_on_this_machine() {
        for (base, fits) in [
            ("https://api.line.me", true),
            ("http://api.line.me", false),
            ("http://10.0.0.1:80", false),
            ("http://localhost.example.com", false),
            ("http://localhost:5102", true),
            ("http://127.8.8.8", true),
            ("http://[::1]:5102", true),
            ("http://host.docker.internal:5102", true),
        ] {
            let queue = ("DEAD_LETTER_QUEUE_URL", "http://q/dlq");
            let settings = read(&[queue, ("LINE_API_BASE", base)]);
            assert_eq!(settings.is_ok(), fits, "{base}");
        }
    }

    #[test]
    fn every_problem_is_named_at_once_and_no_secret_is_repeated() {
        let error = read(&[
            ("LINE_API_BASE", "api.line.me"),
            ("PUSH_PER_SECOND", "0"),
            ("MULTICAST_PER_SECOND", "NaN"),
            ("REQUEST_TIMEOUT_SECONDS", "soon"),
            ("LINE_CHANNEL_ACCESS_TOKEN", "hush hush"),
            ("LINE_CHANNEL_ID", "1"),
            ("SEAL_KEY_ARN", "alias/mine"),
        ])
        .unwrap_err()
        .to_string();
        for name in [
            "LINE_API_BASE",
            "PUSH_PER_SECOND",
            "MULTICAST_PER_SECOND",
            "REQUEST_TIMEOUT_SECONDS",
            "LINE_CHANNEL_ACCESS_TOKEN",
            "LINE_CHANNEL_SECRET",
            "SEAL_KEY_ARN",
            "DEAD_LETTER_QUEUE_URL",
        ] {
            assert!(error.contains(name), "{name}: {error}");
        }
        assert!(!error.contains("hush"), "{error}");
    }

    #[test]
    fn outside_lambda_the_metrics_have_the_name_of_the_function_that_is_replaced() {
        let (lambda, worker) = ("AWS_LAMBDA_FUNCTION_NAME", "CONSUMER_FUNCTION");
        for (variables, function, is_on_lambda) in [
            (&[][..], "consumer", false),
            (&[(worker, "fanline-consumer")], "fanline-consumer", false),
            (&[(worker, "")], "consumer", false),
            (&[(lambda, "mine")], "mine", true),
            (&[(lambda, "mine"), (worker, "other")], "mine", true),
        ] {
            let queue = ("DEAD_LETTER_QUEUE_URL", "http://q/dlq");
            let settings = read(&[&[queue], variables].concat()).unwrap();
            assert_eq!(settings.function, function, "{variables:?}");
            assert_eq!(settings.is_on_lambda, is_on_lambda, "{variables:?}");
        }
    }

    #[test]
    fn two_sources_of_the_token_exclude_each_other() {
        let error = read(&[
            ("DEAD_LETTER_QUEUE_URL", "http://q/dlq"),
            ("LINE_CHANNEL_ACCESS_TOKEN", "a"),
            ("LINE_CHANNEL_ACCESS_TOKEN_SECRET_ARN", "arn"),
        ])
        .unwrap_err();
        assert!(error.to_string().contains("only one of"), "{error}");
    }

    #[test]
    fn the_environments_share_the_limits() {
        const QUEUE: (&str, &str) = ("DEAD_LETTER_QUEUE_URL", "http://q/dlq");
        for (variables, push, multicast, notify) in [
            (&[][..], 200.0, 20.0, 20.0),
            (&[("ENVIRONMENTS", "40")], 50.0, 5.0, 5.0),
            // 24 and 32 are numbers of environments like any other.
            (&[("ENVIRONMENTS", "32")], 62.5, 6.25, 6.25),
            // Two stacks on one channel.
            (
                &[
                    ("ENVIRONMENTS", "40"),
                    ("LINE_PUSH_LIMIT", "1000"),
                    ("LINE_MULTICAST_LIMIT", "100"),
                ],
                25.0,
                2.5,
                5.0,
            ),
            // An urgent lane beside them.
            (
                &[("ENVIRONMENTS", "38"), ("URGENT_ENVIRONMENTS", "2")],
                50.0,
                5.0,
                5.0,
            ),
            // A share that is set is not divided.
            (
                &[("ENVIRONMENTS", "40"), ("PUSH_PER_SECOND", "7")],
                7.0,
                5.0,
                5.0,
            ),
        ] {
            let settings = read(&[&[QUEUE], variables].concat()).unwrap();
            let shares = [
                settings.push_per_second,
                settings.multicast_per_second,
                settings.notify_per_second,
            ];
            for (share, expected) in shares.into_iter().zip([push, multicast, notify]) {
                assert!((share - expected).abs() < 1e-9, "{variables:?}: {shares:?}");
            }
        }
        assert!(read(&[QUEUE, ("ENVIRONMENTS", "0")]).is_err());
    }

    #[test]
    fn shares_may_be_fractions() {
        let settings = read(&[
            ("DEAD_LETTER_QUEUE_URL", "http://q/dlq"),
            ("MULTICAST_PER_SECOND", "0.2"),
        ])
        .unwrap();
        assert!((settings.multicast_per_second - 0.2).abs() < 1e-9);
    }
}

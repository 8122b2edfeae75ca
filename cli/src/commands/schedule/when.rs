//! When a schedule fires.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// An expression of EventBridge Scheduler with its time zone.
/// <https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html>
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct When {
    pub(crate) expression: String,
    pub(crate) time_zone: String,
    /// The one time at which it fires. `cron` and `rate` have none.
    pub(crate) once: Option<Timestamp>,
}

/// Why an expression can't be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WhenError {
    #[error("`{0}` is not a time zone such as Asia/Taipei")]
    TimeZone(String),
    #[error("`{0}` is not cron(…), rate(…) or at(…)")]
    Form(String),
    #[error("`{0}` has no six fields: minutes hours day-of-month month day-of-week year")]
    Cron(String),
    #[error("`{0}` is not a rate such as rate(1 day): a number, then minutes, hours or days")]
    Rate(String),
    #[error("`{0}` is not a time such as at(2026-12-25T08:00:00)")]
    At(String),
}

impl When {
    /// Checks what can be checked here. EventBridge Scheduler checks the fields of `cron`.
    pub(crate) fn new(expression: &str, time_zone: &str) -> Result<Self, WhenError> {
        let zone =
            TimeZone::get(time_zone).map_err(|_| WhenError::TimeZone(time_zone.to_owned()))?;
        let given = || expression.to_owned();
        let inside = |form: &str| {
            let rest = expression.strip_prefix(form)?.strip_prefix('(')?;
            rest.strip_suffix(')')
        };
        let mut once = None;
        if let Some(fields) = inside("cron") {
            if fields.split_whitespace().count() != 6 {
                return Err(WhenError::Cron(given()));
            }
        } else if let Some(rate) = inside("rate") {
            if !is_rate(rate) {
                return Err(WhenError::Rate(given()));
            }
        } else if let Some(at) = inside("at") {
            let local = DateTime::from_str(at).map_err(|_| WhenError::At(given()))?;
            let zoned = local.to_zoned(zone).map_err(|_| WhenError::At(given()))?;
            once = Some(zoned.timestamp());
        } else {
            return Err(WhenError::Form(given()));
        }
        Ok(Self {
            expression: given(),
            time_zone: time_zone.to_owned(),
            once,
        })
    }

    /// Whether it can't fire any more.
    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        self.once.is_some_and(|once| once <= now)
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.expression, self.time_zone)
    }
}

fn is_rate(rate: &str) -> bool {
    let units = ["minute", "minutes", "hour", "hours", "day", "days"];
    rate.split_once(' ')
        .is_some_and(|(number, unit)| is_positive(number) && units.contains(&unit))
}

fn is_positive(number: &str) -> bool {
    number.parse::<u32>().is_ok_and(|number| number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cron_and_rate_have_no_end_and_at_has_one() {
        for expression in [
            "cron(0 8 * * ? *)",
            "cron(0 8 ? * MON-FRI *)",
            "rate(1 day)",
        ] {
            let when = When::new(expression, "Asia/Taipei").unwrap();
            assert_eq!(when.once, None, "{expression}");
            assert!(!when.is_over(Timestamp::MAX));
        }
        let when = When::new("at(2026-12-25T08:00:00)", "Asia/Taipei").unwrap();
        let once: Timestamp = "2026-12-25T00:00:00Z".parse().unwrap();
        assert_eq!(when.once, Some(once));
        assert!(when.is_over(once));
        assert!(!when.is_over("2026-12-24T23:59:59Z".parse().unwrap()));
        assert_eq!(when.to_string(), "at(2026-12-25T08:00:00) in Asia/Taipei");
    }

    #[test]
    fn an_expression_that_cannot_fire_is_refused() {
        use WhenError::{At, Cron, Form, Rate, TimeZone};
        type Refusal = fn(String) -> WhenError;
        let cases: [(&str, Refusal); 9] = [
            ("", Form),
            ("every day", Form),
            ("cron(0", Form),
            ("cron(0 8 * * *)", Cron),
            ("rate(0 days)", Rate),
            ("rate(1 week)", Rate),
            ("rate(1day)", Rate),
            ("at(tomorrow)", At),
            ("at(2026-02-30T08:00:00)", At),
        ];
        for (expression, refusal) in cases {
            let refused = When::new(expression, "UTC").unwrap_err();
            assert_eq!(refused, refusal(expression.to_owned()));
        }
        let refused = When::new("rate(1 day)", "Taipei").unwrap_err();
        assert_eq!(refused, TimeZone("Taipei".to_owned()));
    }
}

//! The filter `datetimeformat`: a date of a list, written as people read it.

use jiff::SignedDuration;
use jiff::civil::DateTime;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::fmt::temporal::{Pieces, PiecesOffset};
use jiff::tz::Offset;
use minijinja::value::{Kwargs, Value};
use minijinja::{Error, ErrorKind};

use super::value::NoText;

const DEFAULT_FORMAT: &str = "%Y-%m-%d %H:%M";

/// Writes `value`, a date or a date and a time, in the form `format` (`%Y`, `%m`, `%d`, …).
///
/// `tz` is an offset such as `+08:00`. A time with an offset of its own is shown in `tz`. A time
/// without one is shown as it is.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the engine hands a filter its named arguments this way"
)]
pub(super) fn datetimeformat(
    value: &Value,
    format: Option<&str>,
    options: Kwargs,
) -> Result<String, Error> {
    let tz: Option<&str> = options.get("tz")?;
    options.assert_all_used()?;
    let tz = tz.map(offset).transpose()?;
    if value.is_undefined() {
        return Err(ErrorKind::UndefinedError.into());
    }
    let moment = value.as_str().and_then(Moment::read);
    let Moment { local, offset } = moment.ok_or(NoText::Date)?;
    let (local, offset) = match (offset, tz) {
        (Some(from), Some(to)) => (
            moved(local, i64::from(to.seconds()) - i64::from(from.seconds()))?,
            Some(to),
        ),
        (from, _) => (local, from),
    };
    let mut time = BrokenDownTime::from(local);
    time.set_offset(offset);
    let mut written = String::new();
    time.format(format.unwrap_or(DEFAULT_FORMAT), &mut written)
        .map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))?;
    Ok(written)
}

/// A date and a time, and their offset where the list has one.
struct Moment {
    local: DateTime,
    offset: Option<Offset>,
}

impl Moment {
    fn read(text: &str) -> Option<Self> {
        let (date, time) = match text.trim().split_once(['T', 't', ' ']) {
            Some((date, time)) => (date, format!("T{}", time.trim())),
            None => (text.trim(), String::new()),
        };
        // Spreadsheets write `2026/1/5`.
        let mut parts = date.splitn(3, ['-', '/']);
        let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
        let iso = format!("{year}-{month:0>2}-{day:0>2}{time}");
        let pieces = Pieces::parse(&iso).ok()?;
        let offset = match pieces.offset() {
            None => None,
            Some(PiecesOffset::Zulu) => Some(Offset::UTC),
            Some(PiecesOffset::Numeric(offset)) => Some(offset.offset()),
            Some(_) => return None,
        };
        let time = pieces.time().unwrap_or_default();
        Some(Self {
            local: pieces.date().to_datetime(time),
            offset,
        })
    }
}

fn offset(text: &str) -> Result<Offset, Error> {
    let parsed = BrokenDownTime::parse("%:z", text)
        .ok()
        .and_then(|time| time.offset());
    parsed.ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidOperation,
            "`tz` is not an offset such as `+08:00`",
        )
    })
}

fn moved(local: DateTime, seconds: i64) -> Result<DateTime, NoText> {
    local
        .checked_add(SignedDuration::from_secs(seconds))
        .map_err(|_| NoText::Date)
}

#[cfg(test)]
mod tests {
    use super::super::engine::engine;

    fn render(source: &str) -> Result<String, String> {
        engine()
            .render_str(source, ())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_date_is_written_in_the_form_that_the_template_names() {
        for (date, arguments, expected) in [
            ("2026-12-25", "('%Y/%m/%d')", "2026/12/25"),
            ("2026/12/25", "('%-m月%-d日')", "12月25日"),
            ("2026/1/5 08:30", "", "2026-01-05 08:30"),
            ("2026-12-25", "", "2026-12-25 00:00"),
            ("2026-12-25T08:30:59", "('%H:%M')", "08:30"),
            ("2026-12-25 08:30", "", "2026-12-25 08:30"),
            ("2026-12-25T08:30:00Z", "", "2026-12-25 08:30"),
            ("2026-12-25T20:00:00Z", "('%d %H', tz='+08:00')", "26 04"),
            (
                "2026-12-25T08:30+08:00",
                "(tz='+09:00')",
                "2026-12-25 09:30",
            ),
            ("2026-12-25T08:30", "(tz='+09:00')", "2026-12-25 08:30"),
            ("2026-12-25T08:30+08:00", "('%:z %w %a')", "+08:00 5 Fri"),
        ] {
            let source = format!("{{{{ '{date}'|datetimeformat{arguments} }}}}");
            assert_eq!(render(&source).as_deref(), Ok(expected), "{source}");
        }
    }

    #[test]
    fn what_is_no_date_or_no_form_is_an_error() {
        for source in [
            "{{ ''|datetimeformat }}",
            "{{ 'tomorrow'|datetimeformat }}",
            "{{ '2026-02-30'|datetimeformat }}",
            "{{ '12/25/2026'|datetimeformat }}",
            "{{ '1798156800'|datetimeformat }}",
            "{{ '2026-12-25'|datetimeformat('%Q') }}",
            "{{ '2026-12-25'|datetimeformat(tz='Taipei') }}",
            "{{ '2026-12-25'|datetimeformat(zone='+08:00') }}",
        ] {
            assert!(render(source).is_err(), "{source}");
        }
    }
}

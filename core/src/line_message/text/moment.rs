//! Dates and times of a date picker.

use jiff::civil::Date;

/// The form of a date picker's values, by its `mode`.
/// <https://developers.line.biz/en/reference/messaging-api/#datetime-picker-action>
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in super::super) enum Moment {
    Date,
    Time,
    DateTime,
}

impl Moment {
    pub(super) fn takes(self) -> &'static str {
        match self {
            Self::Date => "a date from `1900-01-01` to `2100-12-31`",
            Self::Time => "a time from `00:00` to `23:59`",
            Self::DateTime => "a date and time such as `2026-08-07T09:30`, from 1900 to 2100",
        }
    }

    pub(in super::super) fn fits(self, text: &str) -> bool {
        match self {
            Self::Date => is_date(text),
            Self::Time => is_time(text),
            Self::DateTime => text
                .split_once(['T', 't'])
                .is_some_and(|(date, time)| is_date(date) && is_time(time)),
        }
    }
}

fn is_date(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let mut number = |digits| parts.next().and_then(|part| digits_of(part, digits));
    let (Some(year), Some(month), Some(day)) = (number(4), number(2), number(2)) else {
        return false;
    };
    (1900..=2100).contains(&year)
        && i8::try_from(month).is_ok_and(|month| {
            i8::try_from(day).is_ok_and(|day| Date::new(year, month, day).is_ok())
        })
}

fn is_time(text: &str) -> bool {
    text.split_once(':').is_some_and(|(hour, minute)| {
        digits_of(hour, 2).is_some_and(|hour| hour < 24)
            && digits_of(minute, 2).is_some_and(|minute| minute < 60)
    })
}

fn digits_of(text: &str, digits: usize) -> Option<i16> {
    let fits = text.len() == digits && text.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_the_form_of_its_mode() {
        for (text, date, time, date_time) in [
            ("2017-06-18", true, false, false),
            ("2100-12-31", true, false, false),
            ("2101-01-01", false, false, false),
            ("1899-12-31", false, false, false),
            ("2023-02-29", false, false, false),
            ("2024-02-29", true, false, false),
            ("17-6-18", false, false, false),
            ("00:00", false, true, false),
            ("23:59", false, true, false),
            ("24:00", false, false, false),
            ("6:15", false, false, false),
            ("2017-06-18T06:15", false, false, true),
            ("2017-06-18t06:15", false, false, true),
            ("2017-06-18 06:15", false, false, false),
            ("2017-06-18T06:15:00", false, false, false),
            ("", false, false, false),
        ] {
            let found =
                [Moment::Date, Moment::Time, Moment::DateTime].map(|moment| moment.fits(text));
            assert_eq!(found, [date, time, date_time], "{text}");
        }
    }
}

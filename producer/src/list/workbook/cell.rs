//! A cell of a sheet as a field of CSV: as the sheet shows it, where that is known.

use calamine::{DataRef, ExcelDateTime};

/// Adds a cell to the row. `format` is the cell's number format, such as `0.00`.
pub(super) fn push(csv: &mut Vec<u8>, value: &DataRef<'_>, format: Option<&str>) {
    let text = match value {
        DataRef::Empty => return,
        DataRef::SharedString(text) => return push_field(csv, text),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            return push_field(csv, text);
        }
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => shown(*number, format),
        DataRef::Bool(true) => "TRUE".into(),
        DataRef::Bool(false) => "FALSE".into(),
        DataRef::DateTime(time) => moment(time),
        DataRef::Error(error) => error.to_string(),
    };
    push_field(csv, &text);
}

/// Adds a field with quotes where it needs them.
fn push_field(csv: &mut Vec<u8>, text: &str) {
    // A quote or a blank at the beginning would not be text to a reader of CSV.
    let is_plain = text.bytes().all(|byte| {
        !byte.is_ascii_punctuation() && !byte.is_ascii_control() || matches!(byte, b'-' | b'.')
    });
    if is_plain {
        csv.extend_from_slice(text.as_bytes());
        return;
    }
    csv.push(b'"');
    for part in text.split_inclusive('"') {
        csv.extend_from_slice(part.as_bytes());
        if part.ends_with('"') {
            csv.push(b'"');
        }
    }
    csv.push(b'"');
}

/// A number in the usual formats `0`, `00000`, `0.00` and `#,##0.00`. In any other one it has all
/// the digits that it needs, and no exponent.
fn shown(number: f64, format: Option<&str>) -> String {
    let Some(format) = format.and_then(NumberFormat::parse) else {
        return number.to_string();
    };
    let text = format!("{:.*}", format.decimals, number.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let mut shown = String::new();
    if number.is_sign_negative() && text.bytes().any(|b| (b'1'..=b'9').contains(&b)) {
        shown.push('-');
    }
    let whole = format!("{whole:0>width$}", width = format.digits);
    for (i, digit) in whole.chars().enumerate() {
        if format.has_groups && i > 0 && (whole.len() - i).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    if format.decimals > 0 {
        shown.push('.');
        shown.push_str(fraction);
    }
    shown
}

/// How a number is shown.
#[derive(Debug, PartialEq, Eq)]
struct NumberFormat {
    /// So many digits at least before the point.
    digits: usize,
    /// So many digits behind it.
    decimals: usize,
    /// Whether there is a comma before each three digits.
    has_groups: bool,
}

impl NumberFormat {
    fn parse(code: &str) -> Option<Self> {
        let (whole, fraction) = code.split_once('.').unwrap_or((code, ""));
        let has_groups = whole == "#,##0";
        let zeros = |text: &str| text.bytes().all(|byte| byte == b'0');
        if !zeros(fraction) || code.ends_with('.') || !(has_groups || zeros(whole)) {
            return None;
        }
        let digits = if has_groups { 1 } else { whole.len() };
        (digits > 0).then_some(Self {
            digits,
            decimals: fraction.len(),
            has_groups,
        })
    }
}

/// A day as `2026-12-25`, a time of a day as `09:30:00`, and both with a blank between them.
fn moment(time: &ExcelDateTime) -> String {
    const SECONDS_OF_A_DAY: f64 = 86_400.0;
    let seconds = (time.as_f64() * SECONDS_OF_A_DAY).round();
    if time.is_duration() {
        let sign = if seconds < 0.0 { "-" } else { "" };
        let part = |unit: f64, of: f64| (seconds.abs() / unit).floor() % of;
        let hours = (seconds.abs() / 3600.0).floor();
        return format!(
            "{sign}{hours:02}:{:02}:{:02}",
            part(60.0, 60.0),
            part(1.0, 60.0)
        );
    }
    // A time just below a full second is that second.
    let rounded = ExcelDateTime::new(
        seconds / SECONDS_OF_A_DAY + 1e-9,
        calamine::ExcelDateTimeType::DateTime,
        false,
    );
    let rounded = if is_1904(time) { time } else { &rounded };
    let (year, month, day, hour, minute, second, _) = rounded.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    let clock = format!("{hour:02}:{minute:02}:{second:02}");
    match (time.as_f64() < 1.0, clock.as_str()) {
        (true, _) => clock,
        (false, "00:00:00") => date,
        (false, _) => format!("{date} {clock}"),
    }
}

/// Whether the workbook counts days from 1904 on.
fn is_1904(time: &ExcelDateTime) -> bool {
    let same = ExcelDateTime::new(time.as_f64(), calamine::ExcelDateTimeType::DateTime, false);
    same.to_ymd_hms_milli() != time.to_ymd_hms_milli()
}

#[cfg(test)]
mod tests {
    use super::*;
    use calamine::{CellErrorType, ExcelDateTimeType};

    fn field(value: &DataRef<'_>, format: Option<&str>) -> String {
        let mut csv = Vec::new();
        push(&mut csv, value, format);
        String::from_utf8(csv).unwrap()
    }

    #[test]
    fn a_number_is_as_the_sheet_shows_it() {
        for (number, format, expected) in [
            (5.0, None, "5"),
            (12.5, None, "12.5"),
            (1e15, Some("General"), "1000000000000000"),
            (12.5, Some("0.00"), "12.50"),
            (912_000_000.0, Some("0000000000"), "0912000000"),
            (1_234_567.891, Some("#,##0.00"), "\"1,234,567.89\""),
            (999.0, Some("#,##0"), "999"),
            (-0.4, Some("0"), "0"),
            (-1234.5, Some("#,##0.0"), "\"-1,234.5\""),
            (0.25, Some("0%"), "0.25"),
            (7.0, Some("0."), "7"),
        ] {
            assert_eq!(
                field(&DataRef::Float(number), format),
                expected,
                "{format:?}"
            );
        }
    }

    #[test]
    fn days_and_times_are_written_in_one_way() {
        for (value, kind, is_1904, expected) in [
            (46_381.0, ExcelDateTimeType::DateTime, false, "2026-12-25"),
            (
                46_381.395_833_333_3,
                ExcelDateTimeType::DateTime,
                false,
                "\"2026-12-25 09:30:00\"",
            ),
            (44_919.0, ExcelDateTimeType::DateTime, true, "2026-12-25"),
            (
                0.395_833_333_3,
                ExcelDateTimeType::DateTime,
                false,
                "\"09:30:00\"",
            ),
            (1.5, ExcelDateTimeType::TimeDelta, false, "\"36:00:00\""),
        ] {
            let time = ExcelDateTime::new(value, kind, is_1904);
            assert_eq!(field(&DataRef::DateTime(time), None), expected);
        }
    }

    #[test]
    fn a_text_is_quoted_where_it_needs_quotes() {
        for (text, expected) in [
            ("早安", "早安"),
            ("two words", "two words"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"\n", "\"say \"\"hi\"\"\n\""),
            ("", ""),
            ("a;b\t", "\"a;b\t\""),
        ] {
            assert_eq!(field(&DataRef::SharedString(text), None), expected);
        }
        assert_eq!(field(&DataRef::Bool(true), None), "TRUE");
        assert_eq!(field(&DataRef::Error(CellErrorType::NA), None), "\"#N/A\"");
        assert_eq!(field(&DataRef::Empty, None), "");
    }
}

//! What LINE takes for a string, apart from URLs.

use unicode_segmentation::UnicodeSegmentation;

use super::problem::{Fault, Refusal, in_backticks};
use crate::text::utf16_len;

pub(super) mod braces;
mod moment;
mod url;

pub(super) use moment::Moment;
pub(super) use url::Url;

/// What LINE takes for a string in one place.
#[derive(Debug, Clone, Copy)]
pub(super) enum Text {
    Any,
    Length(Length),
    Url(Url),
    OneOf(&'static [&'static str]),
    Pattern(&'static Pattern),
    Moment(Moment),
    SenderName,
}

/// How long a string may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Length {
    may_be_empty: bool,
    max: usize,
    unit: Unit,
}

/// <https://developers.line.biz/en/docs/messaging-api/text-character-count/>
#[derive(Debug, Clone, Copy, PartialEq)]
enum Unit {
    Utf16,
    Graphemes,
}

/// A string of a certain form.
#[derive(Debug)]
pub(super) struct Pattern {
    pub(super) fits: fn(&str) -> bool,
    /// What LINE takes, for a sentence.
    pub(super) takes: &'static str,
    /// Whether LINE may refuse a string that [`Self::fits`].
    pub(super) is_doubtful: fn(&str) -> bool,
}

impl Pattern {
    pub(super) const fn new(fits: fn(&str) -> bool, takes: &'static str) -> Self {
        Self {
            fits,
            takes,
            is_doubtful: |_| false,
        }
    }
}

impl Text {
    /// A string of up to `max` UTF-16 code units, not empty.
    pub(super) const fn utf16(max: usize) -> Self {
        Self::length(false, max, Unit::Utf16)
    }

    /// A string of up to `max` UTF-16 code units.
    pub(super) const fn utf16_or_empty(max: usize) -> Self {
        Self::length(true, max, Unit::Utf16)
    }

    /// A string of up to `max` grapheme clusters, not empty.
    pub(super) const fn graphemes(max: usize) -> Self {
        Self::length(false, max, Unit::Graphemes)
    }

    /// A string of up to `max` grapheme clusters.
    pub(super) const fn graphemes_or_empty(max: usize) -> Self {
        Self::length(true, max, Unit::Graphemes)
    }

    const fn length(may_be_empty: bool, max: usize, unit: Unit) -> Self {
        Self::Length(Length {
            may_be_empty,
            max,
            unit,
        })
    }

    pub(super) fn check(self, text: &str) -> Result<(), Refusal> {
        match self {
            Self::Any => Ok(()),
            Self::Length(length) => length.check(text),
            Self::Url(url) => url.check(text),
            Self::OneOf(values) if values.contains(&text) => Ok(()),
            Self::OneOf(values) => Err(Refusal::new(format!(
                "is none of the values that LINE takes here: {}",
                in_backticks(values.iter().copied())
            ))),
            Self::Pattern(pattern) if (pattern.fits)(text) => Ok(()),
            Self::Pattern(pattern) => Err(not(pattern.takes)),
            Self::Moment(moment) if moment.fits(text) => Ok(()),
            Self::Moment(moment) => Err(not(moment.takes())),
            Self::SenderName => check_sender_name(text),
        }
    }

    /// Whether every JSON fragment of at most so many bytes is taken, so that none has to be read.
    pub(super) fn takes_all_up_to(self) -> usize {
        match self {
            Self::Any => usize::MAX,
            // A string has no more units of either kind than its JSON has bytes.
            Self::Length(length) => length.max,
            _ => 0,
        }
    }

    pub(super) fn may_be_empty(self) -> bool {
        match self {
            Self::Any => true,
            Self::Length(length) => length.may_be_empty,
            _ => false,
        }
    }

    /// What is wrong with every string that begins with `prefix`.
    pub(super) fn check_prefix(self, prefix: &str) -> Result<(), Refusal> {
        match self {
            Self::Url(url) => url.check_prefix(prefix),
            _ => Ok(()),
        }
    }

    /// What LINE may refuse in a string that passes [`Self::check`].
    pub(super) fn doubt(self, text: &str) -> Option<String> {
        match self {
            Self::Url(_) => Url::doubt(text).map(str::to_owned),
            Self::Length(length) => length.doubt(text),
            Self::Pattern(pattern) if (pattern.is_doubtful)(text) => Some(format!(
                "may not be what LINE takes here: {}",
                pattern.takes
            )),
            Self::SenderName if has_word(text, "LINE", str::eq_ignore_ascii_case) => {
                Some("has the word `LINE`; LINE may refuse it".into())
            }
            _ => None,
        }
    }
}

fn not(takes: &str) -> Refusal {
    Refusal::new(format!("is not what LINE takes here: {takes}"))
}

impl Length {
    fn check(self, text: &str) -> Result<(), Refusal> {
        if text.is_empty() && !self.may_be_empty {
            return Err(Refusal::of(
                Fault::Empty,
                "is empty; LINE takes no empty text here",
            ));
        }
        // No string has more units of either kind than bytes.
        if text.len() <= self.max {
            return Ok(());
        }
        let (units, name) = match self.unit {
            Unit::Utf16 => (utf16_len(text), "UTF-16 code units"),
            Unit::Graphemes => (text.graphemes(true).count(), "characters"),
        };
        if units <= self.max {
            return Ok(());
        }
        Err(Refusal::of(
            Fault::TooLong(self.max),
            format!("has {units} {name}; LINE takes {}", self.max),
        ))
    }

    /// LINE documents grapheme clusters, and has been seen to count code points.
    /// <https://github.com/openclaw/openclaw/pull/113081>
    fn doubt(self, text: &str) -> Option<String> {
        let points = text.chars().count();
        (self.unit == Unit::Graphemes && points > self.max).then(|| {
            format!(
                "has {points} Unicode code points; LINE takes {} characters and \
                 may count code points",
                self.max
            )
        })
    }
}

/// <https://developers.line.biz/en/reference/messaging-api/#icon-nickname-switch>
const MAX_SENDER_NAME: usize = 20;

fn check_sender_name(name: &str) -> Result<(), Refusal> {
    let units = utf16_len(name);
    if units > MAX_SENDER_NAME {
        return Err(Refusal::of(
            Fault::SenderName,
            format!("has {units} UTF-16 code units; LINE takes {MAX_SENDER_NAME}"),
        ));
    }
    if has_word(name, "LINE", str::eq) {
        return Err(Refusal::new(
            "has the word `LINE`, which LINE does not take in a name; leave it out",
        ));
    }
    Ok(())
}

fn has_word(text: &str, word: &str, same: fn(&str, &str) -> bool) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .any(|part| same(part, word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lengths_are_counted_in_their_unit() {
        let family = "👨‍👩‍👧";
        for (text, max_utf16, max_graphemes) in [
            ("abc".to_owned(), 3, 3),
            ("早安".into(), 2, 2),
            ("🎄".into(), 2, 1),
            (family.into(), 8, 1),
            ("สวัสดี".into(), 6, 4),
            ("\r\n".into(), 2, 1),
        ] {
            for (make, max) in [
                (Text::utf16 as fn(usize) -> Text, max_utf16),
                (Text::graphemes, max_graphemes),
            ] {
                assert!(make(max).check(&text).is_ok(), "{text}");
                assert!(make(max - 1).check(&text).is_err(), "{text}");
            }
        }
        let problem = Text::graphemes(20).check(&"x".repeat(21)).unwrap_err();
        assert_eq!(problem.problem, "has 21 characters; LINE takes 20");
    }

    #[test]
    fn only_some_texts_may_be_empty() {
        assert!(Text::utf16(5).check("").is_err());
        assert!(Text::graphemes(5).check("").is_err());
        assert!(Text::utf16(usize::MAX).check("").is_err());
        assert!(Text::utf16_or_empty(5).check("").is_ok());
        assert!(Text::graphemes_or_empty(5).check("").is_ok());
        assert!(Text::Any.check("").is_ok());
    }

    #[test]
    fn more_code_points_than_characters_are_doubtful() {
        let family = "👨‍👩‍👧";
        assert_eq!(Text::graphemes(3).doubt("abc"), None);
        assert_eq!(Text::utf16(8).doubt(family), None);
        assert!(Text::graphemes(4).doubt(family).is_some());
    }

    #[test]
    fn a_sender_has_a_short_name_without_lines_own() {
        for (name, fits, is_doubtful) in [
            ("Cony", true, false),
            ("ONLINE shop", true, false),
            ("Line dance", true, true),
            ("LINE", false, true),
            ("LINE官方", false, true),
            ("xxxxxxxxxxxxxxxxxxxx", true, false),
            ("xxxxxxxxxxxxxxxxxxxxx", false, false),
        ] {
            assert_eq!(Text::SenderName.check(name).is_ok(), fits, "{name}");
            let doubt = Text::SenderName.doubt(name);
            assert_eq!(doubt.is_some(), is_doubtful, "{name}");
        }
    }

    proptest! {
        #[test]
        fn a_text_has_no_more_units_than_bytes(text in "\\PC{0,40}") {
            prop_assert!(utf16_len(&text) <= text.len());
            prop_assert!(text.graphemes(true).count() <= text.len());
        }
    }
}

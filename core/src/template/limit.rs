//! How long a string of a message may be.

/// What the channel takes in a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limit {
    max_utf16: usize,
    may_be_empty: bool,
    /// Who sets the limit, for the sentence that names it.
    whose: &'static str,
}

impl Limit {
    pub(super) const NONE: Self = Self {
        max_utf16: usize::MAX,
        may_be_empty: true,
        whose: "",
    };

    /// <https://developers.line.biz/en/reference/messaging-api/#text-message>
    pub(super) const TEXT: Self = Self {
        max_utf16: 5000,
        may_be_empty: false,
        whose: "LINE",
    };

    /// <https://developers.line.biz/en/reference/messaging-api/#flex-message>
    pub(super) const ALT_TEXT: Self = Self {
        max_utf16: 1500,
        may_be_empty: false,
        whose: "LINE",
    };

    /// The protocol says "1000 characters" and no unit. LINE counts UTF-16 code units elsewhere, so
    /// this limit does too.
    pub(super) const NOTIFY: Self = Self {
        max_utf16: 1000,
        may_be_empty: false,
        whose: "LINE Notify",
    };

    /// Checks a string's length in UTF-16 code units. An error is the end of a sentence.
    pub(super) fn check_length(self, utf16: usize) -> Result<(), String> {
        if utf16 == 0 && !self.may_be_empty {
            Err("is empty".into())
        } else if utf16 > self.max_utf16 {
            Err(format!(
                "has {utf16} UTF-16 code units; {} takes {}",
                self.whose, self.max_utf16
            ))
        } else {
            Ok(())
        }
    }
}

//! The person, group, room or token that a row names.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::channel::Channel;
use crate::text::trim_marks;

/// Who gets a message: a LINE user, group or room, or the holder of a LINE Notify token.
///
/// Only [`Recipient::parse`] makes one, so no recipient is empty.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Recipient {
    /// A user, group or room of the Messaging API.
    Line(LineId),
    /// The access token of a LINE Notify connection.
    NotifyToken(NotifyToken),
}

/// A LINE ID: `U`, `C` or `R`, and 32 lower-case hexadecimal digits.
///
/// It is kept as 17 bytes, not as 33 characters: a slice holds millions of them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LineId {
    kind: u8,
    number: [u8; 16],
}

/// The access token of a LINE Notify connection.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct NotifyToken(Box<str>);

/// A longer text is not a LINE Notify token. LINE gives no length, so this is far above real ones.
const MAX_TOKEN_BYTES: usize = 512;

/// Why a text names no recipient. It never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecipientError {
    /// The text is empty.
    #[error("is empty")]
    Empty,
    /// The text is not `U`, `C` or `R` with 32 lower-case hexadecimal digits.
    #[error(
        "is not a LINE user, group or room ID \
         (`U`, `C` or `R` and 32 lower-case hexadecimal digits)"
    )]
    NotALineId,
    /// The text can't be a bearer token in an HTTP header.
    #[error("is not a LINE Notify token (1 to {MAX_TOKEN_BYTES} visible ASCII characters)")]
    NotAToken,
}

impl Recipient {
    /// Reads what the list's `to` or `token` column holds. White space and invisible marks around
    /// it are no part of it.
    pub fn parse(channel: Channel, text: &str) -> Result<Self, RecipientError> {
        let text = trim_marks(text);
        if text.is_empty() {
            return Err(RecipientError::Empty);
        }
        match channel {
            Channel::Line => LineId::parse(text)
                .map(Self::Line)
                .ok_or(RecipientError::NotALineId),
            Channel::LineNotify => NotifyToken::parse(text)
                .map(Self::NotifyToken)
                .ok_or(RecipientError::NotAToken),
        }
    }

    /// Whether recipients of this kind can share a multicast request: LINE takes only user IDs.
    pub fn can_share(&self) -> bool {
        matches!(self, Self::Line(id) if id.kind == b'U')
    }

    /// 17 bytes that stand for this recipient in the search for duplicates.
    ///
    /// They are exact for a LINE ID. For a token they hold its SHA-256, cut to 128 bits, which no
    /// two tokens share in practice.
    pub fn fingerprint(&self) -> [u8; 17] {
        let mut bytes = [0; 17];
        let (kind, number) = bytes.split_at_mut(1);
        match self {
            Self::Line(id) => {
                kind.fill(id.kind);
                number.copy_from_slice(&id.number);
            }
            Self::NotifyToken(NotifyToken(token)) => {
                kind.fill(b'T');
                let digest = Sha256::digest(token.as_bytes());
                for (to, from) in number.iter_mut().zip(digest) {
                    *to = from;
                }
            }
        }
        bytes
    }

    /// The recipient's length in bytes, as the channel writes it.
    #[expect(clippy::len_without_is_empty, reason = "no recipient is empty")]
    pub fn len(&self) -> usize {
        match self {
            Self::Line(_) => LineId::LEN,
            Self::NotifyToken(NotifyToken(token)) => token.len(),
        }
    }

    /// Appends the recipient as the channel writes it.
    pub fn push_to(&self, text: &mut String) {
        match self {
            Self::Line(id) => id.push_to(text),
            Self::NotifyToken(NotifyToken(token)) => text.push_str(token),
        }
    }
}

/// Shows only the kind: a recipient never gets into a log.
impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Line(_) => "Recipient::Line(…)",
            Self::NotifyToken(_) => "Recipient::NotifyToken(…)",
        })
    }
}

impl LineId {
    /// An ID's length in characters.
    const LEN: usize = 33;

    fn parse(text: &str) -> Option<Self> {
        let (&kind, digits) = text.as_bytes().split_first()?;
        if !matches!(kind, b'U' | b'C' | b'R') || digits.len() != 32 {
            return None;
        }
        // A list has millions of IDs: this reads all digits and checks them once, at the end.
        let mut number = [0; 16];
        let mut seen = 0;
        for (byte, pair) in number.iter_mut().zip(digits.as_chunks::<2>().0) {
            let [high, low] = pair.map(digit);
            *byte = high << 4 | low & 15;
            seen |= high | low;
        }
        (seen <= 15).then_some(Self { kind, number })
    }

    #[expect(
        clippy::expect_used,
        reason = "a kind and hexadecimal digits are ASCII"
    )]
    fn push_to(self, text: &mut String) {
        let mut written = [self.kind; LineId::LEN];
        let (_, digits) = written.split_at_mut(1);
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.number) {
            pair.copy_from_slice(&[hex(byte >> 4), hex(byte & 15)]);
        }
        text.push_str(str::from_utf8(&written).expect("an ID is ASCII"));
    }
}

impl NotifyToken {
    fn parse(text: &str) -> Option<Self> {
        let fits = (1..=MAX_TOKEN_BYTES).contains(&text.len());
        (fits && text.bytes().all(|b| b.is_ascii_graphic())).then(|| Self(text.into()))
    }
}

/// The value of a lower-case hexadecimal digit, or 0xff for any other byte.
#[expect(clippy::indexing_slicing, reason = "there is a value for each byte")]
fn digit(byte: u8) -> u8 {
    DIGITS[usize::from(byte)]
}

/// [`digit`] of each byte. A look into a table is fast also in code that is made for size.
#[expect(
    clippy::indexing_slicing,
    reason = "the compiler makes the table, and would panic"
)]
static DIGITS: [u8; 256] = {
    let mut digits = [0xff; 256];
    let mut value = 0;
    while value < 16 {
        digits[hex(value) as usize] = value;
        value += 1;
    }
    digits
};

/// The digit that [`digit`] reads as this value.
const fn hex(nibble: u8) -> u8 {
    if nibble < 10 {
        b'0' + nibble
    } else {
        b'a' + nibble - 10
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &str = "U4af4980629f0c1d2e3f4a5b6c7d8e9fa";

    #[test]
    fn an_id_reads_back_as_it_was_written() {
        for kind in ["U", "C", "R"] {
            let id = format!("{kind}{}", &USER[1..]);
            let recipient = Recipient::parse(Channel::Line, &id).unwrap();
            let mut text = String::new();
            recipient.push_to(&mut text);
            assert_eq!(text, id);
            assert_eq!(recipient.len(), id.len());
            assert_eq!(recipient.can_share(), kind == "U");
        }
    }

    #[test]
    fn what_line_would_refuse_is_no_recipient() {
        for bad in [
            "",
            "u",
            "U",
            &USER[..32],
            &format!("{USER}0"),
            &USER.to_uppercase(),
            &USER.to_lowercase(),
            " U4af4980629f0c1d2e3f4a5b6c7d8e9f",
            &format!("X{}", &USER[1..]),
            &format!("U4a/{}", &USER[4..]),
            &format!("U4a:{}", &USER[4..]),
            &format!("U4a`{}", &USER[4..]),
            &format!("U4ag{}", &USER[4..]),
        ] {
            assert!(Recipient::parse(Channel::Line, bad).is_err(), "{bad}");
        }
        for bad in ["", "to ken", "tökén", "a\nb", &"t".repeat(513)] {
            assert!(Recipient::parse(Channel::LineNotify, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn no_recipient_is_shown_by_debug() {
        let shown = format!("{:?}", Recipient::parse(Channel::Line, USER).unwrap());
        assert!(!shown.contains(&USER[1..]));
    }

    #[test]
    fn different_recipients_have_different_fingerprints() {
        let user = Recipient::parse(Channel::Line, USER).unwrap();
        let group = Recipient::parse(Channel::Line, &USER.replace('U', "C")).unwrap();
        let token = Recipient::parse(Channel::LineNotify, "token").unwrap();
        assert_ne!(user.fingerprint(), group.fingerprint());
        assert_ne!(user.fingerprint(), token.fingerprint());
        assert_eq!(
            user.fingerprint(),
            Recipient::parse(Channel::Line, USER).unwrap().fingerprint()
        );
    }
}

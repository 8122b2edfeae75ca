//! The person, group, room or token that a row names.

use std::fmt;
use std::hash::{Hash, Hasher};

use sha2::{Digest, Sha256};

use crate::channel::Channel;

/// Where one message goes: a LINE user, group or room, or the holder of a LINE Notify token.
///
/// A LINE ID is kept as its 17 bytes, not as its 33 characters: a slice holds millions.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Recipient {
    /// A user, group or room of the Messaging API.
    Line(LineId),
    /// The access token of a LINE Notify connection.
    NotifyToken(Box<str>),
}

/// A LINE ID: `U`, `C` or `R`, then 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LineId {
    kind: u8,
    number: [u8; 16],
}

/// Why a text names no recipient. It never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecipientError {
    /// The column is there and empty.
    #[error("is empty")]
    Empty,
    /// Not `U`, `C` or `R` with 32 lower-case hexadecimal digits.
    #[error(
        "is not a LINE user, group or room ID (`U`, `C` or `R` and 32 lower-case hexadecimal digits)"
    )]
    NotALineId,
    /// Not what an HTTP header can carry as a bearer token.
    #[error("is not a LINE Notify token (1 to 512 visible ASCII characters)")]
    NotAToken,
}

impl Recipient {
    /// Reads what the list's `to` or `token` column holds.
    pub fn parse(channel: Channel, text: &str) -> Result<Self, RecipientError> {
        if text.is_empty() {
            return Err(RecipientError::Empty);
        }
        match channel {
            Channel::Line => LineId::parse(text)
                .map(Self::Line)
                .ok_or(RecipientError::NotALineId),
            Channel::LineNotify => {
                let fits = text.len() <= 512 && text.bytes().all(|b| b.is_ascii_graphic());
                if fits {
                    Ok(Self::NotifyToken(text.into()))
                } else {
                    Err(RecipientError::NotAToken)
                }
            }
        }
    }

    /// Whether several of its kind can share one multicast request: LINE takes user IDs only.
    pub fn can_share(&self) -> bool {
        matches!(self, Self::Line(id) if id.kind == b'U')
    }

    /// 17 bytes that stand for this recipient where duplicates are looked for: exact for a LINE ID;
    /// for a token its SHA-256, cut to 128 bits, which no two tokens share in practice.
    pub fn fingerprint(&self) -> [u8; 17] {
        let mut bytes = [0; 17];
        let (kind, number) = bytes.split_at_mut(1);
        match self {
            Self::Line(id) => {
                kind.fill(id.kind);
                number.copy_from_slice(&id.number);
            }
            Self::NotifyToken(token) => {
                kind.fill(b'T');
                let digest = Sha256::digest(token.as_bytes());
                for (to, from) in number.iter_mut().zip(digest) {
                    *to = from;
                }
            }
        }
        bytes
    }

    /// How long the recipient is as the channel writes it, in bytes.
    #[expect(clippy::len_without_is_empty, reason = "no recipient is empty")]
    pub fn len(&self) -> usize {
        match self {
            Self::Line(_) => LineId::LEN,
            Self::NotifyToken(token) => token.len(),
        }
    }

    /// Appends the recipient as the channel writes it.
    pub fn push_to(&self, text: &mut String) {
        match self {
            Self::Line(id) => id.push_to(text),
            Self::NotifyToken(token) => text.push_str(token),
        }
    }
}

/// Shows the kind alone: a recipient never reaches a log.
impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Line(_) => "Recipient::Line(…)",
            Self::NotifyToken(_) => "Recipient::NotifyToken(…)",
        })
    }
}

impl LineId {
    /// The characters of an ID.
    const LEN: usize = 33;

    fn parse(text: &str) -> Option<Self> {
        let (&kind, digits) = text.as_bytes().split_first()?;
        if !matches!(kind, b'U' | b'C' | b'R') || digits.len() != 32 {
            return None;
        }
        // A list has millions of these: all digits first, one verdict at the end.
        let mut number = [0; 16];
        let mut seen = 0;
        for (byte, pair) in number.iter_mut().zip(digits.as_chunks::<2>().0) {
            let [high, low] = pair.map(digit);
            *byte = high << 4 | low & 15;
            seen |= high | low;
        }
        (seen <= 15).then_some(Self { kind, number })
    }

    fn push_to(self, text: &mut String) {
        let mut written = [self.kind; LineId::LEN];
        let (_, digits) = written.split_at_mut(1);
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.number) {
            pair.copy_from_slice(&[hex(byte >> 4), hex(byte & 15)]);
        }
        // All of it is ASCII, so it is text.
        text.push_str(str::from_utf8(&written).unwrap_or_default());
    }
}

fn hex(nibble: u8) -> u8 {
    if nibble < 10 {
        b'0' + nibble
    } else {
        b'a' + nibble - 10
    }
}

/// The number is random already, so its own bytes are the hash's input; the kind only separates.
impl Hash for LineId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u8(self.kind);
        state.write(&self.number);
    }
}

/// The value of a lower-case hexadecimal digit; over 15 for anything else.
fn digit(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'f' => byte - b'a' + 10,
        _ => 0xff,
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

//! The recipient of a message, in few bytes: the ledger keeps millions.
//!
//! This is the stand-in's own reading of LINE's IDs, on purpose. It judges what the rest of the
//! project sends.

use crate::line::text::digest;

/// `U`, `C` or `R` and the 16 bytes of a LINE ID; or `T` and the digest of a LINE Notify token.
pub(crate) type RecipientKey = [u8; 17];

/// The user, group or room with this ID: `U`, `C` or `R` and 32 lower-case hexadecimal digits.
/// <https://developers.line.biz/en/docs/messaging-api/getting-user-ids/>
pub(crate) fn of_line_id(id: &str) -> Option<RecipientKey> {
    let (&kind, digits) = id.as_bytes().split_first()?;
    if !matches!(kind, b'U' | b'C' | b'R') || digits.len() != 32 {
        return None;
    }
    let mut number = [0; 16];
    for (byte, [high, low]) in number.iter_mut().zip(digits.as_chunks().0) {
        *byte = hex_digit(*high)? << 4 | hex_digit(*low)?;
    }
    Some(key(kind, number))
}

/// The holder of this LINE Notify token: 1 to 512 visible ASCII characters.
pub(crate) fn of_notify_token(token: &str) -> Option<RecipientKey> {
    let is_token =
        (1..=512).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic());
    is_token.then(|| key(b'T', digest(token.as_bytes())))
}

/// Whether it is a user: a group or room can't be in a multicast, and has more than one member.
pub(crate) fn is_user(recipient: &RecipientKey) -> bool {
    let [kind, ..] = *recipient;
    kind == b'U'
}

fn key(kind: u8, number: [u8; 16]) -> RecipientKey {
    let mut key = [kind; 17];
    let (_, rest) = key.split_at_mut(1);
    rest.copy_from_slice(&number);
    key
}

fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &str = "U4af4980629f0c1d2e3f4a5b6c7d8e9fa";

    #[test]
    fn an_id_is_a_letter_and_32_lower_case_hexadecimal_digits() {
        assert_eq!(of_line_id(USER).unwrap()[..3], [b'U', 0x4a, 0xf4]);
        assert!(is_user(&of_line_id(USER).unwrap()));
        for kind in ["C", "R"] {
            let other = of_line_id(&USER.replace('U', kind)).unwrap();
            assert!(!is_user(&other), "{kind}");
        }
        for bad in [
            "",
            "U",
            &USER[..32],
            &format!("{USER}0"),
            &USER.to_uppercase(),
            &USER.to_lowercase(),
            &USER.replace('U', "X"),
            &format!("U4ag{}", &USER[4..]),
            &format!("U4a/{}", &USER[4..]),
            &format!("U4a:{}", &USER[4..]),
            &format!("U早{}", &USER[4..]),
        ] {
            assert_eq!(of_line_id(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_token_is_visible_ascii_and_each_token_has_its_own_key() {
        assert_ne!(of_notify_token("one"), of_notify_token("two"));
        assert!(of_notify_token(&"t".repeat(512)).is_some());
        for bad in ["", "to ken", "tökén", "a\nb", &"t".repeat(513)] {
            assert_eq!(of_notify_token(bad), None, "{bad}");
        }
    }
}

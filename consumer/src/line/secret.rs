//! The channel access token in the text of a secret.

use secrecy::SecretString;
use serde_json::Value;

/// The members that usually hold the token, in small letters and without `-` and `_`, the first
/// one first.
const MEMBERS: [&str; 6] = [
    "token",
    "channelaccesstoken",
    "linechannelaccesstoken",
    "accesstoken",
    "linetoken",
    "linemessagingapitoken",
];

/// The token in the text of a secret: the text itself, or one member of a JSON object. Secrets
/// Manager's console makes such an object of what a person types in: `{"token":"…"}`.
///
/// An object with one member needs no usual name. `None` where there is no token in the text.
pub(super) fn token(secret: &str) -> Option<SecretString> {
    let secret = secret.trim().trim_matches('\u{feff}').trim();
    if !secret.starts_with(['{', '"']) {
        return plain(secret);
    }
    match serde_json::from_str(secret).ok()? {
        Value::String(text) => plain(&text),
        Value::Object(members) => {
            let usual = MEMBERS.iter().find_map(|wanted| {
                let mut members = members.iter();
                members.find(|(name, _)| folded(name) == *wanted)
            });
            let only = members.iter().next().filter(|_| members.len() == 1);
            let (_, value) = usual.or(only)?;
            plain(value.as_str()?)
        }
        _ => None,
    }
}

fn plain(text: &str) -> Option<SecretString> {
    let text = text.trim();
    let token = text.strip_prefix("Bearer ").unwrap_or(text).trim();
    (!token.is_empty()).then(|| token.into())
}

fn folded(name: &str) -> String {
    name.chars()
        .filter(|c| !matches!(c, '_' | '-' | ' '))
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn the_token_is_found_in_every_usual_shape() {
        for (secret, expected) in [
            ("abc+/=", Some("abc+/=")),
            (" abc\r\n", Some("abc")),
            ("\u{feff}abc", Some("abc")),
            ("Bearer abc", Some("abc")),
            ("\"abc\"", Some("abc")),
            (r#"{"token":"abc"}"#, Some("abc")),
            (r#"{ "token" : " abc\n" }"#, Some("abc")),
            (
                r#"{"channel_access_token":"abc","channel_id":"1"}"#,
                Some("abc"),
            ),
            (r#"{"channelAccessToken":"abc"}"#, Some("abc")),
            (
                r#"{"LINE_CHANNEL_ACCESS_TOKEN":"abc","x":"y"}"#,
                Some("abc"),
            ),
            (r#"{"accessToken":"abc","expires_in":5}"#, Some("abc")),
            (r#"{"my-line":"abc"}"#, Some("abc")),
            (r#"{"a":"abc","b":"def"}"#, None),
            (r#"{"token":5}"#, None),
            (r#"{"token":""}"#, None),
            (r#"{"token":"abc""#, None),
            ("{}", None),
            ("", None),
        ] {
            let found = token(secret);
            let found = found.as_ref().map(ExposeSecret::expose_secret);
            assert_eq!(found, expected, "{secret}");
        }
    }
}

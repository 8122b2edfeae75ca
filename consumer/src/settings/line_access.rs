//! How the Messaging API is reached: its address, and where the token comes from.

use std::time::Duration;

use fanline_core::settings::{Reader, SettingsError};
use secrecy::SecretString;

use super::{MIN_REQUEST_TIMEOUT, base, seconds};

/// The variables of which one names a token.
const TOKEN_VARIABLES: [&str; 3] = [
    "LINE_CHANNEL_ACCESS_TOKEN",
    "LINE_CHANNEL_ACCESS_TOKEN_SECRET_ARN",
    "LINE_CHANNEL_ID",
];

/// Where the channel access token comes from.
#[derive(Debug, Clone)]
pub(crate) enum TokenSource {
    /// Nowhere. Only the channel `line-notify` can be served.
    None,
    /// `LINE_CHANNEL_ACCESS_TOKEN` is the token.
    Fixed(SecretString),
    /// `LINE_CHANNEL_ACCESS_TOKEN_SECRET_ARN` names the secret whose string is the token.
    Secret {
        /// The secret's ARN or name.
        arn: String,
    },
    /// `LINE_CHANNEL_ID` and `LINE_CHANNEL_SECRET` get a stateless token whenever one is needed.
    /// <https://developers.line.biz/en/reference/messaging-api/#issue-stateless-channel-access-token>
    Stateless {
        /// The channel's ID.
        channel_id: String,
        /// The channel's secret.
        channel_secret: SecretString,
    },
}

/// How the Messaging API is reached: all that a request needs which sends nothing.
#[derive(Debug, Clone)]
pub struct LineAccess {
    pub(crate) token: TokenSource,
    pub(crate) line_api_base: String,
    pub(crate) request_timeout: Duration,
}

impl LineAccess {
    /// Reads the consumer's variables for it through `lookup` and reports all problems together. It
    /// is a problem where no token is named.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let is_set = |name: &&str| lookup(name).is_some_and(|text| !text.is_empty());
        let names_token = TOKEN_VARIABLES.iter().any(is_set);
        let mut all = Reader::new(lookup);
        if !names_token {
            all.problem(format!("`{}` is not set", TOKEN_VARIABLES[0]));
        }
        let token = token(&mut all);
        let line_api_base = line_api_base(&mut all);
        let request_timeout = request_timeout(&mut all);
        let access = Self {
            token,
            line_api_base,
            request_timeout,
        };
        all.finish(Some(access))
    }
}

pub(super) fn line_api_base<F: Fn(&str) -> Option<String>>(reader: &mut Reader<F>) -> String {
    base(reader, "LINE_API_BASE", "https://api.line.me")
}

pub(super) fn request_timeout<F: Fn(&str) -> Option<String>>(reader: &mut Reader<F>) -> Duration {
    seconds(reader, "REQUEST_TIMEOUT_SECONDS", 10.0, MIN_REQUEST_TIMEOUT)
}

pub(super) fn token<F: Fn(&str) -> Option<String>>(reader: &mut Reader<F>) -> TokenSource {
    let fixed: Option<String> = reader.optional("LINE_CHANNEL_ACCESS_TOKEN");
    let arn: Option<String> = reader.optional("LINE_CHANNEL_ACCESS_TOKEN_SECRET_ARN");
    let id: Option<String> = reader.optional("LINE_CHANNEL_ID");
    let secret: Option<String> = reader.optional("LINE_CHANNEL_SECRET");
    if id.is_some() != secret.is_some() {
        reader.problem("`LINE_CHANNEL_ID` and `LINE_CHANNEL_SECRET` go together".into());
    }
    match (fixed, arn, id.zip(secret)) {
        (None, None, None) => TokenSource::None,
        (Some(token), None, None) => {
            if !fits_in_a_header(token.trim()) {
                reader.problem("no HTTP header can hold `LINE_CHANNEL_ACCESS_TOKEN`".into());
            }
            TokenSource::Fixed(token.trim().into())
        }
        (None, Some(arn), None) => TokenSource::Secret { arn },
        (None, None, Some((id, secret))) => TokenSource::Stateless {
            channel_id: id,
            channel_secret: secret.into(),
        },
        _ => {
            reader.problem(
                "only one of `LINE_CHANNEL_ACCESS_TOKEN`, `LINE_CHANNEL_ACCESS_TOKEN_SECRET_ARN` \
                 and `LINE_CHANNEL_ID` may be set"
                    .into(),
            );
            TokenSource::None
        }
    }
}

/// Whether an `Authorization` header can hold this token.
pub(crate) fn fits_in_a_header(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic())
}

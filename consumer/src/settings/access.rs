//! How LINE is reached: the token, the address and the time-out.

use std::net::IpAddr;
use std::time::Duration;

use fanline_core::settings::{Reader, SettingsError};
use reqwest::Url;
use secrecy::SecretString;

use crate::settings::number::seconds;

const MIN_REQUEST_TIMEOUT: f64 = 0.1;

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

/// The base of the Messaging API. Its requests carry the token and all recipients, so they are
/// encrypted, unless they stay on this machine.
pub(crate) fn line_api_base<F: Fn(&str) -> Option<String>>(reader: &mut Reader<F>) -> String {
    let base = base(reader, "LINE_API_BASE", "https://api.line.me");
    if Url::parse(&base).is_ok_and(|url| url.scheme() == "http" && !is_this_machine(&url)) {
        reader.problem("`LINE_API_BASE` is not an https URL, and not on this machine".into());
    }
    base
}

/// Whether the host is loopback, or Docker's name for the machine that it runs on.
fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let ip = host.trim_matches(['[', ']']).parse::<IpAddr>();
    ip.is_ok_and(|ip| ip.is_loopback()) || matches!(host, "localhost" | "host.docker.internal")
}

/// `REQUEST_TIMEOUT_SECONDS`.
pub(crate) fn request_timeout<F: Fn(&str) -> Option<String>>(reader: &mut Reader<F>) -> Duration {
    seconds(reader, "REQUEST_TIMEOUT_SECONDS", 10.0, MIN_REQUEST_TIMEOUT)
}

/// The source of the token.
pub(crate) fn token<F: Fn(&str) -> Option<String>>(reader: &mut Reader<F>) -> TokenSource {
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

/// A base to which paths are appended. It has no slash at its end: LINE refuses a path with a
/// double slash.
/// <https://developers.line.biz/en/news/tags/messaging-api/>
pub(crate) fn base<F: Fn(&str) -> Option<String>>(
    reader: &mut Reader<F>,
    name: &str,
    default: &str,
) -> String {
    let Some(text) = reader.optional::<String>(name) else {
        return default.to_owned();
    };
    let fits = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.query().is_none()
            && url.fragment().is_none()
    };
    if let Some(url) = Url::parse(&text).ok().filter(fits) {
        return url.as_str().trim_end_matches('/').to_owned();
    }
    reader.problem(format!("`{name}` is not an http or https URL"));
    default.to_owned()
}

//! `check --live`: LINE itself is asked whether it would take the messages, and sends nothing.

use fanline_consumer::{AccountError, LineAccess, LineAccount};
use fanline_core::channel::Channel;
use fanline_core::delivery::Endpoint;
use fanline_core::settings::variable;
use fanline_producer::{Sample, Samples};

use crate::exit::InputError;

/// The variables that name a token for LINE.
const TOKEN_VARIABLES: [&str; 3] = [
    "LINE_CHANNEL_ACCESS_TOKEN",
    "LINE_CHANNEL_ACCESS_TOKEN_SECRET_ARN",
    "LINE_CHANNEL_ID",
];

/// Whether the environment names a token.
pub(crate) fn names_a_token() -> bool {
    let is_set = |name| variable(name).is_some_and(|value| !value.is_empty());
    TOKEN_VARIABLES.into_iter().any(is_set)
}

/// What is needed to ask LINE about a campaign, or why it can't be asked.
pub(crate) fn access(channel: Channel) -> Result<LineAccess, InputError> {
    if channel == Channel::LineNotify {
        return Err(InputError(
            "--live asks the Messaging API, and LINE Notify has no such request".into(),
        ));
    }
    LineAccess::from_lookup(variable)
        .map_err(|error| InputError(format!("{error}: --live asks LINE with this token")))
}

/// Asks LINE about each sample, at the endpoints that it can be sent to. Returns the number of
/// requests.
pub(crate) async fn ask(account: &LineAccount, samples: &Samples) -> anyhow::Result<u32> {
    let mut requests = 0;
    for sample in samples.iter() {
        for endpoint in endpoints(sample) {
            let answer = account.validate(endpoint, &sample.messages).await;
            answer.map_err(|error| told(sample, error))?;
            requests += 1;
        }
    }
    Ok(requests)
}

/// What the answers mean, for people.
pub(super) fn sentence(requests: u32) -> &'static str {
    if requests == 0 {
        "LINE was not asked: there is no row that can be sent."
    } else {
        "LINE takes the messages of the first row and the longest ones. It sent nothing."
    }
}

/// Whoever can share a request may be in a multicast or get a push.
fn endpoints(sample: &Sample) -> Vec<Endpoint> {
    if sample.can_share {
        vec![Endpoint::Push, Endpoint::Multicast]
    } else {
        vec![Endpoint::Push]
    }
}

/// The error of the command.
fn told(sample: &Sample, error: AccountError) -> anyhow::Error {
    use AccountError as E;
    match error {
        E::Refused(_) => InputError(format!("{}: {error}", sample.place)).into(),
        E::Token | E::NoToken(_) => InputError(error.to_string()).into(),
        E::Unreachable { .. } | E::NoRoots { .. } | E::Answer { .. } | E::Http(_) => error.into(),
    }
}

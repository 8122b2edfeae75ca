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
    LineAccess::from_lookup(variable).map_err(|error| {
        InputError(if names_a_token() {
            error.to_string()
        } else {
            format!("{error}: --live asks LINE with this token")
        })
    })
}

/// Asks LINE about each sample, also those drawn from the whole list, at the endpoints that it can
/// be sent to. Returns the number of rows.
pub(crate) async fn ask(account: &LineAccount, samples: &Samples) -> anyhow::Result<u64> {
    let mut rows = 0;
    for sample in samples.with_drawn() {
        for endpoint in endpoints(sample) {
            let answer = account.validate(endpoint, &sample.messages).await;
            answer.map_err(|error| told(sample, error))?;
        }
        rows += 1;
    }
    Ok(rows)
}

/// What the answers mean, for people.
pub(super) fn sentence(rows: u64) -> String {
    match rows {
        0 => "LINE was not asked: there is no row that can be sent.".into(),
        1 => "LINE takes the messages of the only row that it was asked about. It sent nothing."
            .into(),
        rows => format!(
            "LINE takes the messages of the first row, the longest ones and others: {rows} rows. \
             It sent nothing."
        ),
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
        E::NotVerified
        | E::Unreachable { .. }
        | E::NoRoots { .. }
        | E::Answer { .. }
        | E::Http(_) => error.into(),
    }
}

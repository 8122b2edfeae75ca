//! `fanline explain`: a field of a campaign, or a word of a report, in a few sentences.

use std::collections::BTreeMap;

use fanline_core::campaign;
use serde_json::Value;

use crate::args::ExplainArgs;
use crate::exit::{CommandEnd, InputError};
use crate::print;

/// A narrow terminal, such as one half of a screen.
const COLUMNS: usize = 80;

/// The words of reports and of the dead-letter queue: what each says, and what to do.
const WORDS: [(&str, &str); 19] = [
    (
        "accepted",
        "LINE took the message. It does not say that it reached a phone, or was read: LINE tells \
         nobody. Somebody who blocked the account counts as accepted too.",
    ),
    (
        "already accepted",
        "LINE took the message on an earlier attempt, and knew the retry key again. Nobody got it \
         twice.",
    ),
    (
        "retry",
        "The attempt failed in a way that passes: an error of LINE's servers, or a rate limit. The \
         same request is sent again later, with the same retry key. There is nothing to do.",
    ),
    (
        "hold",
        "The channel is stopped: its month's quota is used up, or its token is not valid. Nothing \
         is lost. Buy messages or set a valid token: what waits is tried again.",
    ),
    (
        "refused",
        "LINE will never take it: the ID is wrong or belongs to another account, or the message \
         breaks a rule of LINE's. The reason is in LINE's words. Mend the row or the message, and \
         send to these people under a new campaign id.",
    ),
    (
        "expired",
        "`expires_at`, or the end of the retry key's day, came before LINE took it. These people \
         got nothing. Send to them under a new campaign id if it still makes sense.",
    ),
    (
        "unknown",
        "A request departed and no answer came, and it can't be asked again safely. LINE may have \
         taken it. A person decides: to send again may reach somebody twice.",
    ),
    (
        "not sent",
        "It was still waiting when the run ended. Run the same campaign again within 23 hours: \
         only those who do not have the message get it.",
    ),
    (
        "cancelled",
        "The run was cancelled before this was sent. These people got nothing.",
    ),
    ("waiting", "It was published, and has no outcome yet."),
    (
        "missing",
        "It waits, and no queue holds it any more. The bookkeeper publishes it again, with the \
         same retry key.",
    ),
    (
        "rejected",
        "The row can't be sent: it has no valid recipient, or the message can't be made from its \
         columns. It is in the rejects file beside the list, with its line and the reason.",
    ),
    (
        "duplicate",
        "An earlier row of the list names the same person. One message is sent.",
    ),
    (
        "quota",
        "The month's quota of the account was used up. Buy messages, then redrive: the retry keys \
         are the same, so nobody gets it twice.",
    ),
    (
        "unauthorized",
        "LINE did not accept the channel access token, or the channel may not send. Set a valid \
         token, then redrive.",
    ),
    (
        "undecodable",
        "The message on the queue is not a delivery that this version reads. Deploy the version \
         that wrote it, then redrive.",
    ),
    (
        "unsealed",
        "The message on the queue is in plain text, and this stack sends only sealed deliveries. \
         Anybody who may write to the queue may have written it. It is not sent.",
    ),
    (
        "forged",
        "The message on the queue is not what the producer sealed: somebody changed it, or moved \
         it to another run. It is not sent. Find out who may write to the queue.",
    ),
    (
        "no key",
        "The key that sealed it could not be used until its last receive. The words of the dead \
         letter say why. Mend that, then redrive: the retry keys are the same.",
    ),
];

/// Explains one word, or lists all of them.
pub(crate) fn execute(args: &ExplainArgs) -> anyhow::Result<CommandEnd> {
    let fields = fields();
    let Some(word) = &args.word else {
        print::line("Fields of a campaign:")?;
        print::line(format_args!(
            "  {}",
            joined(fields.keys().map(String::as_str))
        ))?;
        print::line("\nWords of reports and of dead letters:")?;
        print::line(format_args!("  {}", joined(WORDS.map(|(name, _)| name))))?;
        return Ok(CommandEnd::Complete);
    };
    let wanted = spelled(word);
    let field = fields.iter().find(|(name, _)| spelled(name) == wanted);
    let known = WORDS.iter().find(|(name, _)| spelled(name) == wanted);
    let text = match (field, known) {
        (Some((_, text)), _) => text.as_str(),
        (None, Some((_, text))) => text,
        (None, None) => {
            let problem =
                format!("there is no field and no word `{word}`: `fanline explain` lists all");
            return Err(InputError(problem).into());
        }
    };
    print::line(textwrap::fill(text, COLUMNS))?;
    Ok(CommandEnd::Complete)
}

/// A word as it is compared: people write `not sent`, programs `not_sent`.
fn spelled(word: &str) -> String {
    word.trim().to_lowercase().replace(['_', '-'], " ")
}

fn joined<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<&str> = words.into_iter().collect();
    textwrap::fill(&words.join(", "), COLUMNS - 2).replace('\n', "\n  ")
}

/// The fields of a campaign and their descriptions. A description's lines are those of the code.
fn fields() -> BTreeMap<String, String> {
    let schema = campaign::schema();
    let properties = schema.get("properties").and_then(Value::as_object);
    let described = properties
        .into_iter()
        .flatten()
        .filter_map(|(name, field)| {
            let description = field.get("description")?.as_str()?;
            Some((name.clone(), description.replace('\n', " ")))
        });
    described.collect()
}

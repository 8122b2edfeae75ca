//! The paths that LINE does not have: the ledger, the options and the clock of a simulated LINE that runs by itself.

use std::time::Duration;

use hyper::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::line::answer::Answer;
use crate::line::memory::ledger::Ledger;
use crate::line::options::LineOptions;
use crate::line::service::Line;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    advance_seconds: f64,
}

/// Answers a control request.
pub(crate) fn answer(line: &mut Line, method: &Method, path: &str, body: &[u8]) -> Answer {
    match (method.as_str(), path) {
        ("GET", "/_ledger") => shown(&line.ledger.summary()),
        ("GET", "/_ledger/recipients") => Answer::new(StatusCode::OK, line.ledger.list()),
        ("DELETE", "/_ledger") => {
            line.ledger = Ledger::default();
            Answer::empty()
        }
        ("GET", "/_options") => shown(line.options()),
        ("PUT", "/_options") => match changed(line.options(), body) {
            Ok(options) => {
                line.set_options(options);
                shown(line.options())
            }
            Err(why) => Answer::refusal(StatusCode::BAD_REQUEST, &why),
        },
        ("POST", "/_clock") => match serde_json::from_slice::<Move>(body) {
            Ok(by) => match Duration::try_from_secs_f64(by.advance_seconds) {
                Ok(by) => {
                    line.options().clock.advance(by);
                    Answer::json(&json!({"now": line.options().clock.now()}))
                }
                Err(why) => Answer::refusal(StatusCode::BAD_REQUEST, &why.to_string()),
            },
            Err(why) => Answer::refusal(StatusCode::BAD_REQUEST, &why.to_string()),
        },
        ("GET", _) => match path.strip_prefix("/_ledger/recipients/") {
            Some(recipient) => shown(&line.ledger.receipts(recipient)),
            None => Answer::not_found(),
        },
        _ => Answer::not_found(),
    }
}

fn shown<T: serde::Serialize>(value: &T) -> Answer {
    match serde_json::to_string(value) {
        Ok(body) => Answer::new(StatusCode::OK, body),
        Err(why) => Answer::refusal(StatusCode::INTERNAL_SERVER_ERROR, &why.to_string()),
    }
}

/// The options with the fields of `body` in place of their own.
fn changed(options: &LineOptions, body: &[u8]) -> Result<LineOptions, String> {
    let mut whole = serde_json::to_value(options).map_err(|why| why.to_string())?;
    let changes: serde_json::Map<String, Value> =
        serde_json::from_slice(body).map_err(|why| why.to_string())?;
    if let Some(fields) = whole.as_object_mut() {
        fields.extend(changes);
    }
    let mut new: LineOptions = serde_json::from_value(whole).map_err(|why| why.to_string())?;
    new.faults.check().map_err(|why| why.to_string())?;
    new.port = options.port;
    new.clock = options.clock.clone();
    Ok(new)
}

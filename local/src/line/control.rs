//! The paths that LINE does not have: the ledger, the options and the clock of the simulated LINE.

use std::time::Duration;

use hyper::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::line::answer::Answer;
use crate::line::memory::Memory;
use crate::line::memory::ledger::LineLedger;
use crate::line::options::LineOptions;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockMove {
    advance_seconds: f64,
}

/// Answers a request to one of these paths.
pub(crate) fn answer(memory: &mut Memory, method: &Method, path: &str, body: &[u8]) -> Answer {
    match (method.as_str(), path) {
        ("GET", "/_ledger") => json_of(&memory.ledger.summary()),
        ("GET", "/_ledger/recipients") => Answer::new(StatusCode::OK, memory.ledger.list()),
        ("DELETE", "/_ledger") => {
            memory.ledger = LineLedger::default();
            Answer::empty()
        }
        ("GET", "/_options") => json_of(&memory.options),
        ("PUT", "/_options") => match changed(&memory.options, body) {
            Ok(options) => {
                memory.set_options(options);
                json_of(&memory.options)
            }
            Err(error) => Answer::error(StatusCode::BAD_REQUEST, &error),
        },
        ("POST", "/_clock") => match clock_move(body) {
            Ok(by) => {
                memory.options.clock.advance(by);
                Answer::json(&json!({"now": memory.options.clock.now()}))
            }
            Err(error) => Answer::error(StatusCode::BAD_REQUEST, &error),
        },
        ("GET", _) => match path.strip_prefix("/_ledger/recipients/") {
            Some(recipient) => json_of(&memory.ledger.receipts(recipient)),
            None => Answer::not_found(),
        },
        _ => Answer::not_found(),
    }
}

fn json_of(value: &impl Serialize) -> Answer {
    match serde_json::to_string(value) {
        Ok(body) => Answer::new(StatusCode::OK, body),
        Err(error) => Answer::error(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

/// How far the clock is to move. The error is for the client.
fn clock_move(body: &[u8]) -> Result<Duration, String> {
    let by: ClockMove = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    Duration::try_from_secs_f64(by.advance_seconds).map_err(|error| error.to_string())
}

/// The options, with the fields of `body` in place of their own. The error is for the client.
fn changed(options: &LineOptions, body: &[u8]) -> Result<LineOptions, String> {
    let mut whole = serde_json::to_value(options).map_err(|error| error.to_string())?;
    let changes: Map<String, Value> =
        serde_json::from_slice(body).map_err(|error| error.to_string())?;
    if let Some(fields) = whole.as_object_mut() {
        fields.extend(changes);
    }
    let mut new: LineOptions = serde_json::from_value(whole).map_err(|error| error.to_string())?;
    new.faults.check().map_err(|error| error.to_string())?;
    new.host = options.host;
    new.port = options.port;
    new.clock = options.clock.clone();
    Ok(new)
}

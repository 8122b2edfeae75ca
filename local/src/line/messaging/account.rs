//! What the account's own endpoints answer: its name, its friends, its quota and its counts.

use std::collections::HashMap;

use hyper::StatusCode;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use crate::line::answer::Answer;
use crate::line::endpoint::LineEndpoint;
use crate::line::memory::Memory;
use crate::line::memory::insight::day;

/// `followers/ids` gives 300 IDs at a time, or up to 1,000 where the request says so.
/// <https://developers.line.biz/en/reference/messaging-api/#get-follower-ids>
const DEFAULT_FOLLOWERS: usize = 300;
const MAX_FOLLOWERS: usize = 1000;

/// `aggregation/list` gives at most 100 names at a time.
/// <https://developers.line.biz/en/reference/messaging-api/#get-name-list-of-units-used-this-month>
const MAX_NAMES: usize = 100;

/// Statistics of fewer people are `null`.
/// <https://developers.line.biz/en/reference/messaging-api/#get-statistics-per-unit>
const MIN_PEOPLE: u64 = 20;

/// Answers a `GET`.
pub(crate) fn answer(
    memory: &Memory,
    endpoint: LineEndpoint,
    query: &str,
    channel: u32,
    now: Timestamp,
) -> Answer {
    use LineEndpoint as E;
    let query: HashMap<_, _> = form_urlencoded::parse(query.as_bytes()).collect();
    let field = |name: &str| query.get(name).map(AsRef::as_ref);
    let found = match endpoint {
        E::Info => Ok(info(memory, channel)),
        E::Quota => Ok(quota(memory)),
        E::Consumption => Ok(json!({"totalUsage": memory.month.used(channel, now)})),
        E::FollowerIds if !memory.options.verified => return not_verified(),
        E::FollowerIds => {
            let friends = memory.options.friends.iter().map(String::as_str);
            let page = (DEFAULT_FOLLOWERS, MAX_FOLLOWERS);
            paged("userIds", friends, page, field("limit"), field("start"))
        }
        E::UnitNames => {
            let names = memory.insight.names(channel, now);
            let (limit, start) = (field("limit"), field("start"));
            let page = (MAX_NAMES, MAX_NAMES);
            paged("customAggregationUnits", names, page, limit, start)
        }
        E::UnitCount => {
            let names = memory.insight.names(channel, now).count();
            Ok(json!({ "numOfCustomAggregationUnits": names }))
        }
        E::UnitStatistics => statistics(memory, channel, field),
        _ => counts_of_a_day(memory, endpoint, channel, field("date"), now),
    };
    match found {
        Ok(body) => Answer::json(&body),
        Err(message) => Answer::error(StatusCode::BAD_REQUEST, message),
    }
}

/// The account. Its IDs are invented, and differ between channels.
fn info(memory: &Memory, channel: u32) -> Value {
    json!({
        "userId": format!("U5{channel:031x}"),
        "basicId": format!("@{:03}simulat", channel % 1000),
        "displayName": memory.options.display_name,
        "chatMode": "bot",
        "markAsReadMode": "auto",
    })
}

fn quota(memory: &Memory) -> Value {
    match memory.options.monthly_quota {
        Some(quota) => json!({"type": "limited", "value": quota}),
        None => json!({"type": "none"}),
    }
}

/// `403` for an account that is not verified. The text is one that users report.
fn not_verified() -> Answer {
    Answer::error(
        StatusCode::FORBIDDEN,
        "Access to this API is not available for your account",
    )
}

/// A page of names or IDs, and where the next one starts. LINE's tokens of pages are opaque; here
/// they are the first entry of the page.
fn paged<'a>(
    name: &str,
    entries: impl Iterator<Item = &'a str>,
    (default, max): (usize, usize),
    limit: Option<&str>,
    start: Option<&str>,
) -> Result<Value, &'static str> {
    let limit = match limit.map(str::parse) {
        None => default,
        Some(Ok(limit)) if (1..=max).contains(&limit) => limit,
        Some(_) => return Err("Invalid limit param"),
    };
    let mut entries = entries.peekable();
    if let Some(start) = start {
        while entries.peek().is_some_and(|entry| *entry < start) {
            entries.next();
        }
        if entries.peek() != Some(&start) {
            return Err("Invalid start param");
        }
    }
    let page: Vec<&str> = entries.by_ref().take(limit).collect();
    let mut body = json!({ name: page });
    if let (Some(fields), Some(next)) = (body.as_object_mut(), entries.next()) {
        fields.insert("next".into(), next.into());
    }
    Ok(body)
}

/// The counts of a day: ready on the next one.
fn counts_of_a_day(
    memory: &Memory,
    endpoint: LineEndpoint,
    channel: u32,
    date: Option<&str>,
    now: Timestamp,
) -> Result<Value, &'static str> {
    const INVALID: &str = "The value for the 'date' parameter is invalid";
    let today = day(now);
    let date = match date {
        Some(date) => read_date(date).ok_or(INVALID)?,
        None if endpoint == LineEndpoint::Followers => today.yesterday().map_err(|_| INVALID)?,
        None => return Err(INVALID),
    };
    if date >= today {
        return Ok(json!({"status": "unready"}));
    }
    let delivered = |endpoint| memory.insight.delivered(channel, endpoint, date);
    let (pushes, multicasts) = (LineEndpoint::Push, LineEndpoint::Multicast);
    Ok(match endpoint {
        LineEndpoint::DeliveredPushes => json!({"status": "ready", "success": delivered(pushes)}),
        LineEndpoint::DeliveredMulticasts => {
            json!({"status": "ready", "success": delivered(multicasts)})
        }
        LineEndpoint::Deliveries => json!({
            "status": "ready",
            "apiPush": delivered(pushes),
            "apiMulticast": delivered(multicasts),
        }),
        _ => json!({
            "status": "ready",
            "followers": memory.options.friends.len(),
            "targetedReaches": memory.options.friends.len(),
            "blocks": memory.options.blocked.len(),
        }),
    })
}

/// What people did with the messages of a unit: the share of them that the options say opened it.
fn statistics<'a>(
    memory: &Memory,
    channel: u32,
    field: impl Fn(&str) -> Option<&'a str>,
) -> Result<Value, &'static str> {
    let unit = field("customAggregationUnit").unwrap_or_default();
    if unit.is_empty() {
        return Err("The value for the 'customAggregationUnit' parameter is invalid");
    }
    let date = |name| field(name).and_then(read_date);
    let from = date("from").ok_or("The value for the 'from' parameter is invalid")?;
    let latest = from.saturating_add(30.days());
    let to = date("to").filter(|to| (from..=latest).contains(to));
    let to = to.ok_or("The value for the 'to' parameter is invalid")?;
    let reached = memory.insight.reached(channel, unit, from, to);
    let opened = share_of(reached, memory.options.opened_share);
    let shown = (opened >= MIN_PEOPLE).then_some(opened);
    let messages = if reached == 0 {
        json!([])
    } else {
        json!([{"seq": 1, "impression": shown, "uniqueMediaPlayed": null}])
    };
    Ok(json!({
        "overview": {
            "uniqueImpression": shown,
            "uniqueClick": null,
            "uniqueMediaPlayed": null,
            "uniqueMediaPlayed100Percent": null,
        },
        "messages": messages,
        "clicks": [],
    }))
}

/// A share of people, rounded down.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "people are far fewer than 2^52, and a share is no less than 0"
)]
fn share_of(people: u64, share: f64) -> u64 {
    (people as f64 * share.clamp(0.0, 1.0)) as u64
}

/// A date such as `20261225`.
fn read_date(text: &str) -> Option<Date> {
    if text.len() != 8 {
        return None;
    }
    Date::strptime("%Y%m%d", text).ok()
}

//! What a batch tells the ledger: an outcome message for each run. Pure.

use std::collections::BTreeMap;

use fanline_core::channel::Channel;
use fanline_core::delivery::{Delivery, Request};
use fanline_ledger::{CellReason, DeliveryOutcome, Departed, OutcomeMessage, Standing};
use jiff::Timestamp;

use crate::channel::attempt::{Attempt, Conclusion, Exchange};
use crate::channel::backoff::RetryCause;
use crate::channel::response::{Failure, Response};
use crate::sqs::dead_letter::DeadLetter;
use crate::sqs::record::Record;

/// The requests that one invocation made for a delivery, in short.
#[derive(Debug, Clone)]
pub(crate) struct Trail {
    departed: Departed,
    status: Option<u16>,
    request_id: Option<String>,
    latency_ms: Option<u32>,
}

impl Trail {
    /// No request was made.
    pub(crate) const NONE: Self = Self {
        departed: Departed::No,
        status: None,
        request_id: None,
        latency_ms: None,
    };

    /// A request to more people was made for it, and refused.
    pub(crate) const REFUSED: Self = Self {
        departed: Departed::Answered,
        ..Self::NONE
    };

    /// A request was made.
    pub(crate) fn add(&mut self, exchange: &Exchange) {
        self.departed = match (self.departed, departed(&exchange.response)) {
            (Departed::Unanswered, _) | (_, Departed::Unanswered) => Departed::Unanswered,
            (Departed::Answered, _) | (_, Departed::Answered) => Departed::Answered,
            (Departed::No, Departed::No) => Departed::No,
        };
        let response = exchange.response.as_ref().ok();
        self.status = response.map(|response| response.status);
        // On a 409 the ID of the request that was accepted says more.
        let id = response.and_then(|response| {
            let accepted = response.accepted_request_id();
            accepted.or_else(|| response.request_id())
        });
        self.request_id = id.map(str::to_owned);
        self.latency_ms = u32::try_from(exchange.latency_ms).ok();
    }

    /// Whether the channel may have taken a request of this invocation that was not answered.
    pub(crate) fn is_unanswered(&self) -> bool {
        self.departed == Departed::Unanswered
    }
}

/// Whether a request departed, and whether its answer says if the channel took it.
fn departed(response: &Result<Response, Failure>) -> Departed {
    match response {
        Err(Failure::NotConnected) => Departed::No,
        Err(Failure::TimedOut | Failure::Lost) => Departed::Unanswered,
        Ok(response) => match response.status {
            200..=299 if response.request_id().is_some() => Departed::Answered,
            409 if response.accepted_request_id().is_some() => Departed::Answered,
            409 => Departed::Unanswered,
            400..=499 => Departed::Answered,
            _ => Departed::Unanswered,
        },
    }
}

/// What became of one delivery, or part of one, of the batch.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The position of its record in the batch.
    pub position: usize,
    /// The channel.
    pub channel: Channel,
    /// What the ledger is told.
    pub outcome: DeliveryOutcome,
}

/// What the outcome messages of a batch will say.
#[derive(Debug, Default)]
pub(crate) struct Report {
    runs: BTreeMap<String, RunReport>,
}

/// What the outcome message of one run will say.
#[derive(Debug, Default)]
pub(crate) struct RunReport {
    retries: u32,
    too_fast: u32,
    /// The outcomes.
    pub entries: Vec<Entry>,
}

impl Report {
    /// An attempt was made for a delivery of this run.
    pub(crate) fn add_attempt(&mut self, run: &str, attempt: &Attempt) {
        let statuses = attempt.exchanges.iter().map(Exchange::status);
        let too_fast = statuses.filter(|status| *status == Some(429)).count();
        let is_retry = attempt.conclusion == Conclusion::Retry(RetryCause::Fault)
            && !attempt.exchanges.is_empty();
        if too_fast > 0 || is_retry {
            let run = self.of(run);
            run.retries += u32::from(is_retry);
            run.too_fast += u32::try_from(too_fast).unwrap_or(u32::MAX);
        }
    }

    /// A delivery has its outcome.
    pub(crate) fn add(&mut self, run: &str, entry: Entry) {
        self.of(run).entries.push(entry);
    }

    /// The report of each run.
    pub(crate) fn into_runs(self) -> BTreeMap<String, RunReport> {
        self.runs
    }

    fn of(&mut self, run: &str) -> &mut RunReport {
        if !self.runs.contains_key(run) {
            self.runs.insert(run.to_owned(), RunReport::default());
        }
        #[expect(clippy::expect_used, reason = "it was put there just now")]
        self.runs.get_mut(run).expect("it was put there just now")
    }
}

impl RunReport {
    /// The bodies of the outcome message: none where nothing has an outcome, nearly always one.
    pub(crate) fn bodies(&self, run: &str) -> Vec<String> {
        let outcomes = self.entries.iter().map(|entry| entry.outcome.clone());
        OutcomeMessage {
            run: run.to_owned(),
            retries: self.retries,
            too_fast: self.too_fast,
            outcomes: outcomes.collect(),
        }
        .encode()
    }
}

/// What the ledger is told of a delivery that has its outcome at `time`. `letter`: its dead letter.
pub(crate) fn outcome_of(
    delivery: &Delivery,
    request: &Request,
    trail: &Trail,
    record: &Record,
    (reason, letter): (CellReason, Option<&DeadLetter>),
    time: Timestamp,
) -> DeliveryOutcome {
    let people = delivery.recipients.len();
    let at = delivery.at.as_ref().and_then(|at| at.parse().ok());
    let has_answer = letter.is_some_and(|letter| letter.status.is_some());
    let departed = if delivery.perhaps_taken {
        Departed::Unanswered
    } else {
        trail.departed
    };
    let (status, request_id) = match letter {
        Some(letter) => (letter.status, letter.request_id.clone()),
        None => (trail.status, trail.request_id.clone()),
    };
    DeliveryOutcome {
        standing: Standing::of(at.as_ref(), people, request.retry_key),
        people: u16::try_from(people).unwrap_or(u16::MAX),
        reason,
        status,
        request_id,
        receives: record.receive_count,
        departed,
        latency_ms: trail.latency_ms,
        time,
        words: letter
            .filter(|letter| has_answer && !letter.line_message.is_empty())
            .map(|letter| letter.line_message.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::route::Route;
    use fanline_core::delivery::Endpoint;

    fn exchange(response: Result<u16, Failure>, header: Option<&'static str>) -> Exchange {
        let id = header.map(|name| (name.parse().unwrap(), "b3f7".parse().unwrap()));
        Exchange {
            route: Route::Line(Endpoint::Push),
            departed: Timestamp::UNIX_EPOCH,
            latency_ms: 12,
            response: response.map(|status| Response {
                status,
                headers: id.into_iter().collect(),
                body: None,
            }),
        }
    }

    const ID: Option<&str> = Some("x-line-request-id");
    const ACCEPTED_ID: Option<&str> = Some("x-line-accepted-request-id");

    #[test]
    fn only_an_answer_of_line_leaves_no_doubt() {
        for (response, header, expected) in [
            (Ok(200), ID, Departed::Answered),
            (Ok(200), None, Departed::Unanswered),
            (Ok(409), ACCEPTED_ID, Departed::Answered),
            (Ok(409), ID, Departed::Unanswered),
            (Ok(400), None, Departed::Answered),
            (Ok(401), None, Departed::Answered),
            (Ok(429), None, Departed::Answered),
            (Ok(302), ID, Departed::Unanswered),
            (Ok(500), ID, Departed::Unanswered),
            (Err(Failure::NotConnected), None, Departed::No),
            (Err(Failure::TimedOut), None, Departed::Unanswered),
            (Err(Failure::Lost), None, Departed::Unanswered),
        ] {
            let mut trail = Trail::NONE;
            trail.add(&exchange(response, header));
            assert_eq!(trail.departed, expected, "{response:?} {header:?}");
        }
    }

    #[test]
    fn a_doubt_stays_whatever_comes_after_it() {
        let mut trail = Trail::NONE;
        for (response, header, is_unanswered) in [
            (Err(Failure::NotConnected), None, false),
            (Ok(429), None, false),
            (Err(Failure::TimedOut), None, true),
            (Err(Failure::NotConnected), None, true),
            (Ok(429), None, true),
        ] {
            trail.add(&exchange(response, header));
            assert_eq!(trail.is_unanswered(), is_unanswered, "{response:?}");
        }
        assert_eq!(trail.status, Some(429));
    }
}

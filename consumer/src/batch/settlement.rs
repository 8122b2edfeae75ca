//! What becomes of a record: decided from what the channel says about its delivery. Pure.

use fanline_core::delivery::Delivery;
use fanline_core::outcome::{DeadLetterReason, Outcome};
use fanline_ledger::CellReason;
use jiff::Timestamp;

use crate::channel::attempt::{Attempt, Conclusion};
use crate::channel::backoff::{RetryCause, key_end};
use crate::channel::hold::HoldReason;
use crate::channel::response::Response;
use crate::line::error_body::quote;
use crate::sqs::dead_letter::DeadLetter;
use crate::sqs::record::Record;

#[cfg(test)]
mod tests;

// The texts of dead letters without a response.
const EXPIRED: &str = "its `expires_at` had passed";
const TOO_OLD: &str = "its run began more than 23 hours ago";
const UNKNOWN: &str = "no clear response came, and the campaign says not to send it again";
const OUT_OF_QUOTA: &str = "on hold: the month's messages are used up";
const OVER_QUOTA: &str = "the month has too few messages left for it";
const FORBIDDEN: &str = "the channel answered 403 until its last receive";
const OUT_OF_RECEIVES: &str = "no clear response came until its last receive";
const OUT_OF_TIME: &str = "its `expires_at` is too near for another attempt";
const OUT_OF_KEY: &str = "no clear response came, and its run is nearly 23 hours old";
const NO_TOKEN: &str = "on hold: there is no token that the channel accepts";

/// What becomes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settlement {
    /// It may be deleted.
    Acknowledge,
    /// It comes again at this time. A number of seconds would count from the end of the batch.
    Return(Timestamp),
    /// It comes again when its visibility timeout runs out.
    Untouched,
}

/// What to do with a delivery after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It has this outcome.
    End(Outcome),
    /// It has the outcome that this is a reason for, once its dead letter is sent.
    SetAside(CellReason, DeadLetter),
    /// It has no outcome yet.
    HandBack(RetryCause),
    /// Its run is paused: it comes again.
    Wait,
    /// Its run is paused while others go on: it leaves the queue.
    Park,
}

/// Decides what to do with a delivery after an attempt. `max_receive_count` is the queue's.
pub(crate) fn decide(
    attempt: &Attempt,
    delivery: &Delivery,
    record: &Record,
    max_receive_count: u32,
) -> Decision {
    use DeadLetterReason as Reason;
    let set_aside =
        |cell, reason, text: &str| Decision::SetAside(cell, letter(delivery, record, reason, text));
    match &attempt.conclusion {
        Conclusion::Accepted => Decision::End(Outcome::Accepted),
        Conclusion::AlreadyAccepted => Decision::End(Outcome::AlreadyAccepted),
        Conclusion::Cancelled => Decision::End(Outcome::Cancelled),
        Conclusion::Paused => Decision::Wait,
        Conclusion::Parked => Decision::Park,
        Conclusion::Retry(cause) => hand_back(*cause, attempt, delivery, record, max_receive_count),
        // A split that nobody takes apart is a refusal.
        Conclusion::Refused | Conclusion::Split(_) => refuse(attempt.response(), delivery, record),
        Conclusion::Unsendable(text) => set_aside(CellReason::Unfit, Reason::Refused, text),
        Conclusion::OnHold(reason) => {
            let cause = match reason {
                HoldReason::Outage => RetryCause::NotMade,
                HoldReason::Quota => RetryCause::OnHold,
                HoldReason::Unauthorized => RetryCause::NoToken,
            };
            if record.receive_count < max_receive_count {
                Decision::HandBack(cause)
            } else {
                hold(*reason, attempt.response(), delivery, record)
            }
        }
        Conclusion::OverQuota => {
            let letter = letter(delivery, record, Reason::Quota, OVER_QUOTA);
            let letter = with_response(letter, attempt.response(), delivery);
            Decision::SetAside(CellReason::Quota, letter)
        }
        Conclusion::Expired => set_aside(CellReason::Expired, Reason::Expired, EXPIRED),
        Conclusion::TooOld => set_aside(CellReason::TooOld, Reason::Unknown, TOO_OLD),
        Conclusion::Unknown => set_aside(CellReason::Unanswered, Reason::Unknown, UNKNOWN),
    }
}

/// Sets aside a delivery that the channel refused with `response`.
pub(crate) fn refuse(
    response: Option<&Response>,
    delivery: &Delivery,
    record: &Record,
) -> Decision {
    let letter = letter(delivery, record, DeadLetterReason::Refused, "");
    Decision::SetAside(
        CellReason::Refused,
        with_response(letter, response, delivery),
    )
}

/// The outcome that the metrics count for a delivery that is set aside.
pub(crate) fn outcome_with(reason: CellReason) -> Outcome {
    match reason {
        CellReason::Accepted => Outcome::Accepted,
        CellReason::Quota | CellReason::Unauthorized => Outcome::Hold,
        CellReason::Expired => Outcome::Expired,
        CellReason::Refused | CellReason::Unfit => Outcome::Refused,
        CellReason::TooOld | CellReason::Unanswered => Outcome::Unknown,
        CellReason::Cancelled => Outcome::Cancelled,
    }
}

/// Hands a delivery back. At its last receive it is set aside with its reason, since SQS would do
/// that without one.
fn hand_back(
    cause: RetryCause,
    attempt: &Attempt,
    delivery: &Delivery,
    record: &Record,
    max_receive_count: u32,
) -> Decision {
    if record.receive_count < max_receive_count {
        return Decision::HandBack(cause);
    }
    let (cell, reason, text) = match cause {
        RetryCause::Forbidden => (
            CellReason::Unauthorized,
            DeadLetterReason::Unauthorized,
            FORBIDDEN,
        ),
        _ => (
            CellReason::Unanswered,
            DeadLetterReason::Unknown,
            OUT_OF_RECEIVES,
        ),
    };
    let letter = letter(delivery, record, reason, text);
    Decision::SetAside(cell, with_response(letter, attempt.response(), delivery))
}

/// Sets aside a delivery that can't be tried again before its end: it expires, or LINE may forget
/// its retry key.
pub(crate) fn out_of_time(delivery: &Delivery, record: &Record) -> (CellReason, DeadLetter) {
    let (cell, reason, text) = if delivery.envelope.expires_at.is_some_and(|expires_at| {
        key_end(&delivery.envelope).is_none_or(|key_end| expires_at <= key_end)
    }) {
        (CellReason::Expired, DeadLetterReason::Expired, OUT_OF_TIME)
    } else {
        (CellReason::TooOld, DeadLetterReason::Unknown, OUT_OF_KEY)
    };
    (cell, letter(delivery, record, reason, text))
}

fn hold(
    reason: HoldReason,
    response: Option<&Response>,
    delivery: &Delivery,
    record: &Record,
) -> Decision {
    use DeadLetterReason as Reason;
    let (cell, reason, text) = match reason {
        HoldReason::Quota => (CellReason::Quota, Reason::Quota, OUT_OF_QUOTA),
        HoldReason::Unauthorized => (CellReason::Unauthorized, Reason::Unauthorized, NO_TOKEN),
        HoldReason::Outage => (CellReason::Unanswered, Reason::Unknown, OUT_OF_RECEIVES),
    };
    let letter = letter(delivery, record, reason, text);
    Decision::SetAside(cell, with_response(letter, response, delivery))
}

fn letter(
    delivery: &Delivery,
    record: &Record,
    reason: DeadLetterReason,
    text: &str,
) -> DeadLetter {
    DeadLetter {
        reason,
        status: None,
        line_message: text.to_owned(),
        request_id: None,
        run: Some(delivery.envelope.run.clone()),
        receive_count: record.receive_count,
    }
}

/// The letter with the status, the text and the request ID of a response.
fn with_response(
    letter: DeadLetter,
    response: Option<&Response>,
    delivery: &Delivery,
) -> DeadLetter {
    let Some(response) = response else {
        return letter;
    };
    DeadLetter {
        status: Some(response.status),
        line_message: match &response.body {
            Some(_) => quote(&response.text(), &delivery.recipients),
            None => letter.line_message,
        },
        request_id: response.request_id().map(str::to_owned),
        ..letter
    }
}

//! What becomes of a record: decided from what the channel says about its delivery. Pure.

use fanline_core::delivery::{DecodeError, Delivery};
use fanline_core::outcome::{DeadLetterReason, Outcome};

use crate::channel::attempt::{Attempt, Conclusion};
use crate::channel::backoff::RetryCause;
use crate::channel::hold::HoldReason;
use crate::channel::response::Response;
use crate::line::error_body::quote;
use crate::sqs::dead_letter::DeadLetter;
use crate::sqs::record::Record;

// The texts of dead letters without a response.
const EXPIRED: &str = "its `expires_at` had passed";
const TOO_OLD: &str = "its run began more than 23 hours ago";
const UNKNOWN: &str = "no clear response came, and the campaign says not to send it again";
const OUT_OF_QUOTA: &str = "on hold: the month's messages are used up";
const NO_TOKEN: &str = "on hold: there is no token that the channel accepts";

/// What becomes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settlement {
    /// It may be deleted.
    Acknowledge,
    /// It comes again after so many seconds.
    Return(u16),
    /// It comes again when its visibility timeout runs out.
    Untouched,
}

/// What to do with a delivery after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It has this outcome.
    End(Outcome),
    /// It has this outcome once its dead letter is sent.
    SetAside(Outcome, DeadLetter),
    /// It has no outcome yet.
    HandBack(RetryCause),
}

/// Decides what to do with a delivery after an attempt. `max_receive_count` is the queue's.
pub(crate) fn decide(
    attempt: &Attempt,
    delivery: &Delivery,
    record: &Record,
    max_receive_count: u32,
) -> Decision {
    use DeadLetterReason as Reason;
    let set_aside = |outcome, reason, text: &str| {
        Decision::SetAside(outcome, letter(delivery, record, reason, text))
    };
    match &attempt.conclusion {
        Conclusion::Accepted => Decision::End(Outcome::Accepted),
        Conclusion::AlreadyAccepted => Decision::End(Outcome::AlreadyAccepted),
        Conclusion::Retry(cause) => Decision::HandBack(*cause),
        // A split that nobody takes apart is a refusal.
        Conclusion::Refused | Conclusion::Split(_) => refuse(attempt.response(), delivery, record),
        Conclusion::Unsendable(text) => set_aside(Outcome::Refused, Reason::Refused, text),
        Conclusion::OnHold {
            reason: HoldReason::Unauthorized,
            ..
        } if record.receive_count < max_receive_count => Decision::HandBack(RetryCause::OnHold),
        Conclusion::OnHold { reason, .. } => hold(*reason, attempt.response(), delivery, record),
        Conclusion::Expired => set_aside(Outcome::Expired, Reason::Expired, EXPIRED),
        Conclusion::TooOld => set_aside(Outcome::Unknown, Reason::Unknown, TOO_OLD),
        Conclusion::Unknown => set_aside(Outcome::Unknown, Reason::Unknown, UNKNOWN),
    }
}

/// Sets aside a delivery that the channel refused with `response`.
pub(crate) fn refuse(
    response: Option<&Response>,
    delivery: &Delivery,
    record: &Record,
) -> Decision {
    let letter = letter(delivery, record, DeadLetterReason::Refused, "");
    Decision::SetAside(Outcome::Refused, with_response(letter, response, delivery))
}

/// The dead letter of a record whose body is not a delivery.
pub(crate) fn undecodable(error: &DecodeError, record: &Record) -> DeadLetter {
    DeadLetter {
        reason: DeadLetterReason::Undecodable,
        status: None,
        line_message: error.to_string(),
        request_id: None,
        run: None,
        receive_count: record.receive_count,
    }
}

fn hold(
    reason: HoldReason,
    response: Option<&Response>,
    delivery: &Delivery,
    record: &Record,
) -> Decision {
    let (reason, text) = match reason {
        HoldReason::Quota => (DeadLetterReason::Quota, OUT_OF_QUOTA),
        HoldReason::Unauthorized => (DeadLetterReason::Unauthorized, NO_TOKEN),
    };
    let letter = letter(delivery, record, reason, text);
    Decision::SetAside(Outcome::Hold, with_response(letter, response, delivery))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::attempt::Exchange;
    use crate::channel::route::Route;
    use aws_lambda_events::sqs::SqsMessage;
    use fanline_core::delivery::Endpoint;
    use jiff::Timestamp;

    const MAX_RECEIVE_COUNT: u32 = 5;

    fn delivery() -> Delivery {
        Delivery::decode(
            r#"{"v":1,"run":"xmas","channel":"line","recipients":["U1"],"messages":[0],"started_at":"2026-01-01T00:00:00Z"}"#,
        )
        .unwrap()
    }

    fn record(receive_count: u32) -> Record {
        Record {
            receive_count,
            ..SqsMessage::default().into()
        }
    }

    fn attempt(conclusion: Conclusion, response: Option<Response>) -> Attempt {
        let exchange = response.map(|response| Exchange {
            route: Route::Line(Endpoint::Push),
            departed: Timestamp::UNIX_EPOCH,
            latency_ms: 12,
            response: Ok(response),
        });
        Attempt {
            exchanges: exchange.into_iter().collect(),
            conclusion,
        }
    }

    fn response(status: u16, body: Option<&str>) -> Response {
        let id = [(
            "x-line-request-id".parse().unwrap(),
            "b3f7".parse().unwrap(),
        )];
        Response {
            status,
            headers: id.into_iter().collect(),
            body: body.map(Into::into),
        }
    }

    fn on_hold(reason: HoldReason, began: bool) -> Conclusion {
        Conclusion::OnHold { reason, began }
    }

    fn decided(attempt: &Attempt, receive_count: u32) -> Decision {
        let record = record(receive_count);
        decide(attempt, &delivery(), &record, MAX_RECEIVE_COUNT)
    }

    fn end(outcome: Outcome) -> Decision {
        Decision::End(outcome)
    }

    fn back(cause: RetryCause) -> Decision {
        Decision::HandBack(cause)
    }

    /// A dead letter without a response.
    fn aside(outcome: Outcome, reason: DeadLetterReason, text: &str) -> Decision {
        let letter = letter(&delivery(), &record(1), reason, text);
        Decision::SetAside(outcome, letter)
    }

    #[test]
    fn every_conclusion_has_its_decision() {
        use DeadLetterReason as Reason;
        let reset = RetryCause::Until(Timestamp::UNIX_EPOCH);
        let refused = |text| aside(Outcome::Refused, Reason::Refused, text);
        let expired = aside(Outcome::Expired, Reason::Expired, EXPIRED);
        let unknown = |text| aside(Outcome::Unknown, Reason::Unknown, text);
        let quota = aside(Outcome::Hold, Reason::Quota, OUT_OF_QUOTA);
        for (conclusion, expected) in [
            (Conclusion::Accepted, end(Outcome::Accepted)),
            (Conclusion::AlreadyAccepted, end(Outcome::AlreadyAccepted)),
            (
                Conclusion::Retry(RetryCause::Fault),
                back(RetryCause::Fault),
            ),
            (
                Conclusion::Retry(RetryCause::TooFast),
                back(RetryCause::TooFast),
            ),
            (Conclusion::Retry(reset), back(reset)),
            (Conclusion::Refused, refused("")),
            (Conclusion::Split(vec![1]), refused("")),
            (Conclusion::Unsendable("no".into()), refused("no")),
            (Conclusion::Expired, expired),
            (Conclusion::TooOld, unknown(TOO_OLD)),
            (Conclusion::Unknown, unknown(UNKNOWN)),
            (on_hold(HoldReason::Quota, true), quota.clone()),
            (on_hold(HoldReason::Quota, false), quota),
            (
                on_hold(HoldReason::Unauthorized, true),
                back(RetryCause::OnHold),
            ),
            (
                on_hold(HoldReason::Unauthorized, false),
                back(RetryCause::OnHold),
            ),
        ] {
            let attempt = attempt(conclusion, None);
            assert_eq!(decided(&attempt, 1), expected, "{attempt:?}");
        }
    }

    #[test]
    fn a_delivery_on_hold_for_its_token_is_set_aside_at_its_last_receive() {
        let attempt = attempt(on_hold(HoldReason::Unauthorized, false), None);
        for receive_count in 1..MAX_RECEIVE_COUNT {
            let decision = decided(&attempt, receive_count);
            assert_eq!(decision, back(RetryCause::OnHold), "{receive_count}");
        }
        for receive_count in [MAX_RECEIVE_COUNT, MAX_RECEIVE_COUNT + 1] {
            let Decision::SetAside(outcome, letter) = decided(&attempt, receive_count) else {
                panic!("no dead letter")
            };
            assert_eq!(outcome, Outcome::Hold);
            assert_eq!(letter.reason, DeadLetterReason::Unauthorized);
            assert_eq!(letter.receive_count, receive_count);
        }
    }

    #[test]
    fn a_dead_letter_quotes_the_response_only_if_the_response_is_the_reason() {
        let body = Some(r#"{"message":"for U1"}"#);
        for (conclusion, response, status, text) in [
            (Conclusion::Refused, response(404, body), Some(404), "for …"),
            (Conclusion::Refused, response(404, None), Some(404), ""),
            (
                on_hold(HoldReason::Quota, true),
                response(429, body),
                Some(429),
                "for …",
            ),
            (
                on_hold(HoldReason::Quota, true),
                response(429, None),
                Some(429),
                OUT_OF_QUOTA,
            ),
            (Conclusion::Expired, response(401, body), None, EXPIRED),
        ] {
            let Decision::SetAside(_, letter) = decided(&attempt(conclusion, Some(response)), 1)
            else {
                panic!("no dead letter")
            };
            assert_eq!(
                (letter.status, letter.line_message.as_str()),
                (status, text)
            );
            assert_eq!(letter.request_id.is_some(), status.is_some());
        }
    }
}

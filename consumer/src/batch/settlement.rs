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
        Conclusion::Expired => set_aside(
            Outcome::Expired,
            Reason::Expired,
            "its `expires_at` had passed",
        ),
        Conclusion::TooOld => set_aside(
            Outcome::Unknown,
            Reason::Unknown,
            "its run began more than 23 hours ago",
        ),
        Conclusion::Unknown => set_aside(
            Outcome::Unknown,
            Reason::Unknown,
            "no response came, and the campaign says not to send it again",
        ),
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
        HoldReason::Quota => (
            DeadLetterReason::Quota,
            "on hold: the month's messages are used up",
        ),
        HoldReason::Unauthorized => (
            DeadLetterReason::Unauthorized,
            "on hold: there is no token that the channel accepts",
        ),
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
    use fanline_core::request::Endpoint;
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

    #[test]
    fn every_conclusion_has_its_decision() {
        use DeadLetterReason as Reason;
        let reset = RetryCause::Until(Timestamp::UNIX_EPOCH);
        let end = |outcome| (Some(outcome), None, None);
        let back = |cause| (None, None, Some(cause));
        let aside = |outcome, reason| (Some(outcome), Some(reason), None);
        let unauthorized = |began| on_hold(HoldReason::Unauthorized, began);
        let quota = |began| on_hold(HoldReason::Quota, began);
        // What is decided at the first receive, and at the last one.
        let table = [
            (
                Conclusion::Accepted,
                end(Outcome::Accepted),
                end(Outcome::Accepted),
            ),
            (
                Conclusion::AlreadyAccepted,
                end(Outcome::AlreadyAccepted),
                end(Outcome::AlreadyAccepted),
            ),
            (
                Conclusion::Retry(RetryCause::Fault),
                back(RetryCause::Fault),
                back(RetryCause::Fault),
            ),
            (
                Conclusion::Retry(RetryCause::TooFast),
                back(RetryCause::TooFast),
                back(RetryCause::TooFast),
            ),
            (Conclusion::Retry(reset), back(reset), back(reset)),
            (
                unauthorized(false),
                back(RetryCause::OnHold),
                aside(Outcome::Hold, Reason::Unauthorized),
            ),
            (
                unauthorized(true),
                back(RetryCause::OnHold),
                aside(Outcome::Hold, Reason::Unauthorized),
            ),
            (
                quota(false),
                aside(Outcome::Hold, Reason::Quota),
                aside(Outcome::Hold, Reason::Quota),
            ),
            (
                quota(true),
                aside(Outcome::Hold, Reason::Quota),
                aside(Outcome::Hold, Reason::Quota),
            ),
            (
                Conclusion::Refused,
                aside(Outcome::Refused, Reason::Refused),
                aside(Outcome::Refused, Reason::Refused),
            ),
            (
                Conclusion::Split(vec![1]),
                aside(Outcome::Refused, Reason::Refused),
                aside(Outcome::Refused, Reason::Refused),
            ),
            (
                Conclusion::Unsendable("no".into()),
                aside(Outcome::Refused, Reason::Refused),
                aside(Outcome::Refused, Reason::Refused),
            ),
            (
                Conclusion::Expired,
                aside(Outcome::Expired, Reason::Expired),
                aside(Outcome::Expired, Reason::Expired),
            ),
            (
                Conclusion::TooOld,
                aside(Outcome::Unknown, Reason::Unknown),
                aside(Outcome::Unknown, Reason::Unknown),
            ),
            (
                Conclusion::Unknown,
                aside(Outcome::Unknown, Reason::Unknown),
                aside(Outcome::Unknown, Reason::Unknown),
            ),
        ];
        for (conclusion, first, last) in table {
            let attempt = attempt(conclusion, None);
            for (receive_count, expected) in [(1, first), (4, first), (5, last), (6, last)] {
                let decision = match decided(&attempt, receive_count) {
                    Decision::End(outcome) => (Some(outcome), None, None),
                    Decision::SetAside(outcome, letter) => {
                        assert_eq!(letter.run.as_deref(), Some("xmas"));
                        assert_eq!(letter.receive_count, receive_count);
                        assert_eq!(letter.status, None);
                        (Some(outcome), Some(letter.reason), None)
                    }
                    Decision::HandBack(cause) => (None, None, Some(cause)),
                };
                assert_eq!(decision, expected, "{attempt:?} at {receive_count}");
            }
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
                "on hold: the month's messages are used up",
            ),
            (
                Conclusion::Expired,
                response(401, body),
                None,
                "its `expires_at` had passed",
            ),
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

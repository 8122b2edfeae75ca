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
        ..Record::of(0, SqsMessage::default())
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
        ..Attempt::without_request(conclusion)
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
fn aside(cell: CellReason, reason: DeadLetterReason, text: &str) -> Decision {
    let letter = letter(&delivery(), &record(1), reason, text);
    Decision::SetAside(cell, letter)
}

#[test]
fn every_conclusion_has_its_decision() {
    use DeadLetterReason as Reason;
    let reset = RetryCause::Until(Timestamp::UNIX_EPOCH);
    let refused = aside(CellReason::Refused, Reason::Refused, "");
    let unfit = aside(CellReason::Unfit, Reason::Refused, "no");
    let expired = aside(CellReason::Expired, Reason::Expired, EXPIRED);
    let unknown = |cell, text| aside(cell, Reason::Unknown, text);
    let quota = aside(CellReason::Quota, Reason::Quota, OVER_QUOTA);
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
        (Conclusion::Refused, refused.clone()),
        (Conclusion::Split(vec![1]), refused),
        (Conclusion::Unsendable("no".into()), unfit),
        (Conclusion::Expired, expired),
        (Conclusion::TooOld, unknown(CellReason::TooOld, TOO_OLD)),
        (
            Conclusion::Unknown,
            unknown(CellReason::Unanswered, UNKNOWN),
        ),
        (
            Conclusion::OnHold(HoldReason::Quota),
            back(RetryCause::OnHold),
        ),
        (
            Conclusion::OnHold(HoldReason::Unauthorized),
            back(RetryCause::NoToken),
        ),
        (
            Conclusion::OnHold(HoldReason::Outage),
            back(RetryCause::NotMade),
        ),
        (Conclusion::OverQuota, quota),
        (Conclusion::Cancelled, end(Outcome::Cancelled)),
        (Conclusion::Paused, Decision::Wait),
        (Conclusion::Parked, Decision::Park),
    ] {
        let attempt = attempt(conclusion, None);
        assert_eq!(decided(&attempt, 1), expected, "{attempt:?}");
    }
}

#[test]
fn at_its_last_receive_a_delivery_is_set_aside_with_its_reason() {
    use DeadLetterReason as Reason;
    let reset = RetryCause::Until(Timestamp::UNIX_EPOCH);
    for (conclusion, cell, reason) in [
        (
            Conclusion::Retry(RetryCause::Fault),
            CellReason::Unanswered,
            Reason::Unknown,
        ),
        (
            Conclusion::Retry(RetryCause::TooFast),
            CellReason::Unanswered,
            Reason::Unknown,
        ),
        (
            Conclusion::Retry(reset),
            CellReason::Unanswered,
            Reason::Unknown,
        ),
        (
            Conclusion::Retry(RetryCause::Forbidden),
            CellReason::Unauthorized,
            Reason::Unauthorized,
        ),
        (
            Conclusion::OnHold(HoldReason::Quota),
            CellReason::Quota,
            Reason::Quota,
        ),
        (
            Conclusion::OnHold(HoldReason::Unauthorized),
            CellReason::Unauthorized,
            Reason::Unauthorized,
        ),
        (
            Conclusion::OnHold(HoldReason::Outage),
            CellReason::Unanswered,
            Reason::Unknown,
        ),
    ] {
        let attempt = attempt(conclusion, None);
        for receive_count in 1..MAX_RECEIVE_COUNT {
            let decision = decided(&attempt, receive_count);
            assert!(matches!(decision, Decision::HandBack(_)), "{attempt:?}");
        }
        for receive_count in [MAX_RECEIVE_COUNT, MAX_RECEIVE_COUNT + 1] {
            let Decision::SetAside(had, letter) = decided(&attempt, receive_count) else {
                panic!("no dead letter: {attempt:?}")
            };
            assert_eq!((had, letter.reason), (cell, reason));
            assert!(!letter.line_message.is_empty());
            assert_eq!(letter.receive_count, receive_count);
        }
    }
}

#[test]
fn what_has_no_time_left_is_expired_or_its_key_is_too_old() {
    for (expires_at, expected) in [
        (Some("2026-01-01T12:00:00Z"), CellReason::Expired),
        (Some("2026-01-01T23:30:00Z"), CellReason::TooOld),
        (None, CellReason::TooOld),
    ] {
        let mut delivery = delivery();
        delivery.envelope.expires_at = expires_at.map(|at| at.parse().unwrap());
        let (cell, letter) = out_of_time(&delivery, &record(3));
        assert_eq!(cell, expected, "{expires_at:?}");
        assert_eq!(letter.reason.as_str(), outcome_with(cell).as_str());
    }
}

#[test]
fn a_dead_letter_quotes_the_response_only_if_the_response_is_the_reason() {
    let body = Some(r#"{"message":"for U1"}"#);
    for (conclusion, response, status, text) in [
        (Conclusion::Refused, response(404, body), Some(404), "for …"),
        (Conclusion::Refused, response(404, None), Some(404), ""),
        (
            Conclusion::OverQuota,
            response(429, body),
            Some(429),
            "for …",
        ),
        (
            Conclusion::OverQuota,
            response(429, None),
            Some(429),
            OVER_QUOTA,
        ),
        (Conclusion::Expired, response(401, body), None, EXPIRED),
    ] {
        let Decision::SetAside(_, letter) = decided(&attempt(conclusion, Some(response)), 1) else {
            panic!("no dead letter")
        };
        assert_eq!(
            (letter.status, letter.line_message.as_str()),
            (status, text)
        );
        assert_eq!(letter.request_id.is_some(), status.is_some());
    }
}

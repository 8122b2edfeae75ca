//! The verdict on what came back from the Messaging API: one pure function, total over every status
//! and every failure.

use fanline_core::delivery::Endpoint;

use crate::channel::response::{Failure, Response};
use crate::channel::verdict::Verdict;
use crate::line::error_body::{Blame, blame};

/// The status decides first and the body second, since LINE does not promise its texts.
/// <https://developers.line.biz/en/docs/messaging-api/development-guidelines/>
pub(crate) fn classify(endpoint: Endpoint, response: &Result<Response, Failure>) -> Verdict {
    let response = match response {
        Ok(response) => response,
        Err(Failure::NotConnected) => return Verdict::NotTaken,
        Err(Failure::TimedOut | Failure::Lost) => return Verdict::Unclear,
    };
    match response.status {
        // LINE has `X-Line-Request-Id` on every answer, and on a 409 the ID of the request that it
        // accepted. Without them the answer comes from something between LINE and us.
        // https://developers.line.biz/en/docs/messaging-api/retrying-api-request/
        200..=299 if response.request_id().is_some() => Verdict::Accepted,
        409 if response.accepted_request_id().is_some() => Verdict::AlreadyAccepted,
        200..=299 | 409 => Verdict::Unclear,
        400 if endpoint == Endpoint::Multicast => refused_multicast(response),
        401 => Verdict::Unauthorized,
        403 => Verdict::Forbidden,
        429 if response.says_rate_limit() => Verdict::TooFast,
        429 => Verdict::PerhapsQuota,
        400..=499 => Verdict::Refused,
        // 5xx. Also 1xx, 3xx and numbers that are no status: LINE never sends these, so they come
        // from something between LINE and us.
        _ => Verdict::Unclear,
    }
}

fn refused_multicast(response: &Response) -> Verdict {
    // The parts must be the same on every attempt, so they are made only from a whole body.
    if response.body.is_none() {
        return Verdict::NotTaken;
    }
    match blame(&response.text()) {
        Blame::Content => Verdict::Refused,
        Blame::Recipients(positions) => Verdict::Split(positions),
        Blame::Nobody => Verdict::Split(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderName, HeaderValue};

    const ENDPOINTS: [Endpoint; 2] = [Endpoint::Push, Endpoint::Multicast];
    const NAMED: &str =
        r#"{"message":"The property, to[1], in the request body is invalid (line: -, column: -)"}"#;

    const HEADERS: [&str; 2] = ["x-line-request-id", "x-line-accepted-request-id"];

    /// The verdict on a status with LINE's headers and a body, or with one that was cut off.
    fn verdict(endpoint: Endpoint, status: u16, body: Option<&str>) -> Verdict {
        verdict_with(endpoint, status, body, &HEADERS)
    }

    fn verdict_with(
        endpoint: Endpoint,
        status: u16,
        body: Option<&str>,
        headers: &[&'static str],
    ) -> Verdict {
        let id = || HeaderValue::from_static("b3f7");
        let headers = headers
            .iter()
            .map(|name| (HeaderName::from_static(name), id()));
        let response = Response {
            status,
            headers: headers.collect(),
            body: body.map(Into::into),
        };
        classify(endpoint, &Ok(response))
    }

    #[test]
    fn a_2xx_and_a_409_are_believed_only_with_lines_own_headers() {
        let [id, accepted_id] = HEADERS;
        for (status, headers, expected) in [
            (200, &[][..], Verdict::Unclear),
            (200, &[accepted_id], Verdict::Unclear),
            (200, &[id], Verdict::Accepted),
            (204, &[], Verdict::Unclear),
            (409, &[], Verdict::Unclear),
            (409, &[id], Verdict::Unclear),
            (409, &[id, accepted_id], Verdict::AlreadyAccepted),
        ] {
            for endpoint in ENDPOINTS {
                let verdict = verdict_with(endpoint, status, Some("{}"), headers);
                assert_eq!(verdict, expected, "{status} {headers:?}");
            }
        }
    }

    #[test]
    fn every_status_has_its_verdict_on_every_endpoint() {
        for status in 100..=599 {
            for endpoint in ENDPOINTS {
                let expected = match (endpoint, status) {
                    (_, 200..=299) => Verdict::Accepted,
                    (_, 100..=199 | 300..=399 | 500..=599) => Verdict::Unclear,
                    (Endpoint::Multicast, 400) => Verdict::Split(Vec::new()),
                    (_, 401) => Verdict::Unauthorized,
                    (_, 403) => Verdict::Forbidden,
                    (_, 409) => Verdict::AlreadyAccepted,
                    (_, 429) => Verdict::PerhapsQuota,
                    _ => Verdict::Refused,
                };
                // An empty body, one that is not JSON, or one that says nothing of importance.
                for body in ["", "<html>", r#"{"message":"hello"}"#, r#"{"message":5}"#] {
                    let verdict = verdict(endpoint, status, Some(body));
                    assert_eq!(verdict, expected, "{endpoint:?} {status} {body}");
                }
                if (endpoint, status) != (Endpoint::Multicast, 400) {
                    assert_eq!(verdict(endpoint, status, None), expected, "{status}");
                }
            }
        }
    }

    #[test]
    fn a_refused_multicast_whose_body_is_cut_off_is_sent_again() {
        let verdict = verdict(Endpoint::Multicast, 400, None);
        assert_eq!(verdict, Verdict::NotTaken);
    }

    #[test]
    fn a_number_that_is_no_status_is_unclear() {
        for status in [0, 99, 600, 999] {
            for endpoint in ENDPOINTS {
                assert_eq!(verdict(endpoint, status, None), Verdict::Unclear);
            }
        }
    }

    #[test]
    fn no_response_is_unclear_unless_nothing_was_sent() {
        for endpoint in ENDPOINTS {
            for (failure, expected) in [
                (Failure::NotConnected, Verdict::NotTaken),
                (Failure::TimedOut, Verdict::Unclear),
                (Failure::Lost, Verdict::Unclear),
            ] {
                assert_eq!(classify(endpoint, &Err(failure)), expected);
            }
        }
    }

    #[test]
    fn every_documented_429_and_an_unknown_one() {
        for (text, expected) in [
            (
                "The API rate limit has been exceeded. Try again later.",
                Verdict::TooFast,
            ),
            (
                "You have reached your monthly limit.",
                Verdict::PerhapsQuota,
            ),
            (
                "A large number of messages were sent to the same user",
                Verdict::PerhapsQuota,
            ),
            ("Slow down, friend", Verdict::PerhapsQuota),
        ] {
            let body = format!(r#"{{"message":"{text}"}}"#);
            for endpoint in ENDPOINTS {
                assert_eq!(verdict(endpoint, 429, Some(&body)), expected, "{text}");
            }
        }
    }

    #[test]
    fn a_multicast_is_split_only_if_a_recipient_may_be_to_blame() {
        let text = r#"{"message":"The request body has 1 error(s)","details":[{"message":"May not be empty","property":"messages[0].text"}]}"#;
        for (endpoint, body, expected) in [
            (Endpoint::Multicast, NAMED, Verdict::Split(vec![1])),
            (Endpoint::Multicast, text, Verdict::Refused),
            (Endpoint::Push, NAMED, Verdict::Refused),
        ] {
            assert_eq!(verdict(endpoint, 400, Some(body)), expected, "{body}");
        }
    }
}

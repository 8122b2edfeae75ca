//! The verdict on what came back from LINE Notify: one pure function, total over every status and
//! every failure.

use crate::channel::response::{Failure, Response};
use crate::channel::verdict::Verdict;

/// The status decides. A text matters only for the limit of images.
pub(crate) fn classify(response: &Result<Response, Failure>) -> Verdict {
    let response = match response {
        Ok(response) => response,
        Err(Failure::NotConnected) => return Verdict::NotTaken,
        Err(Failure::TimedOut | Failure::Lost) => return Verdict::Unclear,
    };
    match response.status {
        200..=299 => Verdict::Accepted,
        429 => Verdict::TooFast,
        // "Image rate limit exceeded." is known, but not the status that it comes with.
        400..=499 if response.says_rate_limit() => Verdict::TooFast,
        // A 401 too: the token is the recipient, and other tokens go on.
        400..=499 => Verdict::Refused,
        _ => Verdict::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The verdict on a status with a body, or with one that was cut off.
    fn verdict(status: u16, body: Option<&str>) -> Verdict {
        let response = Response {
            status,
            body: body.map(Into::into),
            ..Response::default()
        };
        classify(&Ok(response))
    }

    #[test]
    fn every_status_has_its_verdict() {
        for status in (100..=599).chain([0, 99, 600, 999]) {
            let expected = match status {
                200..=299 => Verdict::Accepted,
                429 => Verdict::TooFast,
                400..=499 => Verdict::Refused,
                _ => Verdict::Unclear,
            };
            // A body that is cut off, empty, not JSON, or says nothing of importance.
            for body in [
                None,
                Some(""),
                Some("<html>"),
                Some(r#"{"message":"hello"}"#),
            ] {
                assert_eq!(verdict(status, body), expected, "{status} {body:?}");
            }
        }
    }

    #[test]
    fn no_response_is_unclear_unless_nothing_was_sent() {
        for (failure, expected) in [
            (Failure::NotConnected, Verdict::NotTaken),
            (Failure::TimedOut, Verdict::Unclear),
            (Failure::Lost, Verdict::Unclear),
        ] {
            assert_eq!(classify(&Err(failure)), expected);
        }
    }

    #[test]
    fn the_limit_of_images_is_a_limit_under_every_4xx() {
        for status in [400, 403, 429] {
            let body = r#"{"status":400,"message":"Image rate limit exceeded."}"#;
            assert_eq!(verdict(status, Some(body)), Verdict::TooFast);
        }
    }
}

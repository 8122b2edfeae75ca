//! What an answer means: one pure function, total over every status and every way of getting none.

use fanline_core::request::Endpoint;

use crate::channel::response::{Answer, Failure, Reply};
use crate::line::error_body::{self, Blame};

/// Which request was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Route {
    /// The Messaging API, with a retry key.
    Line(Endpoint),
    /// LINE Notify, which has no such key.
    Notify,
}

impl Route {
    /// The path, as it is appended to the base and written in the log.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Line(Endpoint::Push) => "/v2/bot/message/push",
            Self::Line(Endpoint::Multicast) => "/v2/bot/message/multicast",
            Self::Notify => "/api/notify",
        }
    }
}

/// What to make of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The channel took it.
    Accepted,
    /// The channel had taken it on an earlier attempt.
    AlreadyAccepted,
    /// Nothing was sent: it may come again without a second thought.
    NotSent,
    /// It may or may not have been taken: with a retry key it comes again, without one the campaign decides.
    Unclear,
    /// Too fast. It was not taken.
    TooFast,
    /// A 429 that does not speak of a rate: it says that the month's messages are used up, or is new to us. LINE's own count
    /// tells.
    PerhapsQuota,
    /// The token is not valid: a newer one may be.
    Unauthorized,
    /// The token is valid and not allowed to do this.
    Forbidden,
    /// A multicast that nobody got, because of one or some of its recipients.
    Split(Blame),
    /// The channel will never take it.
    Refused,
}

/// Decides on the status first and on the body second, since LINE doesn't promise its texts.
/// <https://developers.line.biz/en/docs/messaging-api/development-guidelines/>
pub(crate) fn classify(route: Route, answer: &Answer) -> Verdict {
    match answer {
        Answer::Unanswered(Failure::NotConnected) => Verdict::NotSent,
        Answer::Unanswered(Failure::TimedOut | Failure::Lost) => Verdict::Unclear,
        Answer::Status(reply) => match route {
            Route::Line(endpoint) => line(endpoint, reply),
            Route::Notify => notify(reply),
        },
    }
}

fn line(endpoint: Endpoint, reply: &Reply) -> Verdict {
    let body = reply.body.as_deref().unwrap_or_default();
    match reply.status {
        200..=299 => Verdict::Accepted,
        // https://developers.line.biz/en/docs/messaging-api/retrying-api-request/
        409 => Verdict::AlreadyAccepted,
        400 if endpoint == Endpoint::Multicast => match error_body::blame(body) {
            Blame::Content => Verdict::Refused,
            blame => Verdict::Split(blame),
        },
        401 => Verdict::Unauthorized,
        403 => Verdict::Forbidden,
        429 if error_body::says_rate_limit(body) => Verdict::TooFast,
        429 => Verdict::PerhapsQuota,
        400..=499 => Verdict::Refused,
        // 5xx; and 1xx, 3xx and what is no status at all, which LINE never sends: something in between did.
        _ => Verdict::Unclear,
    }
}

fn notify(reply: &Reply) -> Verdict {
    let body = reply.body.as_deref().unwrap_or_default();
    match reply.status {
        200..=299 => Verdict::Accepted,
        429 => Verdict::TooFast,
        // "Image rate limit exceeded." has been seen; with which status nobody wrote down.
        400..=499 if error_body::says_rate_limit(body) => Verdict::TooFast,
        // A 401 too: the token is the recipient, and other tokens go on.
        400..=499 => Verdict::Refused,
        _ => Verdict::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTES: [Route; 3] = [
        Route::Line(Endpoint::Push),
        Route::Line(Endpoint::Multicast),
        Route::Notify,
    ];

    fn with(status: u16, body: &str) -> Answer {
        Answer::Status(Reply {
            status,
            body: Some(body.into()),
            ..Reply::default()
        })
    }

    fn unreadable(status: u16) -> Answer {
        Answer::Status(Reply {
            status,
            ..Reply::default()
        })
    }

    #[test]
    fn every_status_has_its_verdict_on_every_route() {
        for status in 100..=599 {
            for route in ROUTES {
                let expected = match (route, status) {
                    (_, 200..=299) => Verdict::Accepted,
                    (_, 100..=199 | 300..=399 | 500..=599) => Verdict::Unclear,
                    (Route::Notify, 429) => Verdict::TooFast,
                    (Route::Notify, _) => Verdict::Refused,
                    (Route::Line(Endpoint::Multicast), 400) => Verdict::Split(Blame::Nobody),
                    (_, 401) => Verdict::Unauthorized,
                    (_, 403) => Verdict::Forbidden,
                    (_, 409) => Verdict::AlreadyAccepted,
                    (_, 429) => Verdict::PerhapsQuota,
                    _ => Verdict::Refused,
                };
                // The body is unreadable, empty, no JSON, or says something of no importance: the status has decided.
                for answer in [
                    unreadable(status),
                    with(status, ""),
                    with(status, "<html>"),
                    with(status, r#"{"message":"hello"}"#),
                    with(status, r#"{"message":5}"#),
                ] {
                    assert_eq!(classify(route, &answer), expected, "{route:?} {answer:?}");
                }
            }
        }
    }

    #[test]
    fn a_number_that_is_no_status_is_no_answer() {
        for status in [0, 99, 600, 999] {
            for route in ROUTES {
                assert_eq!(classify(route, &unreadable(status)), Verdict::Unclear);
            }
        }
    }

    #[test]
    fn no_answer_is_unclear_unless_nothing_was_sent() {
        for route in ROUTES {
            for (failure, expected) in [
                (Failure::NotConnected, Verdict::NotSent),
                (Failure::TimedOut, Verdict::Unclear),
                (Failure::Lost, Verdict::Unclear),
            ] {
                assert_eq!(classify(route, &Answer::Unanswered(failure)), expected);
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
            for endpoint in [Endpoint::Push, Endpoint::Multicast] {
                assert_eq!(
                    classify(Route::Line(endpoint), &with(429, &body)),
                    expected,
                    "{text}"
                );
            }
            assert_eq!(
                classify(Route::Notify, &with(429, &body)),
                Verdict::TooFast,
                "{text}"
            );
        }
    }

    #[test]
    fn a_multicast_is_split_only_where_a_recipient_may_be_to_blame() {
        let multicast = Route::Line(Endpoint::Multicast);
        let named = r#"{"message":"The property, to[1], in the request body is invalid (line: -, column: -)"}"#;
        assert_eq!(
            classify(multicast, &with(400, named)),
            Verdict::Split(Blame::Recipients(vec![1]))
        );
        let text = r#"{"message":"The request body has 1 error(s)","details":[{"message":"May not be empty","property":"messages[0].text"}]}"#;
        assert_eq!(classify(multicast, &with(400, text)), Verdict::Refused);
        assert_eq!(
            classify(Route::Line(Endpoint::Push), &with(400, named)),
            Verdict::Refused
        );
    }

    #[test]
    fn an_image_limit_of_line_notify_is_a_wait_under_any_4xx() {
        for status in [400, 403, 429] {
            let body = r#"{"status":400,"message":"Image rate limit exceeded."}"#;
            assert_eq!(
                classify(Route::Notify, &with(status, body)),
                Verdict::TooFast
            );
        }
    }
}

//! The tokens that have no calls or no image uploads left, and until when.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use crate::channel::response::Response;

/// LINE Notify counts by the hour. This holds if a response does not say when the hour ends.
const AN_HOUR: SignedDuration = SignedDuration::from_hours(1);

/// The tokens that must wait. Each token has 1,000 calls and 50 image uploads an hour of its own.
#[derive(Default)]
pub(crate) struct SpentTokens(Mutex<HashMap<Spent, Timestamp>>);

/// A hash of the token: the token itself is not kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Spent {
    token: [u8; 32],
    resource: Resource,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Resource {
    Calls,
    Images,
}

/// What LINE Notify says is left for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Allowance {
    /// `X-RateLimit-Remaining`.
    calls: Option<u64>,
    /// `X-RateLimit-ImageRemaining`.
    images: Option<u64>,
    /// `X-RateLimit-Reset`, in UTC epoch seconds: when both are full again.
    reset: Option<Timestamp>,
}

impl SpentTokens {
    /// Until when a token must wait, with or without an image. `None`: it need not wait.
    pub(crate) fn reset(&self, token: &str, has_image: bool, now: Timestamp) -> Option<Timestamp> {
        let spent = self.0.lock();
        if spent.is_empty() {
            return None;
        }
        let calls = spent.get(&Spent::new(token, Resource::Calls));
        let images = spent
            .get(&Spent::new(token, Resource::Images))
            .filter(|_| has_image);
        calls.max(images).copied().filter(|reset| *reset > now)
    }

    /// Keeps what a response says is left.
    pub(crate) fn note(&self, token: &str, response: &Response, now: Timestamp) {
        let allowance = Allowance::of(response);
        let no_images = allowance.images == Some(0);
        let reset = allowance.reset.filter(|reset| *reset > now);
        // A 429 with a reset is about calls, unless it says that it is about images.
        let no_calls =
            allowance.calls == Some(0) || (response.status == 429 && reset.is_some() && !no_images);
        if !no_calls && !no_images {
            return;
        }
        let reset = reset.unwrap_or_else(|| now.checked_add(AN_HOUR).unwrap_or(Timestamp::MAX));
        let mut spent = self.0.lock();
        spent.retain(|_, reset| *reset > now);
        if no_calls {
            spent.insert(Spent::new(token, Resource::Calls), reset);
        }
        if no_images {
            spent.insert(Spent::new(token, Resource::Images), reset);
        }
    }
}

impl Spent {
    fn new(token: &str, resource: Resource) -> Self {
        Self {
            token: Sha256::digest(token).into(),
            resource,
        }
    }
}

impl Allowance {
    fn of(response: &Response) -> Self {
        let number = |name| response.header(name)?.trim().parse::<i64>().ok();
        let count = |name| number(name).and_then(|number| u64::try_from(number).ok());
        Self {
            calls: count("x-ratelimit-remaining"),
            images: count("x-ratelimit-imageremaining"),
            reset: number("x-ratelimit-reset")
                .and_then(|second| Timestamp::from_second(second).ok()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderName;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn response(status: u16, headers: &[(&str, &str)]) -> Response {
        let headers = headers.iter().map(|(name, value)| {
            let name: HeaderName = format!("x-ratelimit-{name}").parse().unwrap();
            (name, value.parse().unwrap())
        });
        Response {
            status,
            headers: headers.collect(),
            body: None,
        }
    }

    #[test]
    fn a_spent_token_waits_until_the_reset_and_others_go_on() {
        let spent = SpentTokens::default();
        let headers = [
            ("remaining", "0"),
            ("imageremaining", "50"),
            ("reset", "3000"),
        ];
        spent.note("a", &response(200, &headers), at(10));
        assert_eq!(spent.reset("a", false, at(20)), Some(at(3_000)));
        assert_eq!(spent.reset("a", false, at(3_000)), None);
        assert_eq!(spent.reset("b", false, at(20)), None);
    }

    #[test]
    fn a_token_without_images_left_still_sends_texts() {
        let spent = SpentTokens::default();
        let headers = [
            ("remaining", "900"),
            ("imageremaining", "0"),
            ("reset", "3000"),
        ];
        spent.note("a", &response(400, &headers), at(10));
        assert_eq!(spent.reset("a", false, at(20)), None);
        assert_eq!(spent.reset("a", true, at(20)), Some(at(3_000)));
    }

    #[test]
    fn without_a_reset_a_spent_token_waits_for_an_hour() {
        let spent = SpentTokens::default();
        for reset in [None, Some("5"), Some("soon")] {
            let reset = reset.map(|reset| ("reset", reset));
            let headers: Vec<_> = [("remaining", "0")].into_iter().chain(reset).collect();
            spent.note("a", &response(200, &headers), at(10));
            assert_eq!(spent.reset("a", false, at(20)), Some(at(3_610)));
        }
    }

    #[test]
    fn a_429_waits_until_its_reset_and_without_one_backs_off() {
        let spent = SpentTokens::default();
        spent.note("a", &response(429, &[("reset", "3000")]), at(10));
        assert_eq!(spent.reset("a", false, at(20)), Some(at(3_000)));
        spent.note("b", &response(429, &[]), at(10));
        assert_eq!(spent.reset("b", false, at(20)), None);
    }
}

//! LINE Notify's limits an hour.

use std::collections::HashMap;

use hyper::header::HeaderValue;
use jiff::Timestamp;

use crate::line::recipient::RecipientKey;

/// Calls and images an hour, for each token.
/// <https://studyhost.blogspot.com/2020/03/cline-bot35-line-notify.html> quotes LINE's document.
const MAX_CALLS: u32 = 1000;
const MAX_IMAGES: u32 = 50;

const HOUR: i64 = 3600;

/// What is left of a token's hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HourLeft {
    calls: u32,
    images: u32,
    reset: i64,
}

/// The limit that a call is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HourLimit {
    Calls,
    Images,
}

/// Each token's hour. An hour begins with its first call. LINE documents no rule: this is chosen.
#[derive(Debug, Default)]
pub(crate) struct NotifyHours {
    hours: HashMap<RecipientKey, Hour>,
}

#[derive(Debug, Clone, Copy)]
struct Hour {
    began: i64,
    calls: u32,
    images: u32,
}

impl HourLeft {
    /// The names and values of the `X-RateLimit-*` headers. <https://hackmd.io/@pclin/ryoT9RHrw>
    pub(crate) fn headers(self) -> [(&'static str, HeaderValue); 5] {
        [
            ("x-ratelimit-limit", MAX_CALLS.into()),
            ("x-ratelimit-imagelimit", MAX_IMAGES.into()),
            ("x-ratelimit-remaining", self.calls.into()),
            ("x-ratelimit-imageremaining", self.images.into()),
            ("x-ratelimit-reset", self.reset.into()),
        ]
    }
}

impl NotifyHours {
    /// Counts a call, with an image or without. Says what is left afterwards, and whether the call
    /// is over a limit.
    pub(crate) fn call(
        &mut self,
        token: RecipientKey,
        has_image: bool,
        now: Timestamp,
    ) -> (HourLeft, Result<(), HourLimit>) {
        let fresh = Hour {
            began: now.as_second(),
            calls: 0,
            images: 0,
        };
        let hour = self.hours.entry(token).or_insert(fresh);
        if now.as_second() - hour.began >= HOUR {
            *hour = fresh;
        }
        let result = if hour.calls >= MAX_CALLS {
            Err(HourLimit::Calls)
        } else if has_image && hour.images >= MAX_IMAGES {
            hour.calls += 1;
            Err(HourLimit::Images)
        } else {
            hour.calls += 1;
            hour.images += u32::from(has_image);
            Ok(())
        };
        let left = HourLeft {
            calls: MAX_CALLS.saturating_sub(hour.calls),
            images: MAX_IMAGES.saturating_sub(hour.images),
            reset: hour.began + HOUR,
        };
        (left, result)
    }
}

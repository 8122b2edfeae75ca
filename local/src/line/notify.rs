//! LINE Notify as it was until 31 March 2025: one form post, counted by the hour.

use std::collections::HashMap;

use fanline_core::channel::Channel;
use fanline_core::recipient::Recipient;
use hyper::StatusCode;
use jiff::Timestamp;
use serde_json::json;

use crate::line::answer::Answer;
use crate::line::endpoint::Endpoint;
use crate::line::memory::ledger::{Accepted, RecipientKey, digest};
use crate::line::notify::form::NotifyForm;
use crate::line::service::{Call, CallBody, Line};

pub(crate) mod form;

/// Calls and images an hour and token.
/// <https://studyhost.blogspot.com/2020/03/cline-bot35-line-notify.html> quotes the official document.
const CALLS: u32 = 1000;
const IMAGES: u32 = 50;

/// What is left of a token's hour, for the `X-RateLimit-*` headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HourLeft {
    pub(crate) calls: u32,
    pub(crate) images: u32,
    pub(crate) reset: i64,
}

impl HourLeft {
    /// The headers' names and values. <https://hackmd.io/@pclin/ryoT9RHrw>
    pub(crate) fn headers(self) -> [(&'static str, i64); 5] {
        [
            ("x-ratelimit-limit", CALLS.into()),
            ("x-ratelimit-imagelimit", IMAGES.into()),
            ("x-ratelimit-remaining", self.calls.into()),
            ("x-ratelimit-imageremaining", self.images.into()),
            ("x-ratelimit-reset", self.reset),
        ]
    }
}

/// Each token's hour. An hour begins with its first call, which is this stand-in's choice: none is documented.
#[derive(Debug, Default)]
pub(crate) struct NotifyHours {
    hours: HashMap<RecipientKey, Hour>,
}

#[derive(Debug)]
struct Hour {
    began: i64,
    calls: u32,
    images: u32,
}

impl NotifyHours {
    /// Counts a call, and an image where there is one. `Err`: over the limit, and the hour as it stands.
    fn call(
        &mut self,
        token: RecipientKey,
        has_image: bool,
        now: Timestamp,
    ) -> (HourLeft, Result<(), Over>) {
        let fresh = Hour {
            began: now.as_second(),
            calls: 0,
            images: 0,
        };
        let hour = self.hours.entry(token).or_insert(Hour { ..fresh });
        if now.as_second() - hour.began >= 3600 {
            *hour = fresh;
        }
        let verdict = if hour.calls >= CALLS {
            Err(Over::Calls)
        } else if has_image && hour.images >= IMAGES {
            hour.calls += 1;
            Err(Over::Images)
        } else {
            hour.calls += 1;
            hour.images += u32::from(has_image);
            Ok(())
        };
        let left = HourLeft {
            calls: CALLS.saturating_sub(hour.calls),
            images: IMAGES.saturating_sub(hour.images),
            reset: hour.began + 3600,
        };
        (left, verdict)
    }
}

/// Which of the hour's limits is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    Calls,
    Images,
}

impl Over {
    /// The image text is one that users recorded; the other, and both statuses, are this stand-in's choice.
    fn answer(self) -> Answer {
        let message = match self {
            Self::Calls => "API rate limit exceeded.",
            Self::Images => "Image rate limit exceeded.",
        };
        answer(StatusCode::TOO_MANY_REQUESTS, message)
    }
}

impl Line {
    /// Answers a LINE Notify call. Every call with a valid token counts against its hour, and every answer says what is left.
    pub(crate) fn notify(&mut self, call: &Call<'_>, number: u64, now: Timestamp) -> Answer {
        let valid = call
            .token
            .filter(|token| !self.options.revoked.contains(*token));
        let holder = valid.and_then(|token| Recipient::parse(Channel::LineNotify, token).ok());
        let (Some(token), Some(holder)) = (valid, holder) else {
            return answer(StatusCode::UNAUTHORIZED, "Invalid access token");
        };
        let holder = holder.fingerprint();
        let has_image = matches!(&call.body, CallBody::Notify(Ok(form)) if form.has_image);
        let (left, verdict) = self.hours.call(holder, has_image, now);
        let mut answer = match (verdict, &call.body) {
            (Err(over), _) if self.options.rate_limits => {
                self.ledger.counts.rate_limited += 1;
                over.answer()
            }
            (_, CallBody::Notify(Ok(form))) => self.take(holder, form, number, now),
            (_, CallBody::Notify(Err(answer))) => answer.clone(),
            _ if call.endpoint == Endpoint::NotifyRevoke => {
                self.options.revoked.insert(token.to_owned());
                answer(StatusCode::OK, "ok")
            }
            _ => status(),
        };
        answer.hour_left = Some(left);
        answer
    }

    fn take(
        &mut self,
        holder: RecipientKey,
        form: &NotifyForm,
        number: u64,
        now: Timestamp,
    ) -> Answer {
        let identity = digest(&[&holder, form.fields.as_bytes()].concat());
        let attempt = self.attempt(identity);
        self.meeting_faults(&identity, attempt, answer, |line| {
            let accepted = Accepted {
                at: now,
                endpoint: Endpoint::Notify,
                request_id: line.request_id(number),
                retry_key: None,
                messages: &form.fields,
                digest: form.digest,
            };
            line.ledger.accept(&accepted, &[holder]);
            answer(StatusCode::OK, "ok")
        })
    }
}

/// LINE Notify's body: the status again, and a message.
pub(crate) fn answer(status: StatusCode, message: &str) -> Answer {
    let body = json!({"status": status.as_u16(), "message": message});
    Answer::new(status, body.to_string())
}

/// `200` for a token that is valid. Whose it is, is invented.
fn status() -> Answer {
    Answer::json(&json!({
        "status": 200, "message": "ok", "targetType": "USER", "target": "simulated",
    }))
}

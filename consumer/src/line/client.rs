//! The Messaging API: send a delivery, ask what is left of the month.

use fanline_core::delivery::Delivery;
use futures_util::future::join;
use jiff::{SignedDuration, Timestamp};
use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::channel::classify::Route;
use crate::channel::http;
use crate::channel::response::{Answer, Failure};

/// LINE's count of the month is asked for at most once in this time.
const BETWEEN_QUESTIONS: SignedDuration = SignedDuration::from_secs(10);

/// The Messaging API at one base URL.
pub(crate) struct Line {
    http: Client,
    base: String,
    month: Mutex<Option<(Timestamp, Option<Month>)>>,
}

/// What may be sent in a month and what has been: people, not requests.
/// <https://developers.line.biz/en/reference/messaging-api/#get-quota>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Month {
    /// How many may be reached; `None` without a limit.
    pub limit: Option<u64>,
    /// How many have been, about.
    pub used: u64,
}

impl Month {
    /// Whether `recipients` more are too many.
    pub(crate) fn is_too_short_for(self, recipients: usize) -> bool {
        let recipients = u64::try_from(recipients).unwrap_or(u64::MAX);
        self.limit
            .is_some_and(|limit| self.used.saturating_add(recipients) > limit)
    }
}

#[derive(Deserialize)]
struct QuotaAnswer {
    #[serde(rename = "type")]
    kind: String,
    value: Option<u64>,
}

#[derive(Deserialize)]
struct ConsumptionAnswer {
    #[serde(rename = "totalUsage")]
    total_usage: u64,
}

impl Line {
    /// The API at `base`, to which paths are appended as LINE writes them.
    pub(crate) fn new(http: Client, base: String) -> Self {
        Self {
            http,
            base,
            month: Mutex::default(),
        }
    }

    /// Sends a delivery: the bytes of its request and the key derived from them, the same on every attempt.
    pub(crate) async fn send(&self, delivery: &Delivery, token: &SecretString) -> Answer {
        let route = Route::Line(delivery.endpoint());
        let Some((name, value)) = http::bearer(token.expose_secret()) else {
            return Answer::Unanswered(Failure::NotConnected);
        };
        let request = self
            .http
            .post(format!("{}{}", self.base, route.path()))
            .header(name, value)
            .header(CONTENT_TYPE, "application/json")
            .header("X-Line-Retry-Key", delivery.request().retry_key.to_string())
            .body(delivery.request().body);
        http::send(request).await
    }

    /// What LINE counts for this month; `None` where it would not say. Remembered for some seconds, so that a run that has
    /// reached its end does not ask once for each of its deliveries.
    pub(crate) async fn month(&self, token: &SecretString, now: Timestamp) -> Option<Month> {
        let mut month = self.month.lock().await;
        if let Some((asked, month)) = *month
            && now.duration_since(asked) < BETWEEN_QUESTIONS
        {
            return month;
        }
        let answer = self.ask(token).await;
        *month = Some((now, answer));
        answer
    }

    async fn ask(&self, token: &SecretString) -> Option<Month> {
        // Both at once: together they take no longer than one request may.
        let (quota, consumption) = join(
            self.get::<QuotaAnswer>("/v2/bot/message/quota", token),
            self.get::<ConsumptionAnswer>("/v2/bot/message/quota/consumption", token),
        )
        .await;
        let (quota, consumption) = quota.zip(consumption)?;
        Some(Month {
            limit: quota.value.filter(|_| quota.kind == "limited"),
            used: consumption.total_usage,
        })
    }

    async fn get<T: serde::de::DeserializeOwned>(
        &self,
        path: &'static str,
        token: &SecretString,
    ) -> Option<T> {
        let (name, value) = http::bearer(token.expose_secret())?;
        let request = self
            .http
            .get(format!("{}{path}", self.base))
            .header(name, value);
        let answer = http::send(request).await;
        tracing::info!(
            method = "GET",
            endpoint = path,
            status = answer.status(),
            "asked for the month's count"
        );
        match answer {
            Answer::Status(reply) if reply.status == 200 => {
                serde_json::from_str(reply.body.as_deref()?).ok()
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_month_is_too_short_when_the_limit_would_be_passed() {
        for (limit, used, recipients, short) in [
            (Some(500), 500, 1, true),
            (Some(500), 499, 1, false),
            (Some(500), 100, 500, true),
            (Some(500), 0, 500, false),
            (None, u64::MAX, 500, false),
        ] {
            let month = Month { limit, used };
            assert_eq!(month.is_too_short_for(recipients), short, "{month:?}");
        }
    }
}

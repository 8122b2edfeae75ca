//! The requests to the Messaging API: send a delivery, and ask what is left of the month.

use fanline_core::delivery::{Endpoint, Request};
use futures_util::future::join;
use jiff::{SignedDuration, Timestamp};
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;

use crate::channel::attempt::Exchange;
use crate::channel::http::{self, HttpClient};
use crate::channel::response::Response;
use crate::channel::route::Route;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// <https://developers.line.biz/en/docs/messaging-api/retrying-api-request/>
const RETRY_KEY: HeaderName = HeaderName::from_static("x-line-retry-key");
/// LINE's count of the month is asked for at most once in this time.
const MIN_BETWEEN_QUOTA_REQUESTS: SignedDuration = SignedDuration::from_secs(10);

/// The Messaging API at one base URL.
pub(crate) struct LineClient {
    client: HttpClient,
    push: Url,
    multicast: Url,
    base: String,
    quota: Mutex<Option<(Timestamp, Option<MonthlyQuota>)>>,
}

/// How many people may be reached in a month, and how many were.
/// <https://developers.line.biz/en/reference/messaging-api/#get-quota>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MonthlyQuota {
    /// How many may be reached. `None`: there is no limit.
    pub limit: Option<u64>,
    /// How many were reached, approximately.
    pub used: u64,
}

impl MonthlyQuota {
    /// The quota that two answers of LINE say.
    pub(crate) fn of(quota: &QuotaBody, consumption: &ConsumptionBody) -> Self {
        Self {
            limit: quota.value.filter(|_| quota.kind == "limited"),
            used: consumption.total_usage,
        }
    }

    /// How many people may still be reached. `None`: there is no limit.
    pub fn left(self) -> Option<u64> {
        self.limit.map(|limit| limit.saturating_sub(self.used))
    }
}

/// <https://developers.line.biz/en/reference/messaging-api/#get-quota>
#[derive(Deserialize)]
pub(crate) struct QuotaBody {
    #[serde(rename = "type")]
    kind: String,
    value: Option<u64>,
}

/// <https://developers.line.biz/en/reference/messaging-api/#get-consumption>
#[derive(Deserialize)]
pub(crate) struct ConsumptionBody {
    #[serde(rename = "totalUsage")]
    total_usage: u64,
}

impl LineClient {
    /// The API at `base`.
    pub(crate) fn new(client: HttpClient, base: &str) -> Self {
        let route = |endpoint| http::url(base, Route::Line(endpoint).path());
        Self {
            client,
            push: route(Endpoint::Push),
            multicast: route(Endpoint::Multicast),
            base: base.to_owned(),
            quota: Mutex::default(),
        }
    }

    /// Sends a delivery's request: the same bytes and the same key on every attempt.
    pub(crate) async fn send(
        &self,
        endpoint: Endpoint,
        request: &Request,
        authorization: &HeaderValue,
        departed: Timestamp,
    ) -> Exchange {
        let url = match endpoint {
            Endpoint::Push => &self.push,
            Endpoint::Multicast => &self.multicast,
        };
        let post = self
            .client
            .post(url.clone())
            .header(AUTHORIZATION, authorization)
            .header(CONTENT_TYPE, JSON)
            .header(RETRY_KEY, request.retry_key.to_string())
            .body(request.body.clone());
        self.client
            .exchange(Route::Line(endpoint), departed, post)
            .await
    }

    /// What LINE counts for this month. `None`: it did not say.
    ///
    /// The answer is kept for some seconds. When the month is used up, LINE must not be asked once
    /// for each delivery.
    pub(crate) async fn quota(
        &self,
        authorization: &HeaderValue,
        now: Timestamp,
    ) -> Option<MonthlyQuota> {
        let mut known = self.quota.lock().await;
        if let Some((asked, quota)) = *known
            && now.duration_since(asked) < MIN_BETWEEN_QUOTA_REQUESTS
        {
            return quota;
        }
        let quota = self.ask_for_quota(authorization).await;
        *known = Some((now, quota));
        quota
    }

    async fn ask_for_quota(&self, authorization: &HeaderValue) -> Option<MonthlyQuota> {
        // Both at the same time: together they take no longer than one request may.
        let (quota, consumption) = join(
            self.get::<QuotaBody>("/v2/bot/message/quota", authorization),
            self.get::<ConsumptionBody>("/v2/bot/message/quota/consumption", authorization),
        )
        .await;
        let (quota, consumption) = quota.zip(consumption)?;
        Some(MonthlyQuota::of(&quota, &consumption))
    }

    async fn get<T: DeserializeOwned>(
        &self,
        path: &'static str,
        authorization: &HeaderValue,
    ) -> Option<T> {
        let get = self
            .client
            .get(http::url(&self.base, path))
            .header(AUTHORIZATION, authorization);
        let response = self.client.fetch(get).await;
        tracing::info!(
            method = "GET",
            endpoint = path,
            status = response.as_ref().ok().map(|response| response.status),
            failure = response.as_ref().err().map(|failure| failure.as_str()),
            request_id = response.as_ref().ok().and_then(Response::request_id),
            "LINE quota request"
        );
        let response = response.ok().filter(|response| response.status == 200)?;
        serde_json::from_slice(&response.body?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_has_left_what_was_not_used() {
        for (limit, used, left) in [
            (Some(500), 500, Some(0)),
            (Some(500), 499, Some(1)),
            (Some(500), 700, Some(0)),
            (None, u64::MAX, None),
        ] {
            let quota = MonthlyQuota { limit, used };
            assert_eq!(quota.left(), left, "{quota:?}");
        }
    }
}

//! One attempt to send a delivery of the channel `line`.

use aws_sdk_secretsmanager::Client as SecretsManager;
use fanline_core::delivery::Delivery;
use fanline_core::delivery::{Endpoint, Request};
use fanline_core::surroundings::Clock;
use jiff::Timestamp;
use reqwest::header::HeaderValue;

use crate::channel::attempt::{Attempt, Conclusion, too_late};
use crate::channel::backoff::RetryCause;
use crate::channel::hold::{Hold, HoldReason};
use crate::channel::http::HttpClient;
use crate::channel::pace::Pace;
use crate::channel::verdict::Verdict;
use crate::line::classify::classify;
use crate::line::client::LineClient;
use crate::line::token::{TokenError, Tokens};
use crate::settings::Settings;

/// The channel `line` in one environment.
pub(crate) struct LineChannel {
    client: LineClient,
    tokens: Tokens,
    push: Pace,
    multicast: Pace,
    hold: Hold,
    clock: Clock,
}

/// What a request needs to depart.
struct Departure {
    authorization: HeaderValue,
    at: Timestamp,
}

impl LineChannel {
    /// The channel, with its token if there is one.
    pub(crate) async fn start(
        settings: &Settings,
        http: &HttpClient,
        secrets_manager: SecretsManager,
        clock: Clock,
    ) -> Self {
        let base = &settings.line_api_base;
        let tokens = Tokens::new(settings.token.clone(), base, http.clone(), secrets_manager);
        if let Err(error) = tokens.current(clock.now()).await {
            tracing::warn!(%error, "no channel access token at the cold start");
        }
        Self {
            client: LineClient::new(http.clone(), base),
            tokens,
            push: Pace::new(settings.push_per_second),
            multicast: Pace::new(settings.multicast_per_second),
            hold: Hold::default(),
            clock,
        }
    }

    /// Makes one attempt: one request, two if a new token followed the first, or none if there is a
    /// reason not to make one. No request departs after `latest`.
    pub(crate) async fn attempt(
        &self,
        delivery: &Delivery,
        request: &Request,
        latest: Timestamp,
    ) -> Attempt {
        let endpoint = delivery.endpoint();
        let mut exchanges = Vec::with_capacity(1);
        let mut new_token: Option<HeaderValue> = None;
        let conclusion = loop {
            let has_new_token = new_token.is_some();
            let departure = match self.depart(delivery, new_token, latest).await {
                Ok(departure) => departure,
                Err(conclusion) => break conclusion,
            };
            let Departure { authorization, at } = departure;
            let sent = self.client.send(endpoint, request, &authorization, at);
            let exchange = sent.await;
            let departed = exchange.departed;
            let verdict = classify(endpoint, &exchange.response);
            exchanges.push(exchange);
            if verdict == Verdict::Unauthorized && !has_new_token {
                new_token = self.tokens.after(&authorization, self.clock.now()).await;
                if new_token.is_some() {
                    continue;
                }
            }
            break self
                .conclude(delivery, verdict, &authorization, departed, latest)
                .await;
        };
        Attempt {
            exchanges,
            conclusion,
        }
    }

    /// Requests a second, as of now, for each endpoint.
    pub(crate) fn paces(&self) -> [(&'static str, f64); 2] {
        [
            ("push", self.push.per_second()),
            ("multicast", self.multicast.per_second()),
        ]
    }

    /// The paces of all endpoints.
    pub(crate) fn all_paces(&self) -> [&Pace; 2] {
        [&self.push, &self.multicast]
    }

    /// Waits until the request may depart. An error is the reason why it may not.
    async fn depart(
        &self,
        delivery: &Delivery,
        new_token: Option<HeaderValue>,
        latest: Timestamp,
    ) -> Result<Departure, Conclusion> {
        let now = self.clock.now();
        if let Some(conclusion) = too_late(&delivery.envelope, now) {
            return Err(conclusion);
        }
        // A new token is tried at once, even on hold: it may be what ends the hold.
        let may_wait = new_token.is_none();
        if may_wait && let Some(reason) = self.hold.reason(now) {
            return Err(on_hold(reason));
        }
        let authorization = match new_token {
            Some(authorization) => authorization,
            None => self.authorization(now).await?,
        };
        let pace = self.pace(delivery.endpoint());
        let has_turn = pace.turn(latest, &self.clock).await;
        // Time has passed while it waited for its turn.
        let at = self.clock.now();
        if !has_turn || at > latest {
            return Err(Conclusion::Retry(RetryCause::Fault));
        }
        if let Some(conclusion) = too_late(&delivery.envelope, at) {
            return Err(conclusion);
        }
        if may_wait && let Some(reason) = self.hold.admit(at) {
            return Err(on_hold(reason));
        }
        Ok(Departure { authorization, at })
    }

    async fn authorization(&self, now: Timestamp) -> Result<HeaderValue, Conclusion> {
        self.tokens.current(now).await.map_err(|error| match error {
            TokenError::Missing => self.begin_hold(HoldReason::Unauthorized),
            TokenError::Unavailable => Conclusion::Retry(RetryCause::Fault),
        })
    }

    /// What the verdict means for the delivery, and for the deliveries after it.
    async fn conclude(
        &self,
        delivery: &Delivery,
        verdict: Verdict,
        authorization: &HeaderValue,
        departed: Timestamp,
        latest: Timestamp,
    ) -> Conclusion {
        let pace = self.pace(delivery.endpoint());
        match verdict {
            Verdict::Accepted | Verdict::AlreadyAccepted => {
                self.hold.end(departed);
                pace.speed_up();
                if verdict == Verdict::Accepted {
                    Conclusion::Accepted
                } else {
                    Conclusion::AlreadyAccepted
                }
            }
            Verdict::NotTaken | Verdict::Unclear => Conclusion::Retry(RetryCause::Fault),
            Verdict::TooFast => {
                pace.slow_down();
                Conclusion::Retry(RetryCause::TooFast)
            }
            Verdict::PerhapsQuota => {
                if self.is_over_quota(delivery, authorization, latest).await {
                    return self.begin_hold(HoldReason::Quota);
                }
                // Another sender may have reserved what is left, or the text is new to us. Neither
                // lasts for ever.
                pace.slow_down();
                Conclusion::Retry(RetryCause::TooFast)
            }
            Verdict::Unauthorized | Verdict::Forbidden => self.begin_hold(HoldReason::Unauthorized),
            Verdict::Split(named) => Conclusion::Split(named),
            Verdict::Refused => Conclusion::Refused,
        }
    }

    /// Whether LINE says that the month has too few messages left for this delivery.
    async fn is_over_quota(
        &self,
        delivery: &Delivery,
        authorization: &HeaderValue,
        latest: Timestamp,
    ) -> bool {
        let now = self.clock.now();
        if now > latest {
            return false;
        }
        let quota = self.client.quota(authorization, now).await;
        quota.is_some_and(|quota| quota.is_too_small_for(delivery.recipients.len()))
    }

    fn begin_hold(&self, reason: HoldReason) -> Conclusion {
        self.hold.begin(reason, self.clock.now());
        Conclusion::OnHold {
            reason,
            began: true,
        }
    }

    fn pace(&self, endpoint: Endpoint) -> &Pace {
        match endpoint {
            Endpoint::Push => &self.push,
            Endpoint::Multicast => &self.multicast,
        }
    }
}

fn on_hold(reason: HoldReason) -> Conclusion {
    Conclusion::OnHold {
        reason,
        began: false,
    }
}

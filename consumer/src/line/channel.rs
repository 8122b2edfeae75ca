//! One attempt to send a delivery of the channel `line`.

use std::sync::Arc;

use aws_sdk_secretsmanager::Client as SecretsManager;
use fanline_core::delivery::Delivery;
use fanline_core::delivery::{Endpoint, Request};
use fanline_core::surroundings::Clock;
use jiff::Timestamp;
use reqwest::header::HeaderValue;

use crate::channel::attempt::{Attempt, Conclusion, too_late};
use crate::channel::backoff::RetryCause;
use crate::channel::hold::{Event, Hold, HoldReason};
use crate::channel::http::HttpClient;
use crate::channel::pace::Pace;
use crate::channel::verdict::Verdict;
use crate::control::Controls;
use crate::line::classify::classify;
use crate::line::client::LineClient;
use crate::line::token::{TokenError, Tokens};
use crate::settings::Settings;

/// The channel `line` in one environment.
pub(crate) struct LineChannel {
    client: LineClient,
    tokens: Tokens,
    push: Arc<Pace>,
    multicast: Arc<Pace>,
    hold: Hold,
    controls: Controls,
    clock: Clock,
}

/// What a request needs to depart.
struct Departure {
    authorization: HeaderValue,
    at: Timestamp,
}

/// What came back for a request.
struct Answer {
    verdict: Verdict,
    authorization: HeaderValue,
    departed: Timestamp,
}

impl LineChannel {
    /// The channel, with its token if there is one.
    pub(crate) async fn start(
        settings: &Settings,
        http: &HttpClient,
        secrets_manager: SecretsManager,
        (controls, paces): (Controls, [Arc<Pace>; 2]),
        clock: Clock,
    ) -> Self {
        let [push, multicast] = paces;
        let base = &settings.line_api_base;
        let tokens = Tokens::new(settings.token.clone(), base, http.clone(), secrets_manager);
        if let Err(error) = tokens.current(clock.now()).await {
            tracing::warn!(%error, "no channel access token at the cold start");
        }
        Self {
            client: LineClient::new(http.clone(), base),
            tokens,
            push,
            multicast,
            hold: Hold::default(),
            controls,
            clock,
        }
    }

    /// Makes one attempt: one request, more if the channel refused the token, or none if there is a
    /// reason not to make one. While the channel is on hold, it waits. No request departs after
    /// `latest`.
    pub(crate) async fn attempt(
        &self,
        delivery: &Delivery,
        request: &Request,
        latest: Timestamp,
    ) -> Attempt {
        let endpoint = delivery.endpoint();
        let mut attempt = Attempt::without_request(Conclusion::OnHold(HoldReason::Unauthorized));
        let mut new_token: Option<HeaderValue> = None;
        loop {
            let has_new_token = new_token.is_some();
            let began = &mut attempt.hold_began;
            let departure = match self.depart(delivery, new_token.take(), latest, began).await {
                Ok(departure) => departure,
                Err(conclusion) => {
                    attempt.conclusion = conclusion;
                    return attempt;
                }
            };
            let Departure { authorization, at } = departure;
            let sent = self.client.send(endpoint, request, &authorization, at);
            let exchange = sent.await;
            let departed = exchange.departed;
            let verdict = classify(endpoint, &exchange.response);
            attempt.exchanges.push(exchange);
            if verdict == Verdict::Unauthorized && !has_new_token {
                new_token = self.tokens.after(&authorization, self.clock.now()).await;
                if new_token.is_some() {
                    continue;
                }
            }
            let answer = Answer {
                verdict,
                authorization,
                departed,
            };
            let began = &mut attempt.hold_began;
            let conclusion = self.conclude(delivery, answer, latest, began).await;
            // On hold: it waits for the end of the hold, or for its turn as the probe.
            if let Some(conclusion) = conclusion {
                attempt.conclusion = conclusion;
                return attempt;
            }
        }
    }

    /// Whether the channel is on hold.
    pub(crate) fn is_on_hold(&self) -> bool {
        self.hold.is_on()
    }

    /// Waits while the channel is on hold, until a probe is due or until `latest`.
    pub(crate) async fn rest(&self, latest: Timestamp) {
        self.hold.rest(latest, &self.clock).await;
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
        began: &mut Option<HoldReason>,
    ) -> Result<Departure, Conclusion> {
        // A new token is tried at once, even on hold: it may be what ends the hold.
        let may_wait = new_token.is_none();
        let envelope = &delivery.envelope;
        let too_late = |now| too_late(envelope, self.controls.expires_at(envelope), now);
        loop {
            self.controls.admit(&envelope.run, latest).await?;
            let hold = if may_wait {
                self.hold.wait(latest, &self.clock).await
            } else {
                Ok(())
            };
            let now = self.clock.now();
            if let Some(conclusion) = too_late(now) {
                return Err(conclusion);
            }
            hold.map_err(Conclusion::OnHold)?;
            let authorization = match &new_token {
                Some(authorization) => authorization.clone(),
                None => match self.tokens.current(now).await {
                    Ok(authorization) => authorization,
                    Err(error) => {
                        self.note_no_token(error, now, began);
                        if error == TokenError::Unavailable {
                            return Err(Conclusion::Retry(RetryCause::Fault));
                        }
                        continue;
                    }
                },
            };
            let pace = self.pace(delivery.endpoint());
            let has_turn = pace.turn(latest, &self.clock).await;
            // Time has passed while it waited for its turn.
            let at = self.clock.now();
            if !has_turn || at > latest {
                return Err(Conclusion::Retry(RetryCause::NotMade));
            }
            // Behind every wait: nothing departs after a pause.
            if !self.controls.admits(&envelope.run) {
                continue;
            }
            if let Some(conclusion) = too_late(at) {
                return Err(conclusion);
            }
            if !may_wait || self.hold.admits(at) {
                return Ok(Departure { authorization, at });
            }
        }
    }

    fn note_no_token(&self, error: TokenError, now: Timestamp, began: &mut Option<HoldReason>) {
        let event = match error {
            TokenError::Missing => Event::NoToken,
            TokenError::Unavailable => Event::Fault,
        };
        *began = began.or(self.hold.note(event, now, now));
    }

    /// What the answer means for the delivery, and for the deliveries after it. `None`: the channel
    /// is on hold, and the delivery waits with the others.
    async fn conclude(
        &self,
        delivery: &Delivery,
        answer: Answer,
        latest: Timestamp,
        began: &mut Option<HoldReason>,
    ) -> Option<Conclusion> {
        let pace = self.pace(delivery.endpoint());
        let mut event = Event::Answered;
        let conclusion = match answer.verdict {
            Verdict::Accepted | Verdict::AlreadyAccepted => {
                event = Event::Accepted;
                pace.speed_up();
                Some(match answer.verdict {
                    Verdict::Accepted => Conclusion::Accepted,
                    _ => Conclusion::AlreadyAccepted,
                })
            }
            Verdict::NotTaken | Verdict::Unclear => {
                event = Event::Fault;
                Some(Conclusion::Retry(RetryCause::Fault))
            }
            Verdict::TooFast => {
                pace.slow_down();
                Some(Conclusion::Retry(RetryCause::TooFast))
            }
            Verdict::PerhapsQuota => match self.left(&answer.authorization, latest).await {
                Some(0) => {
                    event = Event::QuotaUsedUp;
                    None
                }
                Some(left) if left < delivery.recipients.len() as u64 => {
                    Some(Conclusion::OverQuota)
                }
                // Another sender may have reserved what is left, or the text is new to us. Neither
                // lasts for ever.
                _ => {
                    pace.slow_down();
                    Some(Conclusion::Retry(RetryCause::TooFast))
                }
            },
            Verdict::Unauthorized => {
                event = Event::Unauthorized;
                None
            }
            Verdict::Forbidden => {
                event = Event::Forbidden(&delivery.envelope.run);
                Some(Conclusion::Retry(RetryCause::Forbidden))
            }
            Verdict::Split(named) => Some(Conclusion::Split(named)),
            Verdict::Refused => Some(Conclusion::Refused),
        };
        let held = self.hold.note(event, answer.departed, self.clock.now());
        *began = began.or(held);
        for pace in self.all_paces() {
            pace.keep_to_part(self.hold.part_of_pace());
        }
        conclusion
    }

    /// How many people may still be reached in this month. `None`: LINE does not say, or there is
    /// no limit.
    async fn left(&self, authorization: &HeaderValue, latest: Timestamp) -> Option<u64> {
        let now = self.clock.now();
        if now > latest {
            return None;
        }
        self.client.quota(authorization, now).await?.left()
    }

    fn pace(&self, endpoint: Endpoint) -> &Pace {
        match endpoint {
            Endpoint::Push => &self.push,
            Endpoint::Multicast => &self.multicast,
        }
    }
}

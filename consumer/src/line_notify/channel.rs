//! One attempt to send a delivery of the channel `line-notify`.

use fanline_core::channel::OnUnknown;
use fanline_core::delivery::Delivery;
use fanline_core::surroundings::Clock;
use jiff::Timestamp;
use reqwest::header::HeaderValue;

use crate::channel::attempt::{Attempt, Conclusion, too_late};
use crate::channel::backoff::RetryCause;
use crate::channel::http::{self, HttpClient};
use crate::channel::pace::Pace;
use crate::channel::verdict::Verdict;
use crate::control::Controls;
use crate::line_notify::classify::classify;
use crate::line_notify::client::NotifyClient;
use crate::line_notify::form::NotifyMessage;
use crate::line_notify::image::{Image, ImageError, Images};
use crate::line_notify::spent_tokens::SpentTokens;
use crate::settings::Settings;

/// The channel `line-notify` in one environment.
///
/// It has no hold: its token is the recipient, and the other tokens go on.
pub(crate) struct NotifyChannel {
    client: NotifyClient,
    images: Images,
    pace: Pace,
    spent_tokens: SpentTokens,
    controls: Controls,
    clock: Clock,
}

/// What the request of a delivery is made of.
struct Parts<'a> {
    token: &'a str,
    authorization: HeaderValue,
    message: NotifyMessage,
    image: Option<Image>,
}

impl NotifyChannel {
    /// The channel. No image is fetched yet.
    pub(crate) fn new(
        settings: &Settings,
        client: HttpClient,
        s3: aws_sdk_s3::Client,
        controls: Controls,
        clock: Clock,
    ) -> Self {
        Self {
            client: NotifyClient::new(client, &settings.line_notify_api_base),
            images: Images::new(s3, settings.is_on_lambda),
            pace: Pace::new(settings.notify_per_second),
            spent_tokens: SpentTokens::default(),
            controls,
            clock,
        }
    }

    /// Makes one attempt: one request, or none if there is a reason not to make one. No request
    /// departs after `latest`.
    pub(crate) async fn attempt(&self, delivery: &Delivery, latest: Timestamp) -> Attempt {
        let (parts, departed) = match self.depart(delivery, latest).await {
            Ok(departure) => departure,
            Err(conclusion) => return Attempt::without_request(conclusion),
        };
        let fields = parts
            .message
            .fields(delivery.envelope.notification_disabled);
        let exchange = self
            .client
            .send(parts.authorization, &fields, parts.image.as_ref(), departed)
            .await;
        let now = self.clock.now();
        if let Ok(response) = &exchange.response {
            self.spent_tokens.note(parts.token, response, now);
        }
        let conclusion = match classify(&exchange.response) {
            Verdict::Accepted => Conclusion::Accepted,
            Verdict::NotTaken => Conclusion::Retry(RetryCause::Fault),
            Verdict::Unclear => match delivery.envelope.on_unknown {
                OnUnknown::Retry => Conclusion::Retry(RetryCause::Fault),
                OnUnknown::Park => Conclusion::Unknown,
            },
            // The limit is this token's: the others keep their pace.
            Verdict::TooFast => {
                let has_image = parts.image.is_some();
                let reset = self.spent_tokens.reset(parts.token, has_image, now);
                Conclusion::Retry(reset.map_or(RetryCause::TooFast, RetryCause::Until))
            }
            // Only the channel `line` has the verdicts after the first.
            Verdict::Refused
            | Verdict::AlreadyAccepted
            | Verdict::PerhapsQuota
            | Verdict::Unauthorized
            | Verdict::Forbidden
            | Verdict::Split(_) => Conclusion::Refused,
        };
        Attempt {
            exchanges: vec![exchange],
            ..Attempt::without_request(conclusion)
        }
    }

    /// Requests a second, as of now.
    pub(crate) fn paces(&self) -> [(&'static str, f64); 1] {
        [("notify", self.pace.per_second())]
    }

    /// The pace of all messages.
    pub(crate) fn pace(&self) -> &Pace {
        &self.pace
    }

    /// Waits until the request may depart. An error is the reason why it may not.
    async fn depart<'a>(
        &self,
        delivery: &'a Delivery,
        latest: Timestamp,
    ) -> Result<(Parts<'a>, Timestamp), Conclusion> {
        let run = &delivery.envelope.run;
        self.controls.admit(run, latest).await?;
        let parts = self.parts(delivery).await?;
        loop {
            let has_turn = self.pace.turn(latest, &self.clock).await;
            // Time has passed while it waited for its image and its turn.
            let departed = self.clock.now();
            if !has_turn || departed > latest {
                return Err(Conclusion::Retry(RetryCause::NotMade));
            }
            if !self.controls.admits(run) {
                self.controls.admit(run, latest).await?;
                continue;
            }
            return match self.too_late(delivery, departed) {
                Some(conclusion) => Err(conclusion),
                None => Ok((parts, departed)),
            };
        }
    }

    fn too_late(&self, delivery: &Delivery, now: Timestamp) -> Option<Conclusion> {
        let envelope = &delivery.envelope;
        too_late(envelope, self.controls.expires_at(envelope), now)
    }

    async fn parts<'a>(&self, delivery: &'a Delivery) -> Result<Parts<'a>, Conclusion> {
        let unsendable = |reason: &str| Conclusion::Unsendable(reason.to_owned());
        let [token] = delivery.recipients.as_slice() else {
            return Err(unsendable("a LINE Notify message has one recipient"));
        };
        let authorization =
            http::bearer(token).ok_or_else(|| unsendable("no HTTP header can hold the token"))?;
        let message = NotifyMessage::of(delivery)
            .ok_or_else(|| unsendable("`messages` is not one LINE Notify message"))?;
        let now = self.clock.now();
        if let Some(conclusion) = self.too_late(delivery, now) {
            return Err(conclusion);
        }
        let has_image = message.image_file.is_some();
        if let Some(reset) = self.spent_tokens.reset(token, has_image, now) {
            return Err(Conclusion::Retry(RetryCause::Until(reset)));
        }
        let image = match &message.image_file {
            None => None,
            Some(name) => Some(self.images.get(name).await.map_err(|error| match error {
                ImageError::Unavailable => Conclusion::Retry(RetryCause::Fault),
                error => Conclusion::Unsendable(error.to_string()),
            })?),
        };
        Ok(Parts {
            token,
            authorization,
            message,
            image,
        })
    }
}

//! A delivery of the channel `line-notify`: one attempt.

use fanline_core::channel::OnUnknown;
use fanline_core::delivery::Delivery;
use fanline_core::outcome::Outcome;
use jiff::Timestamp;

use crate::batch::Invocation;
use crate::channel::attempt::{Attempt, too_late};
use crate::channel::backoff::RetryCause;
use crate::channel::classify::{Route, Verdict, classify};
use crate::channel::response::{Answer, Reply};
use crate::line_notify::client::Message;
use crate::line_notify::image::ImageError;

impl Invocation {
    /// One request, or none where there is a reason not to make it.
    pub(crate) async fn attempt_notify(&self, delivery: &Delivery) -> Attempt {
        let environment = &self.environment;
        let [token] = delivery.recipients.as_slice() else {
            return Attempt::Unfit("a LINE Notify message has one recipient".into());
        };
        let Some(message) = Message::of(delivery) else {
            return Attempt::Unfit("`messages` is not one LINE Notify message".into());
        };
        let has_image = message.image_file.is_some();
        let now = Timestamp::now();
        if let Some(reason) = too_late(&delivery.envelope, now) {
            return Attempt::TooLate(reason);
        }
        if let Some(reset) = environment.notify.waits_until(token, has_image, now) {
            return Attempt::Later(RetryCause::Until(reset));
        }
        let image = match &message.image_file {
            None => None,
            Some(name) => match environment.images.get(name).await {
                Ok(image) => Some(image),
                Err(ImageError::Unavailable) => return Attempt::Later(RetryCause::Fault),
                Err(error) => return Attempt::Unfit(error.to_string()),
            },
        };
        let turn = environment.notify_pace.turn(self.latest_start).await;
        let departed = Timestamp::now();
        if !turn || departed > self.latest_start {
            return Attempt::Later(RetryCause::Fault);
        }
        if let Some(reason) = too_late(&delivery.envelope, departed) {
            return Attempt::TooLate(reason);
        }
        let fields = message.fields(delivery.envelope.notification_disabled);
        let answer = environment
            .notify
            .send(token, &fields, image.as_ref())
            .await;
        self.log_answer(delivery, Route::Notify, &answer, departed);
        let verdict = classify(Route::Notify, &answer);
        let reply = match answer {
            Answer::Status(reply) => {
                environment.notify.note(token, &reply, Timestamp::now());
                reply
            }
            Answer::Unanswered(_) => Reply::default(),
        };
        match verdict {
            Verdict::Accepted => Attempt::Taken(Outcome::Accepted),
            Verdict::NotSent => Attempt::Later(RetryCause::Fault),
            Verdict::Unclear => match delivery.envelope.on_unknown {
                OnUnknown::Retry => Attempt::Later(RetryCause::Fault),
                OnUnknown::Park => Attempt::Unknown,
            },
            // The limit is this token's and not the channel's: the others keep their pace.
            Verdict::TooFast => {
                let reset = environment
                    .notify
                    .waits_until(token, has_image, Timestamp::now());
                Attempt::Later(reset.map_or(RetryCause::TooFast, RetryCause::Until))
            }
            Verdict::AlreadyAccepted
            | Verdict::PerhapsQuota
            | Verdict::Unauthorized
            | Verdict::Forbidden
            | Verdict::Split(_)
            | Verdict::Refused => Attempt::Refused(reply),
        }
    }
}

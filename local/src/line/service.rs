//! What the simulated LINE decides about a request. It has no socket and no clock of its own.

use uuid::Uuid;

use crate::line::answer::{Answer, Manner};
use crate::line::endpoint::Call;
use crate::line::memory::Memory;
use crate::line::messaging::{self, MessagingBody};
use crate::line::notify::{self, NotifyBody};

/// The body of a request, read before the lock on [`Memory`] is taken.
#[derive(Debug)]
pub(crate) enum CallBody<'a> {
    Messaging(MessagingBody<'a>),
    Notify(NotifyBody),
}

/// Answers a request. Gives its `x-line-request-id` too.
pub(crate) fn answer(memory: &mut Memory, call: &Call<'_>, body: &CallBody<'_>) -> (Uuid, Answer) {
    let arrival = memory.arrive();
    let answer = match body {
        CallBody::Messaging(body) => messaging::answer(memory, call, body, arrival),
        CallBody::Notify(body) => notify::answer(memory, call, body, arrival),
    };
    let is_sent = matches!(answer.manner, Manner::Plain | Manner::Slow(_));
    let status = is_sent.then(|| answer.status.as_u16());
    memory.ledger.answered(call.endpoint, status);
    (memory.request_id(arrival.number), answer)
}

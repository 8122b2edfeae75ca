//! A record whose delivery can't be read: it is set aside, or it comes again.

use fanline_core::delivery::{DecodeError, Delivery};
use fanline_core::outcome::DeadLetterReason;
use fanline_seal::{OpenError, SealedBody};

use crate::batch::{Batch, Settlement};
use crate::channel::backoff::RetryCause;
use crate::sqs::dead_letter::DeadLetter;
use crate::sqs::record::{Record, Unreadable};

/// At this receive a delivery of an unknown version is set aside. The receives before it take some
/// minutes.
const MAX_UNKNOWN_RECEIVES: u32 = 5;

/// What becomes of a record that can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It is set aside: no later receive changes anything.
    SetAside(DeadLetterReason),
    /// A newer consumer may be able to read it.
    ForNewer,
    /// There is no key for it now.
    ForKey(RetryCause),
}

/// Sets a record aside that can't be read, or hands it back.
pub(super) async fn settle(batch: &Batch, record: &Record, error: &Unreadable) -> Settlement {
    let max_receive_count = batch.environment.settings.max_receive_count;
    let reason = match fate(error, record.receive_count, max_receive_count) {
        Fate::SetAside(reason) => reason,
        Fate::ForNewer => {
            let message_id = record.message_id.as_deref();
            tracing::warn!(%error, message_id, "record handed back");
            return batch.back_after(batch.wait(record, RetryCause::OnHold));
        }
        Fate::ForKey(cause) => {
            let message_id = record.message_id.as_deref();
            tracing::debug!(%error, message_id, "record handed back");
            batch.tally.lock().no_key += 1;
            return batch.back_after(batch.wait(record, cause));
        }
    };
    match reason {
        DeadLetterReason::Unsealed | DeadLetterReason::Forged => batch.tally.lock().forged += 1,
        DeadLetterReason::NoKey => batch.tally.lock().no_key += 1,
        _ => batch.tally.lock().undecodable += 1,
    }
    let letter = DeadLetter {
        reason,
        status: None,
        line_message: error.to_string(),
        request_id: None,
        run: run(reason, &record.body),
        receive_count: record.receive_count,
    };
    batch.set_aside(record, &record.body, &letter).await
}

/// Decides it. `receive_count` is the record's, `max_receive_count` the queue's.
fn fate(error: &Unreadable, receive_count: u32, max_receive_count: u32) -> Fate {
    use DeadLetterReason as Reason;
    let cause = match error {
        Unreadable::Decode(DecodeError::Version(_)) | Unreadable::Open(OpenError::Form(_))
            if receive_count < MAX_UNKNOWN_RECEIVES =>
        {
            return Fate::ForNewer;
        }
        Unreadable::Open(OpenError::Key(error)) if error.fault.may_pass() => RetryCause::NotMade,
        Unreadable::Decode(DecodeError::Sealed) | Unreadable::Open(OpenError::Key(_)) => {
            RetryCause::NoToken
        }
        Unreadable::Open(OpenError::NotSealed) => return Fate::SetAside(Reason::Unsealed),
        Unreadable::Open(OpenError::Forged) => return Fate::SetAside(Reason::Forged),
        Unreadable::Decode(_) | Unreadable::Open(OpenError::Form(_)) => {
            return Fate::SetAside(Reason::Undecodable);
        }
    };
    if receive_count < max_receive_count {
        Fate::ForKey(cause)
    } else {
        Fate::SetAside(Reason::NoKey)
    }
}

/// The run that the body names. Only where the body may be the producer's is it worth anything.
fn run(reason: DeadLetterReason, body: &str) -> Option<String> {
    match reason {
        DeadLetterReason::Unsealed => Some(Delivery::decode(body).ok()?.envelope.run),
        DeadLetterReason::Forged | DeadLetterReason::NoKey => {
            Some(SealedBody::parse(body).ok()?.run)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fanline_seal::{KeyError, KeyFault, KeyUse};

    fn key(fault: KeyFault) -> Unreadable {
        let error = KeyError {
            fault,
            wanted: KeyUse::Open,
            key: "arn".into(),
            words: "words".into(),
        };
        OpenError::Key(error).into()
    }

    #[test]
    fn every_way_to_be_unreadable_has_its_fate() {
        use DeadLetterReason as Reason;
        use Fate::{ForKey, ForNewer, SetAside};
        let no_key = SetAside(Reason::NoKey);
        let undecodable = SetAside(Reason::Undecodable);
        let shape = || DecodeError::Shape("words".into());
        // At the first receive, at the fifth, and at the twentieth, which is the last.
        for (error, fates) in [
            (shape().into(), [undecodable; 3]),
            (
                DecodeError::Version(3).into(),
                [ForNewer, undecodable, undecodable],
            ),
            (
                OpenError::Form(2).into(),
                [ForNewer, undecodable, undecodable],
            ),
            (
                DecodeError::Sealed.into(),
                [
                    ForKey(RetryCause::NoToken),
                    ForKey(RetryCause::NoToken),
                    no_key,
                ],
            ),
            (OpenError::NotSealed.into(), [SetAside(Reason::Unsealed); 3]),
            (OpenError::Forged.into(), [SetAside(Reason::Forged); 3]),
        ] {
            let of = |receives| fate(&error, receives, 20);
            assert_eq!([of(1), of(5), of(20)], fates, "{error}");
        }
        for (fault, cause) in [
            (KeyFault::Denied, RetryCause::NoToken),
            (KeyFault::Disabled, RetryCause::NoToken),
            (KeyFault::State, RetryCause::NoToken),
            (KeyFault::Missing, RetryCause::NoToken),
            (KeyFault::Unfit, RetryCause::NoToken),
            (KeyFault::OtherKey, RetryCause::NoToken),
            (KeyFault::Throttled, RetryCause::NotMade),
            (KeyFault::Unavailable, RetryCause::NotMade),
        ] {
            let of = |receives| fate(&key(fault), receives, 20);
            assert_eq!([of(1), of(19)], [ForKey(cause); 2], "{fault:?}");
            assert_eq!(of(20), no_key, "{fault:?}");
        }
    }
}

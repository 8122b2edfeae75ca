//! What is in a dead-letter queue at the end of a run, and why.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

use anyhow::Context;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message};
use fanline_ledger::{At, RollReader, RowMark, RunKeys, Store};
use fanline_seal::Outline;
use serde::Serialize;

/// The reason of a delivery that the queue set aside itself: it was received too often.
const RECEIVED_TOO_OFTEN: &str = "received too often";

/// The most distinct reasons that are kept apart.
const MAX_REASONS: usize = 20;

/// What was in a dead-letter queue.
#[derive(Debug, Default)]
pub(crate) struct DeadLetters {
    /// Recipients by reason.
    pub(crate) recipients: BTreeMap<String, u64>,
    /// The same with the channel's words, the most frequent first.
    pub(crate) reasons: Vec<DeadLetterWords>,
    /// A dead letter can be on the queue twice.
    seen: HashSet<String>,
}

/// Why recipients are in the dead-letter queue, in the channel's own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct DeadLetterWords {
    pub(crate) reason: String,
    /// The status of the channel's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<String>,
    /// What the channel said, or the consumer.
    pub(crate) words: String,
    pub(crate) recipients: u64,
    /// The row of one of them, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) example_row: Option<u64>,
    /// Where the first of these deliveries stands in the run.
    #[serde(skip)]
    place: Option<At>,
}

/// Takes all messages off the queue.
pub(crate) async fn take_all(
    sqs: &aws_sdk_sqs::Client,
    queue_url: &str,
) -> anyhow::Result<DeadLetters> {
    let mut letters = DeadLetters::default();
    loop {
        let received = sqs
            .receive_message()
            .queue_url(queue_url)
            .max_number_of_messages(10)
            .message_attribute_names("All")
            .send()
            .await
            .context("reading the dead-letter queue")?;
        // The SDK gives `None` for an answer without messages.
        let Some(messages) = received.messages.filter(|messages| !messages.is_empty()) else {
            letters
                .reasons
                .sort_by_key(|words| Reverse(words.recipients));
            return Ok(letters);
        };
        let mut delete = sqs.delete_message_batch().queue_url(queue_url);
        for (i, message) in messages.iter().enumerate() {
            letters.add(message).context("reading a dead letter")?;
            let entry = DeleteMessageBatchRequestEntry::builder()
                .id(i.to_string())
                .set_receipt_handle(message.receipt_handle.clone());
            delete = delete.entries(entry.build()?);
        }
        delete
            .send()
            .await
            .context("emptying the dead-letter queue")?;
    }
}

impl DeadLetters {
    fn add(&mut self, message: &Message) -> anyhow::Result<()> {
        let body = message.body().context("the message has no body")?;
        let (recipients, place) = match Outline::of(body) {
            Some(Outline {
                at,
                people,
                identity,
                ..
            }) if self.seen.insert(identity.clone()) => {
                (people, at.as_deref().and_then(|at| at.parse().ok()))
            }
            Some(_) => return Ok(()),
            // Nobody can say how many recipients it has: it counts as one.
            None => (1, None),
        };
        let attribute = |name: &str| {
            let attribute = message.message_attributes()?.get(name)?;
            attribute.string_value().map(str::to_owned)
        };
        let reason = attribute("reason").unwrap_or_else(|| RECEIVED_TOO_OFTEN.to_owned());
        let words = attribute("line_message").unwrap_or_default();
        *self.recipients.entry(reason.clone()).or_default() += recipients;
        self.add_words(DeadLetterWords {
            reason,
            status: attribute("status"),
            words,
            recipients,
            example_row: None,
            place,
        });
        Ok(())
    }

    fn add_words(&mut self, new: DeadLetterWords) {
        let is_full = self.reasons.len() >= MAX_REASONS;
        let same = self.reasons.iter_mut().find(|known| {
            (&known.reason, &known.status, &known.words) == (&new.reason, &new.status, &new.words)
        });
        match same {
            Some(known) => known.recipients += new.recipients,
            None if is_full => {}
            None => self.reasons.push(new),
        }
    }

    /// Finds a row for each reason in the rolls of the run.
    pub(crate) async fn find_rows(&mut self, store: &Store, run: &str) {
        for words in &mut self.reasons {
            if let Some(place) = &words.place {
                words.example_row = row_at(store, run, place).await;
            }
        }
    }
}

/// The row of the first person of a delivery. `None` where the roll does not have it: it is written
/// when its slice has been published.
async fn row_at(store: &Store, run: &str, place: &At) -> Option<u64> {
    let roll = store.get(&RunKeys::new(run).roll(place.slice())).await;
    let roll = roll.ok()??;
    let mut rows = RollReader::new(&roll.bytes[..]).ok()?.map_while(Result::ok);
    let row = rows.find(|row| match row.mark {
        RowMark::Sent { delivery, .. } => delivery == place.delivery(),
        _ => false,
    });
    row.map(|row| row.row)
}

//! The rules of a campaign for one row: who gets it and what, or why it can't be sent.

use fanline_core::campaign::Campaign;
use fanline_core::delivery::Envelope;
use fanline_core::limits::line::MAX_RECIPIENTS;
use fanline_core::limits::sqs::MAX_BYTES;
use fanline_core::list::{Header, ListError, Row, RowError};
use fanline_core::recipient::Recipient;
use fanline_seal::max_sealed_len;

use crate::list::slice::OpenSlice;

/// The rules of a campaign for its rows. Both readings of a slice use them.
pub(crate) struct RowRules<'a> {
    campaign: &'a Campaign,
    /// The most bytes of a queue message without its recipients and its messages.
    envelope_bytes: usize,
    /// The run, where deliveries are sealed.
    sealed_run: Option<String>,
}

impl<'a> RowRules<'a> {
    /// The rules for deliveries with this envelope.
    pub(crate) fn new(campaign: &'a Campaign, envelope: &Envelope) -> Self {
        Self {
            campaign,
            envelope_bytes: envelope.max_len(),
            sealed_run: None,
        }
    }

    /// The rules for the deliveries of a slice.
    pub(crate) fn of(open: &'a OpenSlice) -> Self {
        let envelope = open.envelope();
        Self {
            sealed_run: open.is_sealed.then(|| envelope.run.clone()),
            ..Self::new(&open.campaign, &envelope)
        }
    }

    /// Whether the list has the columns that the campaign needs.
    pub(crate) fn check_header(&self, header: &Header) -> Result<(), ListError> {
        let column = self.campaign.channel.recipient_column();
        if !header.has(column) {
            return Err(header.lacks_recipient(column));
        }
        self.campaign.messages.check_header(header)
    }

    /// The recipient that the row names.
    pub(crate) fn recipient(&self, row: &Row<'_>) -> Result<Recipient, RowError> {
        let column = self.campaign.channel.recipient_column();
        let text = row.text(column).ok_or_else(|| no_recipient(row, column))?;
        Recipient::parse(self.campaign.channel, text).map_err(|error| RowError::Column {
            column: column.into(),
            problem: error.to_string(),
        })
    }

    /// Renders the row's messages into `json`, in place of what it held. Returns how many
    /// recipients like this one can share a delivery of these messages.
    pub(crate) fn messages(
        &self,
        row: &Row<'_>,
        recipient: &Recipient,
        json: &mut String,
    ) -> Result<usize, RowError> {
        json.clear();
        self.campaign.messages.render(row, json)?;
        match self.max_sharing(json.len(), recipient) {
            0 => Err(RowError::Message {
                field: "messages".into(),
                problem: format!(
                    "are {} bytes long with this row; together with the other fields of the \
                     delivery they have to fit a queue message of {MAX_BYTES}",
                    json.len()
                ),
            }),
            recipients if self.fits_sealed(json.len(), recipient, recipients) => Ok(recipients),
            _ => Err(RowError::Message {
                field: "messages".into(),
                problem: format!(
                    "are {} bytes long with this row; the delivery is sealed, which makes it a \
                     third longer, and has to fit a queue message of {MAX_BYTES}",
                    json.len()
                ),
            }),
        }
    }

    /// Whether a delivery with so many recipients fits a queue message, also sealed. The recipients
    /// are as many as without a seal: so the deliveries and their retry keys are the same.
    fn fits_sealed(&self, message_bytes: usize, recipient: &Recipient, recipients: usize) -> bool {
        let Some(run) = &self.sealed_run else {
            return true;
        };
        let plain = self.envelope_bytes + message_bytes + recipients * (recipient.len() + 3) - 1;
        max_sealed_len(run, plain) <= MAX_BYTES
    }

    /// How many recipients like this one can share a delivery with so many bytes of messages. The
    /// number does not depend on where the delivery stands in its run, and no entry is over SQS's
    /// limit.
    fn max_sharing(&self, message_bytes: usize, recipient: &Recipient) -> usize {
        let max_recipients = if recipient.can_share() {
            MAX_RECIPIENTS
        } else {
            1
        };
        // Two quotes for each recipient, and a comma between two recipients.
        let room = (MAX_BYTES + 1).saturating_sub(self.envelope_bytes + message_bytes);
        max_recipients.min(room / (recipient.len() + 3))
    }
}

/// Why the row names no recipient.
fn no_recipient(row: &Row<'_>, column: &'static str) -> RowError {
    if row.value(column).is_some() {
        return RowError::Column {
            column: column.into(),
            problem: "is not a text".into(),
        };
    }
    match row.similar_to(column) {
        Some(similar) => RowError::MissingRecipient {
            column,
            similar: similar.into(),
        },
        None => RowError::Missing(column.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fanline_core::channel::Channel;
    use fanline_core::list::JsonRow;
    use fanline_seal::{Label, SliceKey};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn campaign(channel: &str, text: &str) -> Campaign {
        let messages = match channel {
            "line" => json!([{"type": "text", "text": text}]),
            _ => json!({"message": text}),
        };
        Campaign::from_value(
            json!({"campaign": "c", "channel": channel, "recipients": [], "messages": messages}),
        )
        .unwrap()
    }

    fn row(value: &Value) -> JsonRow {
        JsonRow::parse(&value.to_string()).unwrap()
    }

    #[test]
    fn a_row_names_a_recipient_or_says_why_not() {
        for (channel, object, sentence) in [
            ("line", json!({}), "has no `to`"),
            (
                "line",
                json!({"userId": "U1"}),
                "has no `to`; do you mean `userId`?",
            ),
            ("line", json!({"to": null}), "has no `to`"),
            ("line", json!({"to": 5}), "`to` is not a text"),
            ("line", json!({"to": ""}), "`to` is empty"),
            (
                "line",
                json!({"to": "U1"}),
                "`to` is not a LINE user, group or room ID",
            ),
            ("line-notify", json!({"to": "U1"}), "has no `token`"),
            (
                "line-notify",
                json!({"token": "a b"}),
                "`token` is not a LINE Notify token",
            ),
        ] {
            let campaign = campaign(channel, "hi");
            let envelope = campaign.envelope("2026-12-25T00:00:00Z".parse().unwrap());
            let error = RowRules::new(&campaign, &envelope)
                .recipient(&Row::Json(&row(&object)))
                .unwrap_err();
            assert!(error.to_string().starts_with(sentence), "{error}");
        }
    }

    proptest! {
        /// Whatever the slice, the place and the data key are.
        #[test]
        fn a_row_that_may_be_sealed_fits_a_queue_message_and_no_short_one_is_rejected(
            messages in 700_000..MAX_BYTES,
            run in "[A-Za-z0-9._-]{1,64}",
            slice in any::<u64>(),
            number in any::<u32>(),
            key_len in 1usize..=1_024,
        ) {
            let mut campaign = campaign("line", "hi");
            campaign.id = run;
            let envelope = campaign.envelope("2026-12-25T00:00:00Z".parse().unwrap());
            let rules = RowRules {
                sealed_run: Some(envelope.run.clone()),
                ..RowRules::new(&campaign, &envelope)
            };
            let one = Recipient::parse(Channel::Line, "U4af4980629f0c1d2e3f4a5b6c7d8e9fa").unwrap();
            let people = rules.max_sharing(messages, &one);
            prop_assume!(people > 0);
            let slice = format!("{slice}c");
            let plain = envelope.encoder_of_copies(&slice);
            let plain = plain.encoded_len(&vec![one.clone(); people], messages, number);
            let secret = vec![1; 32].into();
            let key = SliceKey::new(&envelope.run, &slice, &secret, vec![2; key_len]).unwrap();
            let at = format!("{slice}:{number}");
            let sealed = key.sealed_len(plain, Label { at: Some(&at), people });
            if rules.fits_sealed(messages, &one, people) {
                prop_assert!(sealed <= MAX_BYTES, "{sealed}");
            } else {
                prop_assert!(plain > 780_000, "{plain}");
            }
        }
    }

    #[test]
    fn as_many_recipients_share_a_delivery_as_fit_a_queue_message_to_the_byte() {
        let campaign = campaign("line", "hi");
        let envelope = campaign.envelope("2026-12-25T00:00:00Z".parse().unwrap());
        let rules = RowRules::new(&campaign, &envelope);
        let longest = envelope.encoder_of_copies(&format!("{}c", u64::MAX));
        let one = Recipient::parse(Channel::Line, "U4af4980629f0c1d2e3f4a5b6c7d8e9fa").unwrap();
        for n in [1, 2, 499] {
            let bare = longest.encode(&vec![one.clone(); n], "", u32::MAX).len();
            assert_eq!(rules.max_sharing(MAX_BYTES - bare, &one), n);
            assert_eq!(rules.max_sharing(MAX_BYTES - bare + 1, &one), n - 1);
        }
        assert_eq!(rules.max_sharing(20, &one), 500);
        assert_eq!(rules.max_sharing(MAX_BYTES, &one), 0);
        let group = Recipient::parse(Channel::Line, "C4af4980629f0c1d2e3f4a5b6c7d8e9fa").unwrap();
        assert_eq!(rules.max_sharing(20, &group), 1);
        let token = Recipient::parse(Channel::LineNotify, "0123456789").unwrap();
        let bare = longest
            .encode(std::slice::from_ref(&token), "", u32::MAX)
            .len();
        assert_eq!(rules.max_sharing(MAX_BYTES - bare, &token), 1);
        assert_eq!(rules.max_sharing(MAX_BYTES - bare + 1, &token), 0);
    }
}

//! Writes deliveries as they go to the queue: in plain text, or sealed.

use std::sync::Arc;

use aws_config::SdkConfig;
use fanline_core::delivery::Encoder;
use fanline_core::recipient::Recipient;
use fanline_seal::{KeyArn, KeyError, KeyService, Label, SliceKey};

use crate::list::slice::OpenSlice;

/// Makes the data keys of slices, if deliveries are sealed.
#[derive(Debug)]
pub(crate) struct Sealer(Option<KeyService>);

impl Sealer {
    /// With the KMS key of this ARN. Without it, nothing is sealed.
    pub(crate) fn new(config: &SdkConfig, key: Option<KeyArn>) -> Self {
        Self(key.map(|key| KeyService::new(config, key)))
    }

    /// Whether deliveries are sealed.
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Makes sure that the key can be used, where a list `is_cut`: before its slices wait.
    pub(crate) async fn prove(&self, open: &OpenSlice, is_cut: bool) -> Result<(), KeyError> {
        if is_cut {
            self.key(open).await?;
        }
        Ok(())
    }

    /// A new data key for a slice, if deliveries are sealed.
    pub(crate) async fn key(&self, open: &OpenSlice) -> Result<Option<Arc<SliceKey>>, KeyError> {
        let Some(keys) = &self.0 else {
            return Ok(None);
        };
        let key = keys.generate(&open.slice.run, &open.id.to_string()).await?;
        Ok(Some(Arc::new(key)))
    }
}

/// Writes the queue messages of one slice.
#[derive(Debug, Clone)]
pub(crate) struct DeliveryEncoder {
    plain: Encoder,
    /// The slice's name, with which the place of each delivery begins.
    slice: String,
    key: Option<Arc<SliceKey>>,
}

impl DeliveryEncoder {
    /// For the deliveries of this slice, sealed if there is a `key`. `are_copies`: an earlier
    /// invocation may have published them.
    pub(crate) fn of(open: &OpenSlice, are_copies: bool, key: Option<Arc<SliceKey>>) -> Self {
        let (envelope, slice) = (open.envelope(), open.id.to_string());
        let plain = if are_copies {
            envelope.encoder_of_copies(&slice)
        } else {
            envelope.encoder(&slice)
        };
        Self { plain, slice, key }
    }

    /// For a slice whose deliveries are in plain text.
    #[cfg(test)]
    pub(crate) fn plain(plain: Encoder, slice: &str) -> Self {
        let slice = slice.to_owned();
        Self {
            plain,
            slice,
            key: None,
        }
    }

    /// The queue message that carries `messages` (a JSON array, as rendered) to `recipients`.
    pub(crate) fn encode(&self, recipients: &[Recipient], messages: &str, number: u32) -> String {
        let plain = self.plain.encode(recipients, messages, number);
        match &self.key {
            None => plain,
            Some(key) => {
                let at = self.at(number);
                key.seal(&plain, label(&at, recipients))
            }
        }
    }

    /// The exact length of [`DeliveryEncoder::encode`] for messages of this length.
    pub(crate) fn encoded_len(
        &self,
        recipients: &[Recipient],
        messages: usize,
        number: u32,
    ) -> usize {
        let plain = self.plain.encoded_len(recipients, messages, number);
        match &self.key {
            None => plain,
            Some(key) => {
                let at = self.at(number);
                key.sealed_len(plain, label(&at, recipients))
            }
        }
    }

    fn at(&self, number: u32) -> String {
        format!("{}:{number}", self.slice)
    }
}

fn label<'a>(at: &'a str, recipients: &[Recipient]) -> Label<'a> {
    Label {
        at: Some(at),
        people: recipients.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fanline_core::campaign::Campaign;
    use fanline_core::channel::Channel;
    use proptest::prelude::*;
    use serde_json::json;

    fn encoder(is_sealed: bool, slice: &str) -> DeliveryEncoder {
        let campaign = json!({"campaign": "c", "channel": "line", "recipients": [],
            "messages": [{"type": "text", "text": "hi"}]});
        let campaign = Campaign::from_value(campaign).unwrap();
        let envelope = campaign.envelope("2026-12-25T00:00:00Z".parse().unwrap());
        DeliveryEncoder {
            plain: envelope.encoder(slice),
            slice: slice.to_owned(),
            key: is_sealed.then(|| Arc::new(SliceKey::to_measure(&envelope.run, slice))),
        }
    }

    proptest! {
        #[test]
        fn a_delivery_has_the_length_that_was_said_sealed_or_not(
            is_sealed in any::<bool>(),
            slice in 1u64..,
            number in any::<u32>(),
            people in 1usize..=500,
            text in ".{0,500}",
        ) {
            let encoder = encoder(is_sealed, &slice.to_string());
            let one = Recipient::parse(Channel::Line, "U4af4980629f0c1d2e3f4a5b6c7d8e9fa").unwrap();
            let recipients = vec![one; people];
            let messages = json!([{"type": "text", "text": text}]).to_string();
            let body = encoder.encode(&recipients, &messages, number);
            let said = encoder.encoded_len(&recipients, messages.len(), number);
            prop_assert_eq!(body.len(), said);
        }
    }
}

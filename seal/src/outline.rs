//! What can be known of a queue message without its key.

use fanline_core::delivery::Delivery;

use crate::body::SealedBody;

/// What can be known of a delivery on a queue without its key, sealed or not. For people and
/// counts: nobody has looked whether a sealed one is what the producer sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// The run's name.
    pub run: String,
    /// Where the delivery stands in its run.
    pub at: Option<String>,
    /// How many people it is for.
    pub people: u64,
    /// Equal for two messages of one delivery.
    pub identity: String,
}

impl Outline {
    /// The outline of the body of a queue message. `None`: it is not a delivery.
    pub fn of(body: &str) -> Option<Self> {
        let Ok(sealed) = SealedBody::parse(body) else {
            let delivery = Delivery::decode(body).ok()?;
            return Some(Self {
                identity: delivery.request().retry_key.to_string(),
                people: delivery.recipients.len() as u64,
                run: delivery.envelope.run,
                at: delivery.at,
            });
        };
        let identity = match &sealed.at {
            Some(at) => format!("{} {at}", sealed.run),
            None => body.to_owned(),
        };
        Some(Self {
            run: sealed.run,
            at: sealed.at,
            people: sealed.people as u64,
            identity,
        })
    }
}

//! An order to the producer: a message on the slice queue that names a slice of a run that has
//! begun.

use serde::{Deserialize, Serialize};

use super::redrive::RedriveReason;
use crate::at::SliceId;
use crate::json_object::{self, ObjectError, VERSION};
use crate::keys::is_run_name;

const OBJECT: &str = "slice order";

/// Asks the producer to publish what is waiting of a slice, and what was set aside or has expired
/// where the order says so: the bookkeeper's message for a sweep and for the release of a canary,
/// and an operator's for a redrive.
///
/// The producer takes everything else from the ledger: the list and its version, the cut and the
/// grouping from the run's record, the slice's bytes from the list of slices, and who is waiting
/// from the book. It makes the same sequence of deliveries as before, with the same retry keys, and
/// publishes those with people who are meant. So an order that comes twice costs requests and
/// sends nobody anything twice. LINE Notify has no retry keys: there an order can double.
///
/// The JSON, version 1: `{"v":1,"run":"xmas","slice":"1","only":"waiting"}`, or with the words of
/// [`RedriveReason`], `"only":["waiting","quota"]`. A slice of the list has no version, so the two
/// are told apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SliceOrder {
    v: u64,
    /// The run.
    pub run: String,
    /// The slice.
    pub slice: SliceId,
    only: Only,
}

/// Which deliveries of the slice are published: who waits is meant in any case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Only {
    One(Waiting),
    Each(Vec<RedriveReason>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Waiting {
    Waiting,
}

impl SliceOrder {
    /// An order for who is waiting in a slice of a run.
    pub fn new(run: impl Into<String>, slice: SliceId) -> Self {
        Self {
            v: VERSION,
            run: run.into(),
            slice,
            only: Only::One(Waiting::Waiting),
        }
    }

    /// The same, and for these people too. Their redrive has been noted.
    #[must_use]
    pub fn with(self, reasons: &[RedriveReason]) -> Self {
        let mut each = vec![RedriveReason::Waiting];
        each.extend(reasons.iter().filter(|one| **one != RedriveReason::Waiting));
        let only = match each.len() {
            1 => Only::One(Waiting::Waiting),
            _ => Only::Each(each),
        };
        Self { only, ..self }
    }

    /// Who is meant besides those who wait.
    pub fn reasons(&self) -> &[RedriveReason] {
        match &self.only {
            Only::One(Waiting::Waiting) => &[],
            Only::Each(each) => each,
        }
    }

    /// The body of the queue message.
    pub fn encode(&self) -> String {
        #[expect(clippy::expect_used, reason = "text and numbers are JSON")]
        serde_json::to_string(self).expect("text and numbers are JSON")
    }

    /// Reads the body of a queue message.
    pub fn decode(body: &str) -> Result<Self, ObjectError> {
        let order: Self = json_object::decode(OBJECT, body.as_bytes())?;
        if !is_run_name(&order.run) {
            return Err(ObjectError::field(
                OBJECT,
                "run",
                "is not the name of a run",
            ));
        }
        Ok(order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_pinned_and_nonsense_is_refused_in_words() {
        let order = SliceOrder::new("xmas@2026-12-25T00:00:00Z", "1c".parse().unwrap());
        let body = r#"{"v":1,"run":"xmas@2026-12-25T00:00:00Z","slice":"1c","only":"waiting"}"#;
        assert_eq!(order.encode(), body);
        assert_eq!(SliceOrder::decode(body).as_ref(), Ok(&order));
        let order = order.with(&[RedriveReason::Quota, RedriveReason::Expired]);
        let body = body.replace(r#""waiting""#, r#"["waiting","quota","expired"]"#);
        assert_eq!(order.encode(), body);
        assert_eq!(SliceOrder::decode(&body), Ok(order));
        for (body, problem) in [
            (r#"{"v":2}"#, "is of version 2"),
            (r#"{"v":1,"run":"x","slice":"1"}"#, "`only`"),
            (
                r#"{"v":1,"run":"x","slice":"0","only":"waiting"}"#,
                "`slice`",
            ),
            (r#"{"v":1,"run":"x","slice":"1","only":"some"}"#, "`only`"),
            (r#"{"v":1,"run":"","slice":"1","only":"waiting"}"#, "`run`"),
            (
                r#"{"v":1,"run":"x","slice":"1","only":"waiting","start":{}}"#,
                "`start`",
            ),
        ] {
            let error = SliceOrder::decode(body).unwrap_err().to_string();
            assert!(error.contains(problem), "{body}: {error}");
        }
    }
}

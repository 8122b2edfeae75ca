//! The campaign's field `max_bad_rows`.

use serde_json::Value;

use super::error::CampaignError;

/// How many bad rows a list may have. With more of them, nothing is sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MaxBadRows {
    /// A number of rows.
    Rows(u64),
    /// A share of the slice's rows, from 0 to 1.
    Share(f64),
}

impl MaxBadRows {
    const DEFAULT: Self = Self::Share(0.01);

    /// Whether a slice of `rows` rows is sent when `bad` of them are bad.
    pub fn allows(self, bad: u64, rows: u64) -> bool {
        match self {
            Self::Rows(max) => bad <= max,
            #[expect(
                clippy::cast_precision_loss,
                reason = "a share of rows; no list has 2^52 of them"
            )]
            Self::Share(share) => bad as f64 <= share * rows as f64,
        }
    }

    pub(super) fn from_value(value: Option<&Value>) -> Result<Self, CampaignError> {
        let Some(value) = value else {
            return Ok(Self::DEFAULT);
        };
        let rows = value.as_u64().map(Self::Rows);
        let share = || value.as_str().and_then(share).map(Self::Share);
        rows.or_else(share).ok_or_else(|| {
            CampaignError::field(
                "max_bad_rows",
                "is neither a number of rows, from 0 on, nor a share in quotes, from `\"0%\"` to \
                 `\"100%\"`",
            )
        })
    }
}

/// The share that a text such as `2.5%` writes.
fn share(text: &str) -> Option<f64> {
    let percent: f64 = text.strip_suffix('%')?.trim().parse().ok()?;
    (0.0..=100.0).contains(&percent).then_some(percent / 100.0)
}

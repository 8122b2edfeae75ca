//! What LINE takes for a number.

use super::problem::Refusal;

/// A number and its bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Number {
    is_whole: bool,
    min: f64,
    max: f64,
}

impl Number {
    pub(super) const fn whole(min: f64, max: f64) -> Self {
        Self {
            is_whole: true,
            min,
            max,
        }
    }

    pub(super) const fn between(min: f64, max: f64) -> Self {
        Self {
            is_whole: false,
            min,
            max,
        }
    }

    pub(super) fn check(self, number: f64) -> Result<(), Refusal> {
        if self.is_whole && number.fract() != 0.0 {
            return Err(Refusal::new("is not a whole number"));
        }
        if (self.min..=self.max).contains(&number) {
            return Ok(());
        }
        Err(Refusal::new(if self.max.is_finite() {
            format!(
                "is out of range; LINE takes a number from {} to {}",
                self.min, self.max
            )
        } else {
            format!(
                "is out of range; LINE takes a number of {} or more",
                self.min
            )
        }))
    }
}

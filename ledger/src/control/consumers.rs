//! How many consumers a lane has, and its share of LINE's limits.

/// The consumers of a lane, and those of the other lane: all have the same share of LINE's limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consumers {
    /// Those that take from the lane's queue.
    pub own: u32,
    /// Those beside them.
    pub others: u32,
}

/// What a bookkeeper counts on that nobody has told.
impl Default for Consumers {
    fn default() -> Self {
        Self { own: 10, others: 0 }
    }
}

impl Consumers {
    /// The part of LINE's limits that the lane has.
    pub fn share(self) -> f64 {
        let own = f64::from(self.own);
        own / (own + f64::from(self.others)).max(1.0)
    }
}

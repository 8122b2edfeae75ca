//! A run of a campaign: its record, its slices, and the sum that must hold.

mod content;
mod decide;
mod order;
mod record;
mod redrive;
mod resend;
mod slices;
mod sum;

pub use content::{Content, ListVersion};
pub use decide::{Decision, Firing, Refusal, decide};
pub use order::SliceOrder;
pub use record::{Cut, RunKind, RunRecord};
pub use redrive::{Redrive, RedriveReason, Redrives};
pub use resend::ResendClaim;
pub use slices::{SliceCounts, SliceLine, SliceLines};
pub use sum::{Equation, RunSum};

pub(crate) use content::{hex, sha_256};
pub(crate) use record::horizon;

#[cfg(test)]
mod tests;

//! What became of each delivery of a run, and the control of runs: decisions that need no network
//! and no clock.

mod at;
mod book;
mod by_endpoint;
mod control;
mod json_object;
mod keys;
mod outcomes;
mod roll;
mod run;
mod varint;
mod watch;

pub use at::{At, AtError, Positions, SliceId};
pub use book::{
    AcceptedOverTime, Book, BookAudit, BookError, CellCount, HEAD_BYTES, LooseBook, Merged, People,
    Tally,
};
pub use by_endpoint::ByEndpoint;
pub use control::{
    CanaryRule, CanaryState, Control, Edit, EditError, Entry, Gate, Lane, Mapping, Pace, PauseMode,
    RunControl, RunState, Sample, Share, ShareError, Stack, gate, pace_of_one,
};
pub use json_object::ObjectError;
pub use keys::{CONTROL_KEY, LEDGER_PREFIX, RunKeys};
pub use outcomes::{
    Cell, CellReason, DeliveryOutcome, Departed, FinalOutcome, OutcomeMessage, OutcomeMessageError,
    Page, PageError, PageLine, RunOutcomes, Standing, gather,
};
pub use roll::{
    Fingerprint, FingerprintError, Fingerprinter, RollError, RollReader, RollRow, RollTotals,
    RollWriter, RowMark,
};
pub use run::{
    Content, Cut, Decision, Equation, Firing, ListVersion, Refusal, RunKind, RunRecord, RunSum,
    SliceCounts, SliceLine, SliceLines, decide,
};
pub use watch::{
    Brake, BrakeReason, BrakeRule, CostLine, Lateness, OpenRun, PlannedRun, Refusals,
    RefusalsInAMinute, SettledRate, best_pace, deadline, plan_cost,
};

//! What became of each delivery of a run, and the control of runs: decisions that need no network
//! and no clock, and one edge, the store in which their objects lie.
//!
//! # Layout, in the order in which the data passes
//! - `at`: where a delivery stands in its run, such as `1:4711`
//! - `run`: the record of a run, whether a firing begins or continues it, its slices, and the sum
//!   that must hold
//! - `roll`: who is in which delivery, written while the slice is published
//! - `outcomes`: what became of deliveries: the words and their order, outcome messages, pages
//! - `book`: a cell for each person, the merging of outcomes, and the counts
//! - `control`: what an operator, the brake or the canary says about a run, and what a consumer
//!   then does
//! - `watch`: the brake, lateness, and what a run will cost
//! - `keys`: the names of all objects
//! - `lease`: LINE's limits, shared by workers that come and go
//! - `store`: a bucket or a folder, and the objects that are read, changed and put back
//! - `by_endpoint`, `json_object`, `varint`: small things that several of these need
//!
//! # Objects
//! Below `ledger/<run>/`, where the run's name is percent-encoded (see [`RunKeys`]):
//!
//! | object | written by | type |
//! | --- | --- | --- |
//! | `run.json` | producer, once, before anything is published | [`RunRecord`] |
//! | `slices.ndjson` | who cut the list, once | [`SliceLines`] |
//! | `slices/<slice>.json` | producer, after the first reading and at the end | [`SliceCounts`] |
//! | `rests/<slice>-<skip>.json` | producer, once, where it goes on inside a slice | [`SliceCounts`] |
//! | `rolls/<slice>` | producer, once, after the last delivery | [`RollWriter`], [`RollReader`] |
//! | `resends/<number>` | an operator who resends, once, before it is sent | [`ResendClaim`] |
//! | `redrives.json` | whoever sends again what has an outcome, compare-and-swap | [`Redrives`] |
//! | `history/<time>-<uuid>.json` | whoever edits control, before | [`RunControl`] |
//! | `watch.json` | bookkeeper, compare-and-swap | [`RunWatch`] |
//! | `books/<slice>`, `books/loose` | bookkeeper, compare-and-swap | [`Book`], [`LooseBook`] |
//! | `pages/<time>-<uuid>.ndjson.zst` | bookkeeper, before the books | [`Page`] |
//!
//! And `control/control.json`, compare-and-swap by everyone: [`Control`]. A pace that it had before
//! lies in `control/pace/<time>-<uuid>.json`: [`PastPace`].
//! `control/mappings.json`, compare-and-swap by the bookkeeper: [`SwitchedOff`].
//! `control/workers.json`, compare-and-swap by workers: [`Leases`].
//!
//! # Messages
//! | queue | body | type |
//! | --- | --- | --- |
//! | outcome queue | what became of deliveries, or a call to the bookkeeper | [`OutcomeQueueBody`] |
//! | slice queue | an order to publish what is waiting of a slice | [`SliceOrder`] |
//!
//! # What callers must keep
//! - Nothing of a run is published before its record is written, and nothing of a slice before its
//!   counts are.
//! - What an earlier invocation may have published says so when it is published again: SQS counts
//!   the receives of a copy anew, and LINE may have taken the first one.
//! - Whoever continues a run takes `started_at`, the list's version, the cut and the grouping from
//!   its record.
//! - A page is written before the books that its outcomes are merged into.
//! - An object that is changed is put back with the tag of what was read: use [`Store::update`] or
//!   what stands on it.
//! - The gate is asked before any look at `expires_at` or at the 23 hours, and again right before
//!   each request.

mod at;
mod book;
mod by_endpoint;
mod control;
mod json_object;
mod keys;
mod lease;
mod outcomes;
mod roll;
mod run;
mod store;
mod varint;
mod watch;

pub use at::{At, AtError, Positions, SliceId};
pub use book::{
    Book, BookAudit, BookError, CellCount, CellWords, HEAD_BYTES, LooseBook, Merged,
    OthersOverTime, People, PeopleOverTime, Tally, read_tally,
};
pub use by_endpoint::ByEndpoint;
pub use control::{
    CanaryRule, CanaryState, Consumers, Control, Edit, EditError, Entry, Gate, Mapping, Pace,
    PastPace, PauseMode, RunControl, RunState, Sample, Share, ShareError, Signature, Stack,
    SwitchedOff, UrgentLane, gate, pace_of_one,
};
pub use fanline_core::campaign::Lane;
pub use json_object::ObjectError;
pub use keys::{CONTROL_KEY, LEDGER_PREFIX, MAPPINGS_KEY, RunKeys, WORKERS_KEY};
pub use lease::{Lease, LeaseHolder, Leases, Renewal};
pub use outcomes::{
    Cell, CellReason, DeliveryOutcome, Departed, FinalOutcome, OutcomeMessage, OutcomeMessageError,
    OutcomeQueueBody, Page, PageError, PageLine, RunOutcomes, Standing, WAKE, gather,
};
pub use roll::{RollError, RollReader, RollRow, RollTotals, RollWriter, RowMark};
pub use run::{
    Content, Cut, Decision, Equation, Firing, ListVersion, Redrive, RedriveReason, Redrives,
    Refusal, ResendClaim, RunKind, RunRecord, RunSum, SliceCounts, SliceLine, SliceLines,
    SliceOrder, decide,
};
pub use store::{
    Bucket, ControlPlace, ControlPlaceError, EditControlError, Expect, Fetched, Folder, Listed,
    MAX_TRIES, MergeError, MergedBook, Object, Put, ReadObjectError, ReadSumError, Store,
    StoreError, Tag, UpdateError, Updated, begin_run, draw_id, edit_control, edit_watch,
    merge_loose, merge_slice, note_redrive, read_control, read_history, read_past_paces,
    read_redrives, read_sum, read_tallies, read_tallies_of, read_watch, s3_client,
};
pub use watch::{
    Brake, BrakeReason, BrakeRule, CostLine, Lateness, OpenRun, PlannedRun, Refusals,
    RefusalsInAMinute, RunWatch, SettledRate, best_pace, deadline, plan_cost,
};

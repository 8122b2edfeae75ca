//! The far ends on one machine: an SQS-compatible server, a simulated LINE, and a host for the Lambda binaries.
//!
//! Nothing in here is deployed. The stand-ins keep their own copy of what AWS and LINE document, on purpose: they judge the
//! rest of the project.
//!
//! # Layout
//! - `sqs`: the SQS-compatible server: start it, point an SQS client at its URL, drop it.
//!   - `wire`: HTTP and JSON, one line for each action; `actions`: what each action does; `refusal`: every error.
//!   - `account`: the queues by name; `attributes`: their settings; `store`: their messages, pure.
//!   - `message`: a message, its size and MD5s; `handle`: receipt handles; `faults`: what goes wrong, by a seed.
//! - `line`: the simulated LINE: start it, send to its URL, ask it who got what, drop it.
//!   - `wire`: HTTP, and connections that break; `endpoint`: what is where; `answer`: the form of every answer.
//!   - `service`: the order of LINE's checks; `request`: what a body must be, pure; `send`: what becomes of a good one.
//!   - `notify`: LINE Notify; `memory`: retry keys, rate limits, tokens, and the ledger of who got what.
//!   - `control`: the paths that a test asks; `faults`: what goes wrong, by a seed; `options`: how it is set up.
//! - `lambda`: runs the real Lambda binaries; `environment`: one process; `runtime_api`: the API that it talks to.
//! - `clock`: the far ends' time, which a test can move; `kills`: which invocations are aborted in the middle.

mod clock;
mod kills;
mod lambda;
mod line;
mod sqs;

pub use clock::Clock;
pub use kills::Kills;
pub use lambda::{Host, HostCounts, HostOptions, InvokeError};
pub use line::{
    LedgerSecond, LedgerSummary, LineFault, LineFaults, LineFaultsError, LineOptions, LineServer,
    Receipt, UnknownInMulticast,
};
pub use sqs::{QueueFaults, QueueFaultsError, QueueOptions, QueueServer};

//! The far ends on one machine: an SQS-compatible server, stand-ins for S3 and KMS, a simulated
//! LINE, and a host for the Lambda binaries.
//!
//! This crate is never deployed. The servers have their own copies of what AWS and LINE document,
//! on purpose: they judge the rest of the project.
//!
//! # Layout
//! - `sqs`: the SQS-compatible server. Start it, point an SQS client at its URL, drop it.
//!   - `wire`: HTTP and JSON, one line for each action
//!   - `actions`: what each action does; `refusal`: all errors
//!   - `account`: the queues by name; `queue`: one queue and its attributes
//!   - `store`: the messages of a queue, pure; `message`: one message, with its size and MD5s
//!   - `handle`: receipt handles; `move_task`: dead letters on their way back
//!   - `faults`: what goes wrong, drawn from a seed; `options`
//!   - `in_process`: the server without a port, for simulations
//! - `s3`: the stand-in for S3. Start it, point an S3 client at its URL, drop it.
//!   - `wire`: HTTP; `call`: a request; `chunked`: a body in the SDK's own chunks; `answer`
//!   - `account`: the buckets by name; `bucket`: objects and their versions, pure; `listing`: XML
//!   - `faults`: what goes wrong, drawn from a seed or told by a test; `options`
//! - `kms`: the stand-in for KMS. Start it, point a KMS client at its URL, drop it.
//!   - `account`: the keys and what is asked of them; `key`: one key; `answer`: JSON
//!   - `fault`: errors as KMS answers them
//! - `line`: the simulated LINE. Start it, send to its URL, ask it who got what, drop it.
//!   - `wire`: HTTP, and connections that break; `endpoint`: the paths; `answer`: an answer
//!   - `service`: passes a request on to `messaging` (Messaging API) or `notify` (LINE Notify)
//!   - `memory`: retry keys, limits, tokens, and the ledger of who got what
//!   - `recipient`, `text`: LINE's IDs, and the length and digest of a text
//!   - `control`: paths for tests; `faults`: what goes wrong, drawn from a seed; `options`
//!   - `in_process`: LINE without a port, for simulations
//! - `lambda`: runs the real Lambda binaries
//!   - `host`: a pool of processes; `environment`: one process; `runtime_api`: its Runtime API
//! - `clock`: the clock of the far ends, which a test can move
//! - `kills`: which invocations are killed in the middle
//! - `id_header`: a request id in a header

mod clock;
mod id_header;
mod kills;
mod kms;
mod lambda;
mod line;
mod s3;
mod sqs;

pub use clock::Clock;
pub use kills::Kills;
pub use kms::{KmsCounts, KmsFault, KmsOptions, KmsServer};
pub use lambda::{Host, HostCounts, HostOptions, InvokeError};
pub use line::{
    HangUp, InProcessLine, LedgerSecond, LedgerSummary, LineFault, LineFaults, LineFaultsError,
    LineOptions, LineReceipt, LineServer, UnknownInMulticast,
};
pub use s3::{S3Call, S3Counts, S3Fault, S3Faults, S3Options, S3Server};
pub use sqs::{
    AnswerLost, InProcessQueues, QueueCounts, QueueFaults, QueueFaultsError, QueueOptions,
    QueueServer,
};

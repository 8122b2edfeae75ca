//! The far ends on one machine: an SQS-compatible queue server, a simulated LINE, and what invokes functions between them.
//!
//! # Layout
//!
//! - [`queue`]: the SQS-compatible server: start it, point a real SQS client at its URL, drop it.
//!   - `queue_wire`: HTTP and JSON; one line for each action. `queue_refusal`: every error's code, status and words.
//!   - `queue_admin`, `queue_settings`, `queue_send`, `queue_receive`, `queue_settle`: the actions. `queue_batch`: what batch
//!     actions share. `queue_move`: tasks that move dead letters back.
//!   - `queue_account`: the queues by name. `queue_attributes`: their settings. `queue_store`: their messages, pure;
//!     `queue_order`: which is next. `queue_deduplication`: what a FIFO queue has seen.
//!   - `queue_message`: a message, its size and MD5s. `queue_handle`: receipt handles. `queue_faults`: what goes wrong, by a seed.
//! - [`mod@line`]: the simulated LINE: start it, send to its URL, ask it who got what, drop it.
//!   - `line_wire`: HTTP, and connections that break. `line_endpoint`: what is where. `line_answer`: every answer's form.
//!   - `line_service`: the order of LINE's checks. `line_request`, `line_message`: what a body must be, pure.
//!     `line_send`: what becomes of a good one. `line_notify`, `line_notify_form`: LINE Notify.
//!   - `line_keys`, `line_limits`, `line_tokens`: LINE's memory. `line_ledger`: who got what. `line_control`: the paths that ask.
//!   - `line_faults`: what goes wrong, drawn from a seed. `line_options`: how it is set up.
//! - [`mapping`]: the poller in place of Lambda's event source mapping. `mapping_event`: the event it makes of a batch.
//!   `mapping_verdict`: what a function's answer means for the batch, pure. `mapping_invoke`: one invocation in this process.
//! - [`host`]: runs the real Lambda binaries. `host_environment`: one process. `host_api`: the Runtime API that it talks to.
//! - [`clock`]: the far ends' time, which a test can move. `kills`: which invocations are cut off in the middle.

pub mod clock;
pub mod host;
mod host_api;
mod host_environment;
mod kills;
pub mod line;
mod line_answer;
mod line_control;
mod line_endpoint;
mod line_faults;
mod line_keys;
mod line_ledger;
mod line_limits;
mod line_message;
mod line_notify;
mod line_notify_form;
mod line_options;
mod line_request;
mod line_send;
mod line_service;
mod line_tokens;
mod line_wire;
pub mod mapping;
mod mapping_event;
mod mapping_invoke;
mod mapping_verdict;
pub mod queue;
mod queue_account;
mod queue_admin;
mod queue_attributes;
mod queue_batch;
mod queue_deduplication;
mod queue_faults;
mod queue_handle;
mod queue_message;
mod queue_move;
mod queue_order;
mod queue_receive;
mod queue_refusal;
mod queue_send;
mod queue_settings;
mod queue_settle;
mod queue_store;
mod queue_wire;

//! A host for the real Lambda binaries: it runs a pool of processes of one, and invokes them as
//! Lambda does.

pub use crate::lambda::environment::InvokeError;
pub use crate::lambda::host::{Host, HostCounts};
pub use crate::lambda::options::HostOptions;

mod environment;
mod host;
mod options;
mod runtime_api;

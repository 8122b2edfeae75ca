//! TLS for all clients: the machine's root certificates are read once, at the first connection.
//!
//! A client of an AWS SDK reads and parses all root certificates when it is made, each again. That
//! was most of a function's cold start.
//!
//! - `roots`: the certificates of this machine
//! - `client_config`: for reqwest
//! - `sdk`: for the AWS SDKs

mod client_config;
mod roots;
mod sdk;

pub use client_config::client_config;
pub use roots::{NoRootsError, require_roots};
pub use sdk::{SdkHttpClient, sdk_config};

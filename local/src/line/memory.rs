//! What the simulated LINE remembers between requests.

pub(crate) mod keys;
pub(crate) mod ledger;
pub(crate) mod limits;
pub(crate) mod tokens;

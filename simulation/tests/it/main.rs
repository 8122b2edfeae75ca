//! The pipeline on virtual time.

mod deaths;
mod ledger;
mod scenarios;
mod seeds;

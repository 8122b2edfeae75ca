//! The pipeline on virtual time.

mod deaths;
mod ledger;
mod pace;
mod scenarios;
mod seeds;

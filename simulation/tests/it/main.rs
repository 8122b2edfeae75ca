//! The pipeline on virtual time.

mod deaths;
mod scenarios;
mod seeds;

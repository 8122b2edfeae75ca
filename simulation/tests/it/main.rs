//! The pipeline on virtual time.

mod scenarios;
mod seeds;

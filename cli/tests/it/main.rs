//! The `fanline` command as a person runs it: the real binary, real files, its words and its exit codes.

mod bad_input;
mod run;
mod support;

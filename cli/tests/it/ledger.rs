//! The commands that ask about runs and control them, against a folder and against a bucket.

mod again;
mod asking;
mod bucket;
mod control;
mod dashboard;
mod family;
mod lane_gone;
mod people;
mod planning;
mod queues;
mod resend;
mod sealed;
mod unusable;
mod world;

//! What each action does: one file for each group of actions.

pub(crate) mod admin;
pub(crate) mod batch;
pub(crate) mod move_task;
pub(crate) mod permission;
pub(crate) mod queue_request;
pub(crate) mod receive;
pub(crate) mod send;
pub(crate) mod settings;
pub(crate) mod settle;

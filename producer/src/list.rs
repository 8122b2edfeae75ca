//! A list's bytes, from where they are stored to rows, and the slices that it is cut into.

pub(crate) mod chunks;
pub(crate) mod rows;
pub(crate) mod slice;
pub(crate) mod source;
pub(crate) mod store;

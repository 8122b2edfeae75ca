//! The outbox: what S3 says of its files, where a file lies, the files themselves, the runs that
//! they began, and what is answered.

pub(crate) mod answer;
pub(crate) mod intake;
pub(crate) mod notice;
pub(crate) mod origin;
pub(crate) mod outbox;
pub(crate) mod place;

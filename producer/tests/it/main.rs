//! The producer over the wire: real clients, stand-ins on loopback.

mod campaigns;
mod support;

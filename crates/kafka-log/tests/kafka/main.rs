//! The log on a real, healthy broker: the conformance suite, and what is particular to Kafka.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]

mod conformance;
mod foreign;
mod garbage;
mod keys;
#[path = "../support/mod.rs"]
mod support;
mod topics;

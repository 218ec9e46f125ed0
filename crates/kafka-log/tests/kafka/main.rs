//! The log on a real broker that works: what every log must do, and what only Kafka has.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]

mod conformance;
mod foreign;
mod garbage;
mod keys;
#[path = "../support/mod.rs"]
mod support;
mod topics;

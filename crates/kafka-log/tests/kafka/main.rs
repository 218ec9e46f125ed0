//! The log on a real broker that works: what every log must do, and what only Kafka has.

#![allow(clippy::unwrap_used, reason = "tests")]

mod conformance;
mod foreign;
mod keys;
#[path = "../support/mod.rs"]
mod support;

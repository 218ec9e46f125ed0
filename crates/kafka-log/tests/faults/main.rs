//! The log on real brokers that are killed, paused, restarted, or come back with fewer records than they acknowledged.
//! Each test has a cluster of its own.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]

mod kills;
mod lost;
mod outage;
mod paused;
#[path = "../support/mod.rs"]
mod support;
mod writer;

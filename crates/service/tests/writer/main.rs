//! The writer against logs that fail, other writers, crashes, and services that react to each other.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::similar_names,
    clippy::print_stdout,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::wildcard_enum_match_arm,
    reason = "tests"
)]

mod accepted_losses;
mod basics;
mod clocks;
mod faults;
mod full_store;
mod halts;
mod hosts;
mod lost_tail;
mod outages;
mod peer;
mod places;
mod promises;
mod repair;
mod scrubs;
mod shown;
mod speed;
mod upgrade;
mod world;

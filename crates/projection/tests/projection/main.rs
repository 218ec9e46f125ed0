//! The projection over the memory log: one fold however it comes about, every answer against the ledger's own, and
//! what happens when something is wrong.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::cast_precision_loss,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    clippy::manual_string_new,
    clippy::similar_names,
    clippy::too_many_lines,
    clippy::unnecessary_wraps,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "tests"
)]

mod answers;
mod api;
mod counties;
mod evidence;
mod folds;
mod halts;
mod income;
mod outage;
mod pages;
mod refusals;
mod speed;
mod starts;
mod stores;
mod turns;
mod upgrade;
mod waits;
mod world;
mod wrapper;

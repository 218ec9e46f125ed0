//! The projection over the memory log: one fold however it comes about, every answer against the ledger's own, and
//! what happens when something is wrong.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::cast_precision_loss,
    clippy::float_arithmetic,
    reason = "tests"
)]

mod answers;
mod folds;
mod halts;
mod pages;
mod refusals;
mod speed;
mod stores;
mod waits;
mod world;

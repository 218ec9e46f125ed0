//! The rules of every service: what each command decides or refuses, what each upstream fact is answered with, and what
//! always holds.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "tests: a panic is a failure, and what a case does not name it does not look at"
)]

mod dates;
mod distribution;
mod divisions;
mod entities;
mod harness;
mod holders;
mod ignored;
mod losses;
mod market;
mod market_invariants;
mod market_words;
mod procurement;
mod sales;
mod settled_in_pieces;
mod station;
mod stock;
mod stock_by_day;
mod stock_invariants;
mod words;

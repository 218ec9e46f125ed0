//! The largest legal request of every command, through the writers to its longest answer, and on to the answer's answer.
//!
//! Requests are made from the limits themselves; what a limit leaves open (how many lots a settlement can name) is asked
//! for in full, and then with what the refusal says would fit.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    reason = "tests"
)]

mod answers;
mod county;
mod losses;
mod requests;

//! The codec and the rule of admission: committed vectors, and properties over random logs.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests: small numbers, and a panic is a failure"
)]

mod codec;
mod properties;
mod raw;
mod vectors;

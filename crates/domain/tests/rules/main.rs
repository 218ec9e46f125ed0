//! The rules of every service: what each command decides or refuses, what each upstream fact is answered with, and what
//! always holds.
#![allow(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::cast_possible_truncation, reason = "tests")]

mod distribution;
mod harness;
mod holders;
mod station;
mod stock;
mod stock_invariants;
mod words;

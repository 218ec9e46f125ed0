//! The table against a model, against kills at named points, damaged files, a full disk, and a system that refuses.
#![allow(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::cast_possible_truncation, reason = "tests")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod bytes;
mod crash;
mod damage;
mod full_disk;
mod resources;
mod streams;
mod support;

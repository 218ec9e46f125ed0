//! The store against a model, against kills at named points, against damaged files, and as a writer sees it.
#![allow(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::cast_possible_truncation, reason = "tests")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod bytes;
mod crash;
mod damage;
mod full_disk;
mod records;
mod resources;
mod service;
mod support;

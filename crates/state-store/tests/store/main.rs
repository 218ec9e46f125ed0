//! A store as a writer sees it, and what is stored of every entity.
#![allow(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::cast_possible_truncation, reason = "tests")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod counties;
mod records;
mod service;

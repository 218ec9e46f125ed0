//! The rules that the repository keeps about itself.
#![allow(clippy::indexing_slicing, reason = "tests: an index out of range should stop them")]

mod documents;
mod facts;
mod layers;
mod lints;
mod sizes;
mod topics;

//! What tests and benches are built with.
#![allow(clippy::indexing_slicing, reason = "tests and benches: an index out of range should stop them")]

mod county;
mod exposition;

pub use county::{County, Refused};
pub use exposition::Exposition;

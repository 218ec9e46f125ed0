//! What tests and benches are built with.
#![allow(clippy::indexing_slicing, reason = "tests and benches: an index out of range should stop them")]

mod brokers;
mod county;

pub use brokers::Brokers;
pub use county::{County, Refused};

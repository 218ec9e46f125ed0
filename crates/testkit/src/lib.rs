//! Helpers of tests and benches.
#![allow(clippy::indexing_slicing, reason = "tests and benches: an index out of range should stop them")]

mod brokers;
mod county;
mod exposition;
mod port;
pub mod wait;

pub use brokers::Brokers;
pub use county::{County, Refused};
pub use exposition::Exposition;
pub use port::free_port;

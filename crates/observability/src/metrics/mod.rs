//! Numbers for Prometheus: every program adds what it has to a [`Registry`], the endpoint of the server serves it.
//!
//! The numbers are plain atomics that the programs write anyway; they are read, named and formatted on each scrape.
//! Names carry their units. Labels are services, counties, streams and reasons, whose number is bounded: never a
//! household, a request or a user.

mod histogram;
mod process;
mod registry;
mod samples;

pub use histogram::{Buckets, Histogram};
pub use process::Build;
pub use registry::{Readiness, Registry, Source};
pub use samples::{Labels, Samples};

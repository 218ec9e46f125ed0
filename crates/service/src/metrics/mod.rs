//! Numbers for Prometheus: every program adds what it has to a [`Registry`], an [`Endpoint`] serves it.
//!
//! The numbers are plain atomics that the programs write anyway; they are read, named and formatted when somebody asks.
//! Names carry their units. Labels are services, counties, streams and reasons, whose number is bounded: never a
//! household, a request or a user.

mod common;
mod connections;
mod endpoint;
mod format;
mod histogram;
mod lag;
mod process;
mod registry;
mod samples;
mod writer;

pub use common::{LogReach, of_service, of_stream, unreachable};
pub use endpoint::{Endpoint, EndpointError};
pub use histogram::{Buckets, Histogram};
pub use lag::Lag;
pub use process::Build;
pub use registry::{Readiness, Registry, Source};
pub use samples::{Labels, Samples};

//! The projection: follows the streams of each county, folds them into its ledger, and serves `ledger.v1`.
//!
//! Invariants: commits are folded in the order of their stream, none is skipped, and every answer names the heads that
//! it was computed at. A stream that cannot be followed halts here, and every answer that needs it says so.
//! What does not live here: accounting (`ledger`), admission (`service::feed`), bytes (`wire`, `chain`).

pub mod api;
mod app;
mod at_least;
mod beside;
mod catch_up;
mod checkpoint;
mod commits;
mod digests;
mod evidence;
mod fold;
mod grpc;
mod halts;
mod health;
mod host;
mod index;
mod merge;
mod metrics;
mod observe;
mod rebuild;
mod referenced;
mod saved;
mod shared;

pub use app::{Projection, ProjectionConfig, StartError, StoragePlace};
pub use evidence::evidence;
pub use grpc::{SERVICE_NAMES, add_services};
pub use health::{Halt, Health, StreamHealth};
pub use host::{LedgersConfig, Projections, RunningLedgers};
pub use loopledger_service::feed::CatchUp;
pub use metrics::Metrics;
pub use saved::StartReport;

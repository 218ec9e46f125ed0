//! The station service: its rules run by a writer, offered over gRPC.

mod app;
mod grpc;
mod query;

pub use app::{App, NAME, serve};

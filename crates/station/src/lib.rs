//! The station service: its rules run by a writer, offered over gRPC.

mod grpc;
mod query;

pub use grpc::{App, Grpc, NAME, serve};

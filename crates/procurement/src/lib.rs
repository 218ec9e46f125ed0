//! The procurement service: its rules run by a writer, offered over gRPC.

mod app;
mod grpc;
mod query;
mod view;

pub use app::{App, NAME, serve};

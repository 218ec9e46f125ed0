//! The procurement service: its rules run by a writer, offered over gRPC.

#![allow(clippy::similar_names, reason = "payer and payee are the words of the trade")]

mod grpc;
mod query;
mod view;

pub use grpc::{App, Grpc, NAME, serve};

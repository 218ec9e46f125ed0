//! What every program of `LoopLedger` is built around: following streams, and writing one.
//!
//! * [`feed`]: admission and shared decoding of streams.
//! * [`writer`]: deciding, appending, reading back, answering; reactions; checkpoints; health.
//! * [`clock`]: time as a port.
//! * [`grpc`]: what all services' gRPC surfaces share.
//!
//! What does not live here: rules (`domain`), accounting (`ledger`), bytes (`chain`, `wire`).

pub mod clock;
pub mod feed;
pub mod grpc;
mod heads;
pub mod writer;

pub use heads::Heads;

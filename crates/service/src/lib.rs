//! What every program of `LoopLedger` is built around: following streams, and writing one.
//!
//! * [`feed`]: admission and shared decoding of streams.
//! * [`writer`]: deciding, appending, reading back, answering; reactions; checkpoints; health.
//! * [`program`]: a service with its store, from start to shutdown.
//! * [`repair`]: mending a log that came back shorter than what was read of it.
//! * [`scrub`]: reading the whole log again in the background, to find what the disk has changed.
//! * [`grpc`]: calls, bulk streams, deadlines, errors, the server.
//! * [`limits`]: what callers may hold of a process: bytes, connections, places, turns.
//! * [`clock`]: time as a port.
//! * [`metrics`], [`trace`], [`telemetry`]: what a program shows of itself: numbers, spans, log lines.
//!
//! What does not live here: rules (`domain`), accounting (`ledger`), bytes (`chain`, `wire`).

pub mod clock;
pub mod feed;
pub mod grpc;
mod heads;
pub mod limits;
pub mod metrics;
pub mod program;
pub mod repair;
pub mod scrub;
pub mod telemetry;
pub mod trace;
pub mod writer;

pub use heads::Heads;

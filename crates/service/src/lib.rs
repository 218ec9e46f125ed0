//! What every program of `LoopLedger` is built around, with one door:
//!
//! * [`feed`]: admission and shared decoding of streams; [`clock`], time as a port.
//! * [`writer`]: deciding, appending, reading back, answering; reactions; checkpoints; health.
//! * [`grpc`]: calls, bulk streams, deadlines, errors, the server; the endpoint of the metrics.
//! * [`limits`]: what callers may hold of a process: bytes, connections, places, turns.
//! * [`metrics`], [`trace`], [`telemetry`]: what a program shows of itself: numbers, spans, log lines.
//! * [`repair`]: repairing a log that came back shorter than what was read of it.
//! * [`host`]: the counties of a service, with their stores, from start to shutdown.
//! * [`scrub`]: verifying the whole log in the background.
//!
//! Each but the last two is a crate of its own. What does not live here: rules (`domain`), accounting, bytes (`chain`, `wire`).

pub mod host;
pub mod scrub;

pub use loopledger_feed::clock;
pub use loopledger_feed::{self as feed, Heads};
pub use loopledger_grpc::{self as grpc, rpcs};
pub use loopledger_limits as limits;
pub use loopledger_observability::{telemetry, trace};
pub use loopledger_repair as repair;
pub use loopledger_writer as writer;

/// Numbers for Prometheus, of every part of a program.
pub mod metrics {
    pub use loopledger_feed::{Lag, LogReach, StreamSamples, of_service, of_stream, unreachable};
    pub use loopledger_grpc::{Endpoint, EndpointError};
    pub use loopledger_observability::metrics::*;
}

//! What a process does for its callers at most: bytes, connections, places and turns.
//!
//! Everything is counted per connection first, so that no caller uses up what is there for all of them, and then per
//! process. What is not here: the transport's own windows and streams, which `grpc::Server` sets.

pub mod bytes;
pub mod caller;
pub mod connections;
mod descriptors;
mod permits;
mod queue;
mod shown;
mod turns;

pub use caller::Asking;
pub use caller::Caller;
pub use descriptors::Descriptors;
pub use permits::{Permit, Permits};
pub use queue::FairQueue;
pub use turns::{Turn, Turns};

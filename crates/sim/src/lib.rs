//! The whole system in one thread on one seed: the real writers of the four services, with the real rules, and the real
//! projection, over the memory log, while everything goes wrong that a seed can think of.
//!
//! * `workload`: what the county's people ask for. `client`, `reader`: how they ask, and what they learn of it.
//! * `faults`: what goes wrong. `cluster`, `seat`, `watcher`: the processes, and what outlives them.
//! * `oracle`: what must hold in the end. It shares no code with the ledger.
//! * [`run()`]: a seed from beginning to end. The same seed gives the same history, to the byte.
//!
//! Time is tokio's paused clock: it stands still while anything can happen, and jumps when nothing can. What is not
//! simulated: gRPC connections, the file log and the store's disk (they have tests of their own with real files).
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a simulation, built with overflow checks: what should not happen should stop it"
)]

mod client;
mod cluster;
mod faults;
mod history;
mod oracle;
mod reader;
mod run;
mod seat;
mod watcher;
mod workload;

pub use faults::KINDS;
pub use history::Report;
pub use run::run;

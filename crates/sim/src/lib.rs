//! The whole system in one thread on one seed: the real writers of the four services with their real rules, and the real
//! projection, over the memory log, under injected faults.
//!
//! * `workload`: generates commands. `client`, `reader`: send them, and query.
//! * `faults`: injects faults. `cluster`, `node`, `watcher`: the processes, and the stores that outlive them.
//! * `oracle`: checks the final state. It shares no code with the ledger.
//! * [`run()`]: one seed from beginning to end. The same seed gives the same history, to the byte.
//!
//! Time is tokio's paused clock: it stands still while a task can run, and jumps when none can. Not
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
mod node;
mod oracle;
mod reader;
mod run;
mod watcher;
mod workload;

pub use faults::KINDS;
pub use history::Report;
pub use run::run;

//! The four services over real connections, on a log in memory: calls, queries, bulk streams, refusals, deadlines,
//! nonsense, health, reflection, and the end of a server.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::similar_names,
    clippy::unwrap_used,
    reason = "tests"
)]

mod bulk;
mod calls;
mod cases;
mod counted;
mod counties;
mod county;
mod gate;
mod largest;
mod limits;
mod policy;
mod queries;
mod raw;
mod recorded;
mod refusals;
mod season;
mod server;
mod several;
mod unknown;
mod wire;

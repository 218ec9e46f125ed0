//! The Tuoli scenario: nine months of a county's business, April to December 2020, as a file of commands.
//!
//! [`play`] writes the commands; how they are sent is `record`'s business, so the demo has no back door.

mod rng;
mod script;
mod season;
mod settle;
mod setup;
mod shelf;
mod ship;
mod supply;
mod trade;
mod world;
mod year;

pub(crate) use rng::Rng;
pub(crate) use year::last_day;
pub use year::{DEMO_WEEKS, play};

//! The Tuoli scenario: nine months of a county's business, April to December 2020, as a file of commands.
//!
//! [`play`] writes the commands; how they are sent is `record`'s business, so the demo has no back door.

#![allow(clippy::similar_names, reason = "payer and payee are the words of the field")]

mod request_ids;
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

pub use year::{DEMO_WEEKS, last_day, play};

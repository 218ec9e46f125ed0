//! Guarantees of the file log beyond the port: damage, torn tails, failing disks, locks, crashes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]

mod crash;
mod damage;
mod faults;
mod open;
mod resources;
mod tools;

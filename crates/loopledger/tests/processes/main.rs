//! Real processes of the real binary: killed, restarted, asked nonsense.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    reason = "tests: an overflow should stop them"
)]

mod kills;
mod lost_tail;
mod manners;
mod support;

//! Real processes of the real binary: killed, restarted, asked nonsense.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::float_cmp,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests: an overflow should stop them"
)]

mod again;
mod calls;
mod clocks;
#[path = "../traces/collector.rs"]
mod collector;
mod counties;
mod ends;
mod few_descriptors;
mod kills;
mod load;
mod logs;
mod lost_tail;
mod manners;
mod metrics;
mod printed;
mod resources;
mod restarts;
mod settings;
#[path = "../cluster/small_disk.rs"]
mod small_disk;
mod spans;
mod support;

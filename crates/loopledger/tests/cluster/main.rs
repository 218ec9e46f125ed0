//! The programs as separate processes on real Kafka: the same ledger as on the embedded log, whatever is killed, paused,
//! deleted or written beside them.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::float_cmp,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests: an overflow should stop them, and a seed is printed"
)]

mod account;
mod bad_input;
mod chain;
#[path = "../traces/collector.rs"]
mod collector;
mod deployment;
mod full_disk;
mod lines;
mod lost_tail;
mod nemesis;
mod observed;
mod outage;
mod password;
mod replica;
mod replicas;
mod same_ledger;
mod services;
mod small_disk;
mod workload;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Held for the length of a test: clusters side by side on one machine would time each other out.
fn machine() -> MutexGuard<'static, ()> {
    static MACHINE: Mutex<()> = Mutex::new(());
    MACHINE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

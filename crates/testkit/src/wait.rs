//! Waiting for what another process comes to show.
//!
//! A test waits on a condition, and where a server announces it (`Await`, `at_least`, a watch of the health) the test
//! waits for the announcement. Metrics, logs of brokers and the end of a failure are announced by none, so they are asked
//! for again and again: here alone, with one pause and one limit.

use std::thread;
use std::time::{Duration, Instant};

/// After so long something must be wrong: the limit is a failure, not a pace.
pub const PATIENCE: Duration = Duration::from_mins(1);
/// Between two questions.
const PAUSE: Duration = Duration::from_millis(50);

/// Whether the condition comes true.
pub fn comes_true(mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now().checked_add(PATIENCE).expect("a minute from now");
    while !condition() {
        if Instant::now() > deadline {
            return false;
        }
        thread::sleep(PAUSE);
    }
    true
}

/// # Panics
/// If the condition does not come true.
pub fn until(what: &str, condition: impl FnMut() -> bool) {
    assert!(comes_true(condition), "waited in vain: {what}");
}

/// The pause of a caller before it tries again, as gRPC's clients make it: it does not see why it was turned away.
pub async fn back_off() {
    tokio::time::sleep(PAUSE).await;
}

//! Waiting for what other processes come to show. None of them announces it, so it is looked at again and again, and a
//! test fails that looks in vain for so long that something must be wrong.

use std::time::{Duration, Instant};

/// A failure, not a pace.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// Whether it comes to be so.
pub(crate) fn comes_true(mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(LOOK);
    }
    true
}

pub(crate) fn until(what: &str, condition: impl FnMut() -> bool) {
    assert!(comes_true(condition), "waited in vain: {what}");
}

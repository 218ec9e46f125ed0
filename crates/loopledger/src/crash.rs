//! Aborting the process at a named point, for the test that kills it there.
//!
//! `LOOPLEDGER_CRASH_POINT=name@n` aborts at the n-th time the point is passed. Only this module reads the
//! variable; an unset one costs nothing.

use std::env;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use loopledger_client::{Failure, note};
use loopledger_service::writer::PointHook;

const VARIABLE: &str = "LOOPLEDGER_CRASH_POINT";

/// The hook that the environment asks for, if it does.
pub(crate) fn hook() -> Result<Option<PointHook>, Failure> {
    let Ok(wanted) = env::var(VARIABLE) else { return Ok(None) };
    let parsed = wanted.split_once('@').and_then(|(name, count)| Some((name.to_owned(), count.parse::<u64>().ok()?)));
    let (name, count) = parsed.ok_or_else(|| Failure::Usage(format!("{VARIABLE}: '{wanted}' is not name@count")))?;
    let times = AtomicU64::new(0);
    Ok(Some(Arc::new(move |point: &'static str| {
        if point == name && times.fetch_add(1, Ordering::Relaxed).saturating_add(1) == count {
            note!("loopledger: aborting at {point}");
            std::process::abort();
        }
    })))
}

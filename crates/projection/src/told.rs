//! Commits that others name and the log has not: without a checkpoint nothing else tells that a stream was longer.
//!
//! Whatever a commit names was in the log before it. A stream that is behind that for long is looked through once more,
//! and halts if it ends before, unless it says that the loss is accepted.

use core::time::Duration;
use std::sync::Arc;

use loopledger_types::Service;
use tokio::time::sleep;

use crate::health::{Halt, StreamHealth};
use crate::shared::Shared;

/// How long a stream may be behind what others name: they are decoded side by side.
const LAG_MAX: Duration = Duration::from_secs(1);

/// Watches until the projection ends.
pub(crate) async fn watch(shared: Arc<Shared>) {
    if shared.health.subscribe().wait_for(|health| health.is_caught_up).await.is_err() {
        return;
    }
    // What was there at the start is read by now; what comes later is given a while.
    let mut named = shared.told_at_start.get().copied().unwrap_or_default();
    let mut settled = [0; 5];
    loop {
        for ((service, sequence), settled) in Service::ALL.into_iter().zip(named).zip(&mut settled) {
            let is_behind = *settled < sequence && shared.head(service).sequence < sequence;
            if is_behind && look(&shared, service, sequence).await {
                *settled = sequence;
            }
        }
        named = shared.told();
        sleep(LAG_MAX).await;
    }
}

/// Whether it is known what became of the commit; the stream is halted if it is lost.
async fn look(shared: &Shared, service: Service, sequence: u64) -> bool {
    if matches!(shared.health.borrow().stream(service), StreamHealth::Halted(_)) {
        return true;
    }
    let stream = shared.stream(service);
    match shared.feed.missing(stream, sequence).await {
        Ok(None) => true,
        Ok(Some(lost)) => {
            shared.halt(service, Halt::of(&lost.into(), stream, sequence));
            true
        }
        // It is tried again for as long as the stream is behind.
        Err(error) => {
            tracing::warn!(%stream, %error, "could not look for a commit that others name");
            false
        }
    }
}

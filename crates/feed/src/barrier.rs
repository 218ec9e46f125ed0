//! What the programs of one process find out together before any of them decides.
//!
//! A store remembers heads of several streams. If the log lacks one of them, its stream has lost commits, although that
//! stream's own store may be gone, or older, and know nothing of it; and no commit that is left need name what is lost.
//! So every program looks up its heads first, and no program writes before all have.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use loopledger_types::StreamId;
use tokio::sync::Notify;

use super::LostTail;

#[derive(Debug, Default)]
pub struct StartupBarrier {
    state: Mutex<State>,
    /// Wakes in the order in which they began to wait, so that a simulation can be replayed.
    all_opened: Notify,
}

#[derive(Debug, Default)]
struct State {
    open: usize,
    lost: BTreeMap<StreamId, LostTail>,
}

/// Held by a program until it has looked for all the heads that its store remembers.
#[derive(Debug)]
pub struct HeadCheck(Arc<StartupBarrier>);

impl HeadCheck {
    pub fn new(barrier: Arc<StartupBarrier>) -> Self {
        let mut state = barrier.lock();
        state.open = state.open.saturating_add(1);
        drop(state);
        Self(barrier)
    }
}

impl Drop for HeadCheck {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.open = state.open.saturating_sub(1);
        if state.open == 0 {
            drop(state);
            self.0.all_opened.notify_waiters();
        }
    }
}

impl StartupBarrier {
    /// Waits until no program looks up heads any more. Looking up only reads the log, so it ends.
    pub async fn finished(&self) {
        loop {
            // Made before looking, so that it is notified of each that ends from here on.
            let all_opened = self.all_opened.notified();
            if self.lock().open == 0 {
                return;
            }
            all_opened.await;
        }
    }

    /// A head is not in the log.
    pub fn note(&self, lost: &LostTail) {
        let mut state = self.lock();
        let known = state.lost.entry(lost.stream).or_insert_with(|| lost.clone());
        let (known, more) = (&mut known.missing, &lost.missing);
        *known = *known.start().min(more.start())..=*known.end().max(more.end());
    }

    pub fn lost(&self, stream: StreamId) -> Option<LostTail> {
        self.lock().lost.get(&stream).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use loopledger_types::{CountyCode, Service};

    use super::*;

    #[test]
    fn it_is_over_when_the_last_has_looked() {
        let barrier = Arc::new(StartupBarrier::default());
        assert!(barrier.finished().now_or_never().is_some(), "no check is open");
        let (first, second) = (HeadCheck::new(Arc::clone(&barrier)), HeadCheck::new(Arc::clone(&barrier)));
        let mut finished = Box::pin(barrier.finished());
        assert!(finished.as_mut().now_or_never().is_none());
        drop(second);
        assert!(finished.as_mut().now_or_never().is_none());
        drop(first);
        assert!(finished.now_or_never().is_some());
    }

    #[test]
    fn what_several_miss_is_everything_that_any_of_them_misses() {
        let barrier = StartupBarrier::default();
        let stream = StreamId { service: Service::Station, county: CountyCode::TUOLI };
        assert_eq!(barrier.lost(stream), None);
        for missing in [21..=24, 20..=22, 23..=30] {
            barrier.note(&LostTail { stream, missing });
        }
        assert_eq!(barrier.lost(stream), Some(LostTail { stream, missing: 20..=30 }));
        assert_eq!(barrier.lost(StreamId { service: Service::Sales, ..stream }), None);
    }
}

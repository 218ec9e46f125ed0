//! What the programs of one process find out together before any of them decides.
//!
//! A store remembers heads of several streams. If the log lacks one of them, its stream has lost commits, although that
//! stream's own store may be gone, or older, and know nothing of it; and no commit that is left need name what is lost.
//! So every program looks up its heads first, and no program writes in a county before all have that hold something of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use loopledger_types::{CountyCode, StreamId};
use tokio::sync::Notify;

use super::LostTail;

#[derive(Debug, Default)]
pub struct StartupBarrier {
    state: Mutex<State>,
    /// Wakes in the order in which they began to wait, so that a simulation can be replayed.
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Who looks up heads of which county; `None`: a program that has not begun with all of its counties.
    open: BTreeMap<Option<CountyCode>, usize>,
    lost: BTreeMap<StreamId, LostTail>,
}

/// Held by a program until it has looked for all the heads that its store remembers of a county, or of all.
#[derive(Debug)]
pub struct HeadCheck {
    barrier: Arc<StartupBarrier>,
    county: Option<CountyCode>,
}

impl HeadCheck {
    pub fn new(barrier: Arc<StartupBarrier>, county: Option<CountyCode>) -> Self {
        let mut state = barrier.lock();
        let open = state.open.entry(county).or_default();
        *open = open.saturating_add(1);
        drop(state);
        Self { barrier, county }
    }
}

impl Drop for HeadCheck {
    fn drop(&mut self) {
        let mut state = self.barrier.lock();
        if let Some(open) = state.open.get_mut(&self.county) {
            *open = open.saturating_sub(1);
            if *open == 0 {
                state.open.remove(&self.county);
                drop(state);
                self.barrier.changed.notify_waiters();
            }
        }
    }
}

impl StartupBarrier {
    /// Waits until no program looks up heads of the county any more. Looking up only reads the log, so it ends.
    pub async fn finished(&self, county: CountyCode) {
        self.closed(&[None, Some(county)]).await;
    }

    /// Waits until every program of the process has begun.
    pub async fn programs_began(&self) {
        self.closed(&[None]).await;
    }

    async fn closed(&self, awaited: &[Option<CountyCode>]) {
        loop {
            // Made before looking, so that it is notified of each that ends from here on.
            let changed = self.changed.notified();
            if !awaited.iter().any(|county| self.lock().open.contains_key(county)) {
                return;
            }
            changed.await;
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
    use loopledger_types::Service;

    use super::*;

    #[test]
    fn it_is_over_when_the_last_has_looked() {
        let barrier = Arc::new(StartupBarrier::default());
        let [here, there] = ["654224", "654223"].map(|code| CountyCode::parse(code).unwrap());
        let is_over = || barrier.finished(here).now_or_never().is_some();
        assert!(is_over(), "no check is open");
        let check = |county| HeadCheck::new(Arc::clone(&barrier), county);
        let (first, second, other) = (check(Some(here)), check(Some(here)), check(Some(there)));
        let mut finished = Box::pin(barrier.finished(here));
        assert!(finished.as_mut().now_or_never().is_none());
        drop(second);
        assert!(finished.as_mut().now_or_never().is_none());
        drop(first);
        assert!(finished.now_or_never().is_some(), "whatever is looked up of another county");
        assert!(barrier.programs_began().now_or_never().is_some());
        let program = check(None);
        drop(other);
        assert!(!is_over() && barrier.programs_began().now_or_never().is_none(), "a program begins");
        drop(program);
        assert!(is_over());
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

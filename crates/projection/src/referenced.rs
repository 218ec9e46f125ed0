//! Commits that others name and the log has not: without a checkpoint nothing else tells that a stream was longer.
//!
//! Whatever a commit names was in the log before it. A stream that is behind that, when everything was read that was
//! there at the start or for long, is looked through once more, and halts if it ends before, unless it says that the
//! loss is accepted.

use core::time::Duration;
use std::sync::Arc;

use loopledger_service::feed::Admitted;
use loopledger_types::{Head, Service, WithCauses};
use tokio::time::sleep;

use crate::health::{Halt, StreamHealth};
use crate::shared::Shared;

/// How long a stream may be behind what others name: they are decoded side by side.
const LAG_MAX: Duration = Duration::from_secs(1);

/// Notes what others named of each service: what an earlier life heard is not read again.
pub(crate) fn recall(shared: &Shared, referenced: [u64; 5]) {
    for (known, referenced) in shared.referenced.iter().zip(referenced) {
        known.raise(referenced);
    }
}

/// Notes what commits name.
pub(crate) fn hear(shared: &Shared, commits: &[Admitted]) {
    let mut referenced = [0_u64; 5];
    for commit in commits.iter().map(|admitted| &admitted.commit) {
        let heads = commit.upstream.iter().map(|head| (head.stream.service, head.sequence));
        let cause = commit.cause.map(|cause| (cause.stream.service, cause.sequence));
        for (service, sequence) in heads.chain(cause) {
            if let Some(referenced) = referenced.get_mut(service.index()) {
                *referenced = sequence.max(*referenced);
            }
        }
    }
    recall(shared, referenced);
}

/// What a later life must know: what is named of each service, if it is neither there nor known to be lost; else 0.
pub(crate) fn owed(shared: &Shared, heads: &[Head; 5]) -> [u64; 5] {
    let mut owed = named(shared);
    for ((owed, explained), head) in owed.iter_mut().zip(&shared.explained).zip(heads) {
        if *owed <= explained.get().max(head.sequence) {
            *owed = 0;
        }
    }
    owed
}

fn named(shared: &Shared) -> [u64; 5] {
    shared.referenced.each_ref().map(crate::metrics::Number::get)
}

/// Everything is read that was there at the start, so what it names must be there too.
pub(crate) async fn check(shared: &Shared) {
    look_for(shared, named(shared)).await;
}

/// Watches until the projection ends.
pub(crate) async fn watch(shared: Arc<Shared>) {
    if shared.health.subscribe().wait_for(|health| health.is_caught_up).await.is_err() {
        return;
    }
    loop {
        let named = named(&shared);
        sleep(LAG_MAX).await;
        look_for(&shared, named).await;
    }
}

async fn look_for(shared: &Shared, named: [u64; 5]) {
    for ((service, sequence), explained) in Service::ALL.into_iter().zip(named).zip(&shared.explained) {
        // The index moves with the state.
        let is_behind = explained.get() < sequence && shared.index.head(service).0.sequence < sequence;
        if is_behind && look(shared, service, sequence).await {
            explained.raise(sequence);
        }
    }
}

/// Whether it is known what became of the commit: it is there, or the loss is accepted. The stream is halted if it is lost.
async fn look(shared: &Shared, service: Service, sequence: u64) -> bool {
    if matches!(shared.health.borrow().stream(service), StreamHealth::Halted(_)) {
        return false;
    }
    let stream = shared.stream(service);
    match shared.feed.missing(stream, sequence).await {
        Ok(None) => true,
        Ok(Some(lost)) => {
            shared.halt(service, Halt::of(&lost.into(), stream, sequence));
            false
        }
        // It is tried again for as long as the stream is behind.
        Err(error) => {
            shared.feed.note_failure(&error);
            tracing::debug!(%stream, error = %WithCauses(&error), "could not look up a referenced commit");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use loopledger_event_log::MemoryLog;
    use loopledger_service::feed::Feed;
    use loopledger_types::{CountyCode, Hash};

    use super::*;
    use crate::index::CommitIndex;
    use crate::shared::Folded;

    #[tokio::test]
    async fn a_later_life_is_told_what_is_neither_there_nor_explained() {
        let county = CountyCode::TUOLI;
        let shared = || {
            let feed = Feed::new(Arc::new(MemoryLog::new(1)));
            Shared::new(county, feed, Folded::new(county), CommitIndex::default())
        };
        let earlier = shared();
        recall(&earlier, [7, 7, 7, 0, 0]);
        recall(&earlier, [5, 9, 0, 0, 0]);
        earlier.explained[1].raise(9);
        let head = |sequence| Head { sequence, hash: Hash::ZERO };
        let owed = owed(&earlier, &[head(7), head(3), head(3), head(3), head(0)]);
        assert_eq!(owed, [0, 0, 7, 0, 0]);
        let later = shared();
        recall(&later, owed);
        check(&later).await;
        let stream = later.stream(Service::ALL[2]);
        let lost = Halt::LostTail { stream, from: 1, to: 7 };
        assert_eq!(later.health.borrow().halt(), Some(&lost));
        assert!(later.health.borrow().keeps_store_as_it_is());
        later.set_health(Service::ALL[2], StreamHealth::Serving);
        assert_eq!(later.health.borrow().halt(), Some(&lost), "whoever can read again does not know better");
    }
}

//! Saving the state behind the fold: what changed since the last time, as it was at one set of heads, taken from the
//! state a few pages at a time while the fold goes on, and written in bounded parts.
//!
//! A checkpoint is only a cache: one that fails costs the next start a longer replay, so it never stops the fold. The
//! store is then opened again, and everything is written anew: how much of what was on its way has got there is unknown.

use core::time::Duration;
use std::sync::Arc;

use loopledger_event_log::Offset;
use loopledger_ledger::PageKey;
use loopledger_state_store::{Batch, RowStore, RowsProgress, StoreError, StreamProgress};
use loopledger_types::{Head, Service};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::beside::beside;
use crate::referenced;
use crate::saved::{self, Extra, LoadFailure, Saved, offsets_row, page_row};
use crate::shared::Shared;

/// Bytes and rows of one atomic write: far below what the store takes, so that it writes while the next is made.
const PART_BYTES: usize = 8 * 1_024 * 1_024;
const PART_ROWS: usize = 16_384;
/// A checkpoint takes at most this share of the time: one in so many.
const PAUSE_FACTOR: u32 = 10;
/// How long pages may be taken before the fold and queries get their turn.
const PAGES_TIME_MAX: Duration = Duration::from_micros(150);

/// Asks for a checkpoint now; answered when it is written.
pub(crate) type Request = oneshot::Sender<()>;

#[derive(Debug)]
pub(crate) struct Checkpointer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) store: Arc<RowStore>,
    pub(crate) saved: Saved,
    pub(crate) every: Duration,
    pub(crate) requests: mpsc::Receiver<Request>,
    /// Entries of each stream's offsets that are saved.
    pub(crate) offsets_saved: [usize; 5],
}

/// The state at one set of heads: its first pages, and what goes with it.
struct Cut {
    first: Vec<(PageKey, Vec<u8>)>,
    heads: [Head; 5],
    offsets: [Offset; 5],
    referenced: [u64; 5],
}

impl Checkpointer {
    /// Writes checkpoints until it is told to stop, and then the last one.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut earliest = Instant::now();
        loop {
            let timer = tokio::time::sleep(self.every);
            let shared = Arc::clone(&self.shared);
            let due = async {
                shared.checkpoint_due.notified().await;
                tokio::time::sleep_until(earliest).await;
            };
            let mut request = None;
            let stopping = tokio::select! {
                biased;
                () = stop.cancelled() => true,
                asked = self.requests.recv() => {
                    request = asked;
                    false
                }
                () = timer => false,
                () = due => false,
            };
            let began = Instant::now();
            let Some(saved) = self.save().await else { return };
            self = saved;
            if let Some(request) = request {
                // The caller may have gone.
                let _ = request.send(());
            }
            if stopping {
                break;
            }
            let has_failed = self.shared.health.borrow().checkpoints_failed.is_some();
            let pause = if has_failed { self.every } else { began.elapsed().saturating_mul(PAUSE_FACTOR) };
            let now = Instant::now();
            earliest = now.checked_add(pause).unwrap_or(now);
        }
        let store = Arc::clone(&self.store);
        let closed = beside(async move { store.close() }).await;
        if let Ok(Err(error)) = closed {
            tracing::warn!(%error, "could not close the store");
        }
    }

    /// One checkpoint, if anything changed and the store takes it. `None`: the process is ending.
    async fn save(mut self) -> Option<Self> {
        // A stream that lost commits makes the store the evidence of them; and half of a commit, which a bug may have left in
        // the state, is not to be stored: it stays as it is.
        if self.shared.health.borrow().keeps_store_as_it_is() {
            return Some(self);
        }
        let had_failed = self.shared.health.borrow().checkpoints_failed.is_some();
        if had_failed && let Err(error) = self.reopen().await {
            self.fail(&error);
            return Some(self);
        }
        let Some(cut) = self.cut().await else {
            self.recover();
            return Some(self);
        };
        let written = beside(async move {
            let mut this = self;
            let result = this.write(cut).await;
            (this, result)
        });
        let (this, result) = AbortOnDropHandle::new(written).await.ok()?;
        match result {
            Ok(bytes) => {
                this.shared.metrics.checkpoints_total.add(1);
                this.shared.metrics.checkpoint_bytes_total.add(bytes);
                this.recover();
            }
            Err(error) => this.fail(&error),
        }
        Some(this)
    }

    /// Says that checkpoints are not written; they are tried again.
    fn fail(&self, error: &StoreError) {
        self.shared.metrics.checkpoint_failures_total.add(1);
        tracing::error!(%error, "could not write a checkpoint, reopening the store");
        self.shared.health.send_modify(|health| health.checkpoints_failed = Some(error.to_string()));
    }

    fn recover(&self) {
        let failed = self.shared.health.send_if_modified(|health| health.checkpoints_failed.take().is_some());
        if failed {
            tracing::info!("checkpoints resumed");
        }
    }

    /// Opens the store again after it failed. What is in it counts as it would at a start, and nothing else does.
    async fn reopen(&mut self) -> Result<(), StoreError> {
        let store = Arc::clone(&self.store);
        let opened = beside(async move {
            let report = store.reopen()?;
            tracing::info!(?report, "store reopened");
            match saved::survey(&store) {
                Ok(saved) => Ok(saved),
                Err(LoadFailure::Store(error)) if error.may_pass() => Err(error),
                Err(failure) => {
                    store.condemn(&failure.to_string())?;
                    store.reopen().map(|_| Saved::default())
                }
            }
        });
        let ended = |_| StoreError::Failed("opening it panicked".to_owned());
        let saved = AbortOnDropHandle::new(opened).await.map_err(ended)??;
        self.check_heads(&saved)?;
        self.saved = saved;
        self.offsets_saved = [0; 5];
        self.shared.change().await.folded.ledger.forget_checkpoints();
        Ok(())
    }

    /// A store that was not open at the start may know commits that the log has lost: it is written only once all that
    /// it knows is folded again. What is missing is looked for like everything that others name, and halts its stream.
    fn check_heads(&self, saved: &Saved) -> Result<(), StoreError> {
        let known = Service::ALL.map(|service| saved.head(self.shared.stream(service)).0.sequence);
        referenced::recall(&self.shared, known);
        let is_behind = |(service, known): (Service, u64)| self.shared.index.head(service).0.sequence < known;
        if Service::ALL.into_iter().zip(known).any(is_behind) {
            return Err(StoreError::Resource("the state is not rebuilt yet".to_owned()));
        }
        Ok(())
    }

    /// Cuts; `None` if nothing was folded since the last time.
    async fn cut(&self) -> Option<Cut> {
        let mut changing = self.shared.change().await;
        let folded = &mut changing.folded;
        let heads = folded.heads();
        let saved = Service::ALL.map(|service| self.saved.head(self.shared.stream(service)).0);
        if heads == saved {
            return None;
        }
        let began = Instant::now();
        let first = folded.ledger.begin_checkpoint();
        measure(&self.shared, began);
        let metrics = &self.shared.metrics;
        metrics.ledger_bytes.set(u64::try_from(folded.ledger.bytes()).unwrap_or(u64::MAX));
        // The index moves with the state, under the same lock.
        let offsets = Service::ALL.map(|service| self.shared.index.head(service).1);
        Some(Cut { first, heads, offsets, referenced: referenced::owed(&self.shared, &heads) })
    }

    /// Blocks. Answers with the bytes of the pages.
    async fn write(&mut self, cut: Cut) -> Result<u64, StoreError> {
        let generation = self.saved.extra.generation.saturating_add(1);
        let mut part = Part { store: &self.store, before: &self.saved.progress, batch: self.store.batch() };
        let mut bytes = 0_u64;
        for (page, generation) in self.saved.leftover.drain(..) {
            part.delete(&page_row(page, generation))?;
        }
        let mut replaced = Vec::new();
        let mut pages = cut.first;
        while !pages.is_empty() {
            for (page, value) in pages {
                bytes = bytes.saturating_add(u64::try_from(value.len()).unwrap_or(0));
                part.put(&page_row(page, generation), &value)?;
                if let Some(older) = self.saved.pages.insert(page, generation) {
                    replaced.push((page, older));
                }
            }
            pages = take(&self.shared).await;
        }
        for ((service, head), saved) in Service::ALL.into_iter().zip(cut.heads).zip(&mut self.offsets_saved) {
            let (rows, next) = self.shared.index.rows(service, head, *saved);
            *saved = next;
            for (number, value) in rows {
                part.put(&offsets_row(service, number), &value)?;
            }
        }
        let pages = u32::try_from(self.saved.pages.len()).unwrap_or(u32::MAX);
        let extra = Extra { generation, pages, referenced: cut.referenced };
        let streams =
            Service::ALL.into_iter().zip(cut.heads).zip(cut.offsets).filter(|((_, head), _)| head.sequence > 0);
        let streams = streams.map(|((service, head), offset)| StreamProgress {
            stream: self.shared.stream(service),
            head,
            offset: offset.0,
        });
        let progress = RowsProgress { streams: streams.collect(), extra: extra.encode() };
        let last = part.batch;
        submit(&self.store, &progress, last)?;
        self.store.flush()?;
        self.saved.progress = progress;
        self.saved.extra = extra;
        self.saved.leftover = replaced;
        Ok(bytes)
    }
}

/// Some of the pages that are left of a cut, when it is this one's turn.
async fn take(shared: &Shared) -> Vec<(PageKey, Vec<u8>)> {
    let mut changing = shared.change().await;
    let began = Instant::now();
    let mut pages = Vec::new();
    while began.elapsed() < PAGES_TIME_MAX
        && let Some(page) = changing.folded.ledger.take_changed()
    {
        pages.push(page);
    }
    measure(shared, began);
    pages
}

fn measure(shared: &Shared, began: Instant) {
    let held = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    shared.metrics.checkpoint_lock_microseconds_max.raise(held);
}

/// A part of a checkpoint that is being filled. Until the last part the store's progress is the one before.
struct Part<'a> {
    store: &'a RowStore,
    before: &'a RowsProgress,
    batch: Batch,
}

impl Part<'_> {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.batch.put(key, value);
        self.pass_on()
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), StoreError> {
        self.batch.delete(key);
        self.pass_on()
    }

    fn pass_on(&mut self) -> Result<(), StoreError> {
        if self.batch.bytes() < PART_BYTES && self.batch.entries() < PART_ROWS {
            return Ok(());
        }
        let mut before = self.before.clone();
        if before.extra.is_empty() {
            before.extra = Extra::default().encode();
        }
        submit(self.store, &before, core::mem::replace(&mut self.batch, self.store.batch()))
    }
}

/// Waits for room; then the store writes while the next part is made.
fn submit(store: &RowStore, progress: &RowsProgress, batch: Batch) -> Result<(), StoreError> {
    if !store.has_room() {
        store.flush()?;
    }
    store.submit(progress, batch)
}

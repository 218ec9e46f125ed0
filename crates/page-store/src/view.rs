//! What readers share with the thread that writes.

use std::sync::{Arc, PoisonError, RwLock};

use super::cursor::{Cursor, Source};
use super::filter::key_hash;
use super::overlay::Overlay;
use super::page::Key;
use super::run::Run;
use crate::StoreError;

/// The newest state, swapped piece by piece under one short lock.
#[derive(Debug, Default)]
pub(crate) struct View {
    /// False once closed.
    pub(crate) is_open: bool,
    pub(crate) active: Overlay,
    /// An overlay that is being turned into a run.
    pub(crate) frozen: Option<Arc<Overlay>>,
    /// Newest first.
    pub(crate) runs: Arc<Vec<Arc<Run>>>,
}

impl View {
    pub(crate) const fn check_open(&self) -> Result<(), StoreError> {
        if self.is_open { Ok(()) } else { Err(StoreError::Closed) }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Shared {
    view: RwLock<View>,
}

impl Shared {
    pub(crate) fn new(view: View) -> Self {
        Self { view: RwLock::new(view) }
    }

    pub(crate) fn with<T>(&self, read: impl FnOnce(&View) -> T) -> T {
        // A poisoned lock means a panic in this crate between two assignments; every view in between is consistent.
        read(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn update<T>(&self, write: impl FnOnce(&mut View) -> T) -> T {
        write(&mut self.view.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// The newest version of `key`.
    pub(crate) fn get(&self, key: Key<'_>) -> Result<Option<Vec<u8>>, StoreError> {
        let hash = key_hash(key);
        let runs = {
            let view = self.view.read().unwrap_or_else(PoisonError::into_inner);
            view.check_open()?;
            let frozen = || view.frozen.as_ref().and_then(|overlay| overlay.get(key, hash));
            if let Some(found) = view.active.get(key, hash).or_else(frozen) {
                return Ok(found.map(<[u8]>::to_vec));
            }
            if !view.runs.iter().any(|run| run.may_contain(hash)) {
                return Ok(None);
            }
            Arc::clone(&view.runs)
        };
        for run in runs.iter().filter(|run| run.may_contain(hash)) {
            let block = run.block(run.block_for(key))?;
            if let Some(found) = block.as_ref().and_then(|block| block.search(key)) {
                return Ok(found.map(<[u8]>::to_vec));
            }
        }
        Ok(None)
    }

    /// Walks a stream's entries under a prefix, deleted ones included, as of now.
    pub(crate) fn cursor(&self, under: Key<'_>) -> Result<Cursor, StoreError> {
        let (overlays, runs) = self.with(|view| {
            view.check_open()?;
            let frozen = view.frozen.iter().map(|overlay| overlay.snapshot(Some(under.0)));
            let overlays: Vec<_> = core::iter::once(view.active.snapshot(Some(under.0))).chain(frozen).collect();
            Ok((overlays, Arc::clone(&view.runs)))
        })?;
        let mut sources: Vec<Source> =
            overlays.into_iter().filter_map(|pages| Source::memory(pages, Some(under))).collect();
        for run in runs.iter() {
            sources.extend(Source::run(Arc::clone(run), Some(under))?);
        }
        Ok(Cursor::new(sources, Some(under)))
    }
}

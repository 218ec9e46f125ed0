//! The one writer of sled: batches in, runs made and merged, garbage deleted.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::cursor::{Cursor, Source};
use super::job::{Input, Job};
use super::keys;
use super::load::{Loaded, Manifest, Meta, encode, newest_first};
use super::pipeline::Pipeline;
use super::run::{Run, RunBuilder};
use super::store::Options;
use super::tails::Tails;
use super::view::Shared;
use crate::StoreError;
use crate::backend::Batch;

/// Runs of a level that are merged into one of the next.
const FAN_OUT: usize = 16;
/// Keys deleted in one step.
const DROP_KEYS: usize = 16;

#[derive(Debug)]
pub(crate) struct Engine {
    pipeline: Pipeline,
    shared: Arc<Shared>,
    options: Options,
    /// Per level, oldest first.
    levels: Vec<Vec<Arc<Run>>>,
    next_run: u64,
    first_page: u64,
    /// The newest state. On disk may be an older one.
    meta: Meta,
    tails: Tails,
    /// Batches that were taken up to the frozen overlay's end.
    frozen_batches: u64,
    /// Pages of the active overlay that are on disk.
    saved_pages: usize,
    /// When the first batch came whose meta is not on disk and will not be with the run under way.
    unsaved_since: Option<Instant>,
    /// By the level of the run they make: a flush first, then the smaller merges.
    jobs: BTreeMap<u8, Job>,
    /// Runs that no longer count; deleted once no reader holds them.
    garbage: VecDeque<(u64, Option<Arc<Run>>)>,
    drop_from: u64,
}

/// A level above which nothing is merged: 65,536 × 16^8 entries.
const MAX_LEVEL: u8 = 8;
/// How long a batch may be in memory alone. The pause after which what came last is saved never comes where many streams
/// write at rest; under load an overlay is full sooner.
const UNSAVED: Duration = Duration::from_secs(2);

impl Engine {
    pub(crate) fn new(pipeline: Pipeline, shared: Arc<Shared>, tails: Tails, options: Options, loaded: Loaded) -> Self {
        let Loaded { levels, manifest, meta, drop_from, .. } = loaded;
        let saved_pages = shared.with(|view| view.active.pages());
        Self {
            pipeline,
            shared,
            options,
            levels,
            next_run: manifest.next_run,
            first_page: manifest.first_page,
            meta,
            tails,
            frozen_batches: 0,
            saved_pages,
            unsaved_since: None,
            jobs: BTreeMap::new(),
            garbage: manifest.garbage.into_iter().map(|id| (id, None)).collect(),
            drop_from,
        }
    }

    /// Takes up the background work that an earlier process left.
    pub(crate) fn resume(&mut self) -> Result<(), StoreError> {
        self.freeze_if_full();
        self.start_merges()
    }

    /// Takes a batch whole; gives its bytes. Nothing but raw records is written yet: a full overlay becomes a run, with
    /// which its batches count on disk too, so that under load every entry is written once.
    pub(crate) fn write(&mut self, mut batch: Batch) -> Result<usize, StoreError> {
        self.options.point("state-store.inside-checkpoint");
        self.tails.take(&mut batch, &self.shared)?;
        let pages = batch.seal();
        let bytes = pages.iter().fold(0_usize, |sum, hashed| sum.saturating_add(hashed.page.bytes().len()));
        let since = *self.unsaved_since.get_or_insert_with(Instant::now);
        self.shared.update(|view| {
            for hashed in pages {
                view.active.insert(hashed.page, &hashed.hashes);
            }
        });
        self.freeze_if_full();
        if since.elapsed() >= UNSAVED && self.has_unsaved() { self.save().map(|()| bytes) } else { Ok(bytes) }
    }

    /// Whether batches were taken that neither are on disk nor will be with the run under way.
    pub(crate) const fn has_unsaved(&self) -> bool {
        self.unsaved_since.is_some()
    }

    /// Makes everything taken durable.
    ///
    /// Pages, and the records that the streams' metas in them count, count from the moment the meta says how many pages
    /// there are, which is written last. sled's log keeps the order of writes, and the tails are synced before: after a
    /// kill there is never a meta without what it counts.
    pub(crate) fn save(&mut self) -> Result<(), StoreError> {
        while self.jobs.contains_key(&0) {
            self.step_job()?;
        }
        if self.has_unsaved() {
            let pages = self.shared.with(|view| view.active.pages_from(self.saved_pages));
            for page in &pages {
                self.pipeline.write(&keys::numbered(keys::PAGE, self.meta.next_page), page)?;
                self.meta.next_page = self.meta.next_page.saturating_add(1);
                self.options.point("state-store.inside-checkpoint");
            }
            self.tails.sync()?;
            self.options.point("state-store.between-tail-and-meta");
            self.pipeline.write(&keys::META, &encode(&self.meta))?;
            self.saved_pages = self.saved_pages.saturating_add(pages.len());
            self.unsaved_since = None;
        }
        self.pipeline.sync()?;
        self.tails.drop_stale(self.tails.taken())
    }

    /// Whether both overlays are full: no batch must be taken before a step made room.
    pub(crate) fn is_stalled(&self) -> bool {
        self.jobs.contains_key(&0) && self.shared.with(|view| view.active.is_full(self.options.overlay_keys))
    }

    pub(crate) fn has_work(&self) -> bool {
        !self.jobs.is_empty() || self.drop_from < self.first_page || self.next_garbage().is_some()
    }

    /// Does a small piece of background work; gives roughly the bytes it moved.
    pub(crate) fn step(&mut self) -> Result<usize, StoreError> {
        if !self.jobs.contains_key(&0) && self.drop_something()? {
            return Ok(0);
        }
        self.step_job()
    }

    /// The same for the first job.
    fn step_job(&mut self) -> Result<usize, StoreError> {
        let Some((&level, job)) = self.jobs.iter_mut().next() else { return Ok(0) };
        self.options.point("state-store.inside-merge");
        if let Some(written) = job.step(&mut self.pipeline)? {
            return Ok(written);
        }
        if let Some(job) = self.jobs.remove(&level) {
            self.finish(level, job)?;
        }
        Ok(0)
    }

    /// Roughly the bytes that were written since the store was opened.
    pub(crate) const fn changed_bytes(&self) -> usize {
        self.pipeline.changed_bytes()
    }

    /// Waits for all that is under way. To be called before the thread waits for anything else.
    pub(crate) fn sync(&mut self) -> Result<(), StoreError> {
        self.pipeline.sync()
    }

    fn freeze_if_full(&mut self) {
        if self.jobs.contains_key(&0) {
            return;
        }
        let full_keys = self.options.overlay_keys;
        let frozen = self.shared.update(|view| {
            if !view.active.is_full(full_keys) || view.frozen.is_some() {
                return None;
            }
            let frozen = Arc::new(core::mem::take(&mut view.active));
            view.frozen = Some(Arc::clone(&frozen));
            Some(frozen)
        });
        let Some(overlay) = frozen else { return };
        self.frozen_batches = self.tails.taken();
        self.saved_pages = 0;
        self.unsaved_since = None;
        let source = Source::memory(overlay.snapshot(None), None);
        let keys = u64::try_from(overlay.keys()).unwrap_or(u64::MAX);
        let older = self.levels.iter().flatten().cloned().collect();
        let builder = RunBuilder::new(self.take_run_id(), 0, keys);
        let input = Input::Pages { end: self.meta.next_page };
        self.jobs.insert(0, Job::new(input, Cursor::new(source.into_iter().collect(), None), older, builder));
    }

    fn start_merges(&mut self) -> Result<(), StoreError> {
        for level in 0..MAX_LEVEL {
            let above = level.saturating_add(1);
            let Some(runs) = self.levels.get(usize::from(level)).and_then(|runs| runs.get(..FAN_OUT)) else { continue };
            if self.jobs.contains_key(&above) {
                continue;
            }
            let runs = runs.to_vec();
            let mut sources = Vec::new();
            for run in runs.iter().rev() {
                sources.extend(Source::run(Arc::clone(run), None)?);
            }
            let keys = runs.iter().fold(0_u64, |sum, run| sum.saturating_add(run.entry.entries));
            let older = self.levels.iter().skip(usize::from(above)).flatten().cloned().collect();
            let builder = RunBuilder::new(self.take_run_id(), above, keys);
            self.jobs.insert(above, Job::new(Input::Runs { level, runs }, Cursor::new(sources, None), older, builder));
        }
        Ok(())
    }

    /// Makes a finished run count and what it replaces not, first on disk and then for readers.
    fn finish(&mut self, level: u8, job: Job) -> Result<(), StoreError> {
        let (input, run) = job.finish();
        let at = usize::from(level);
        if self.levels.len() <= at {
            self.levels.resize_with(at.saturating_add(1), Vec::new);
        }
        if let (Some(runs), Some(run)) = (self.levels.get_mut(at), run) {
            runs.push(Arc::new(run));
        }
        let flushed = match input {
            Input::Pages { end } => {
                self.first_page = end;
                true
            }
            Input::Runs { level, runs } => {
                if let Some(merged) = self.levels.get_mut(usize::from(level)) {
                    merged.drain(..runs.len());
                }
                self.garbage.extend(runs.into_iter().map(|run| (run.entry.id, Some(run))));
                false
            }
        };
        self.write_manifest(flushed)?;
        let runs = newest_first(&self.levels);
        self.shared.update(|view| {
            view.runs = runs;
            if flushed {
                view.frozen = None;
            }
        });
        self.freeze_if_full();
        self.start_merges()
    }

    /// With a flushed overlay the batches in it count: their metas are in the run.
    fn write_manifest(&mut self, flushed: bool) -> Result<(), StoreError> {
        let making = self.jobs.values().map(Job::id);
        let manifest = Manifest {
            schema: self.options.schema,
            owner: self.options.owner.clone(),
            next_run: self.next_run,
            first_page: self.first_page,
            runs: self.levels.iter().flatten().map(|run| run.entry.clone()).collect(),
            garbage: self.garbage.iter().map(|(id, _)| *id).chain(making).collect(),
        };
        if !flushed {
            return self.pipeline.write(&keys::MANIFEST, &encode(&manifest));
        }
        self.tails.sync()?;
        self.options.point("state-store.between-tail-and-meta");
        self.pipeline.write(&keys::MANIFEST, &encode(&manifest))?;
        self.pipeline.sync()?;
        self.tails.drop_stale(self.frozen_batches)
    }

    fn take_run_id(&mut self) -> u64 {
        let id = self.next_run;
        self.next_run = self.next_run.saturating_add(1);
        id
    }

    /// The first run that no reader holds any more.
    fn next_garbage(&self) -> Option<usize> {
        self.garbage.iter().position(|(_, run)| run.as_ref().is_none_or(|run| Arc::strong_count(run) == 1))
    }

    /// Deletes a few keys that no longer count; whether there were any.
    fn drop_something(&mut self) -> Result<bool, StoreError> {
        if self.drop_from < self.first_page {
            if !self.pipeline.remove(&keys::numbered(keys::PAGE, self.drop_from), DROP_KEYS)? {
                self.drop_from = self.drop_from.saturating_add(1);
            }
            return Ok(true);
        }
        let Some(at) = self.next_garbage() else { return Ok(false) };
        let Some(&(id, _)) = self.garbage.get(at) else { return Ok(false) };
        if self.pipeline.drop_tree(&keys::numbered(keys::BLOCK, id))? {
            return Ok(true);
        }
        for class in keys::RUN_CLASSES {
            if self.pipeline.remove(&keys::numbered(class, id), DROP_KEYS)? {
                return Ok(true);
            }
        }
        self.garbage.remove(at);
        Ok(true)
    }
}

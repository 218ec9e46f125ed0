//! Everything that a process has to show.

use core::fmt::{self, Debug};
use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::process;
use super::samples::{Labels, Samples};

/// Something that has numbers, and may or may not serve.
pub trait Source: Debug + Send + Sync + 'static {
    /// Adds its numbers. Called for every scrape: takes no lock for long, and waits for nothing.
    fn collect(&self, samples: &mut Samples);

    /// Why it does not serve, in one line; `None`: it does, or has nothing to serve.
    fn unready(&self) -> Option<String> {
        None
    }
}

/// The sources of a process. Clones are the same registry.
#[derive(Debug, Default, Clone)]
pub struct Registry {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    sources: Mutex<Vec<Arc<dyn Source>>>,
    is_complete: AtomicBool,
}

impl Registry {
    /// Without sources, and so not ready.
    pub fn new() -> Self {
        Self::default()
    }

    pub fn add(&self, source: impl Source) {
        self.add_shared(Arc::new(source));
    }

    pub fn add_shared(&self, source: Arc<dyn Source>) {
        self.shared.sources.lock().unwrap_or_else(PoisonError::into_inner).push(source);
    }

    /// Adds numbers that have their names already, as `loopledger_<part>_<name>`.
    pub fn add_snapshot(
        &self,
        part: &'static str,
        labels: Labels,
        take: impl Fn() -> Vec<(&'static str, u64)> + Send + Sync + 'static,
    ) {
        self.add(Snapshot { part, labels, take });
    }

    /// Everything that has to serve was added: from now on the process is ready when all of it is.
    pub fn complete(&self) {
        self.shared.is_complete.store(true, Ordering::Release);
    }

    /// Why the process does not serve, a line each; nothing: it does.
    pub fn unready(&self) -> Vec<String> {
        let mut reasons: Vec<String> = self.sources().iter().filter_map(|source| source.unready()).collect();
        if !self.shared.is_complete.load(Ordering::Acquire) {
            reasons.push("starting".to_owned());
        }
        reasons
    }

    /// Everything there is to show, as `OpenMetrics` text.
    pub fn render(&self) -> Result<String, fmt::Error> {
        self.samples().encode()
    }

    fn samples(&self) -> Samples {
        let mut samples = Samples::default();
        process::collect(&mut samples);
        for source in self.sources() {
            source.collect(&mut samples);
        }
        samples
    }

    fn sources(&self) -> Vec<Arc<dyn Source>> {
        self.shared.sources.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

struct Snapshot<F> {
    part: &'static str,
    labels: Labels,
    take: F,
}

impl<F> Debug for Snapshot<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("part", &self.part).field("labels", &self.labels).finish_non_exhaustive()
    }
}

impl<F: Fn() -> Vec<(&'static str, u64)> + Send + Sync + 'static> Source for Snapshot<F> {
    fn collect(&self, samples: &mut Samples) {
        samples.snapshot(self.part, &self.labels, (self.take)());
    }
}

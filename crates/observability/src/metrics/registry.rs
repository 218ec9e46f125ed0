//! Everything that a process has to show.

use core::fmt::{self, Debug};
use std::sync::{Arc, Mutex, PoisonError};

use super::process::{self, Build};
use super::samples::{Labels, Samples};

/// What a source can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// It has not caught up since it was started.
    Starting,
    /// It serves something: perhaps not all, perhaps not up to date.
    Able,
    /// It serves nothing: it is halted or has ended.
    Unable,
}

/// Something that has numbers, and may or may not serve.
pub trait Source: Debug + Send + Sync + 'static {
    /// Adds its numbers. Called for every scrape: takes no lock for long, and waits for nothing.
    fn collect(&self, samples: &mut Samples);

    /// What it can do, and how it is, in lines for people; `None`: it has nothing to serve.
    fn condition(&self) -> Option<(Readiness, Vec<String>)> {
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
    build: Build,
    sources: Mutex<Vec<Arc<dyn Source>>>,
    phase: Mutex<Phase>,
}

/// Where the process is between its start and its end.
#[derive(Debug)]
enum Phase {
    /// With what it waits for.
    Starting(String),
    /// Everything that has to serve was added, and listens.
    Complete,
    Ending,
}

impl Default for Phase {
    fn default() -> Self {
        Self::Starting("starting".to_owned())
    }
}

impl Registry {
    /// Without sources, and so not ready.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same of a program that knows what it was built from.
    pub fn of(build: Build) -> Self {
        Self { shared: Arc::new(Shared { build, ..Shared::default() }) }
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

    /// The process waits for something before it can begin.
    pub fn starting(&self, what: &str) {
        self.set(Phase::Starting(format!("starting: {what}")));
    }

    /// Everything that has to serve was added, and can be called.
    pub fn complete(&self) {
        self.set(Phase::Complete);
    }

    /// The process was asked to end: it is not to be called any more.
    pub fn end(&self) {
        self.set(Phase::Ending);
    }

    fn set(&self, phase: Phase) {
        *self.shared.phase.lock().unwrap_or_else(PoisonError::into_inner) = phase;
    }

    /// Whether the process should be called, and how everything in it is, a line each. It is ready from when everything
    /// has caught up for the first time, for as long as anything serves: a halted stream, or a log that is unreachable,
    /// affects every replica alike, and each answers its callers with that error.
    pub fn readiness(&self) -> (bool, Vec<String>) {
        let conditions: Vec<_> = self.sources().iter().filter_map(|source| source.condition()).collect();
        let has = |wanted| conditions.iter().any(|(readiness, _)| *readiness == wanted);
        let (is_starting, is_able) = (has(Readiness::Starting), has(Readiness::Able));
        let mut lines: Vec<String> = conditions.into_iter().flat_map(|(_, lines)| lines).collect();
        let is_ready = match &*self.shared.phase.lock().unwrap_or_else(PoisonError::into_inner) {
            Phase::Starting(what) => {
                lines.push(what.clone());
                false
            }
            Phase::Complete => is_able && !is_starting,
            Phase::Ending => {
                lines.push("ending".to_owned());
                false
            }
        };
        (is_ready, lines)
    }

    /// Everything there is to show, as `OpenMetrics` text.
    pub fn render(&self) -> Result<String, fmt::Error> {
        self.samples().encode()
    }

    fn samples(&self) -> Samples {
        let mut samples = Samples::default();
        process::collect(&mut samples, self.shared.build);
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

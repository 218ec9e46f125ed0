//! The history of a run, line by line and counted: printed for a failing seed, compared between two runs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use loopledger_chain::leaf_hash;
use loopledger_types::Hash;
use tokio::time::Instant;

/// Clones are the same history.
#[derive(Debug, Clone)]
pub(crate) struct History(Arc<Mutex<Entries>>);

#[derive(Debug)]
struct Entries {
    began: Instant,
    lines: Vec<String>,
    counts: BTreeMap<&'static str, u64>,
    violations: Vec<String>,
}

/// How a simulation went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub seed: u64,
    /// Everything in order, with simulated milliseconds.
    pub history: Vec<String>,
    /// How often what happened: commands by outcome, faults by kind.
    pub counts: BTreeMap<&'static str, u64>,
    /// What must not be; empty if all is well.
    pub violations: Vec<String>,
    /// Of the history.
    pub history_digest: Hash,
    /// Of the ledger in the end.
    pub ledger_digest: Vec<u8>,
}

impl History {
    pub(crate) fn new() -> Self {
        let entries =
            Entries { began: Instant::now(), lines: Vec::new(), counts: BTreeMap::new(), violations: Vec::new() };
        Self(Arc::new(Mutex::new(entries)))
    }

    pub(crate) fn note(&self, what: impl AsRef<str>) {
        self.with(|entries| {
            let millis = entries.began.elapsed().as_millis();
            entries.lines.push(format!("{millis:>7} {}", what.as_ref()));
        });
    }

    pub(crate) fn count(&self, what: &'static str) {
        self.add(what, 1);
    }

    pub(crate) fn add(&self, what: &'static str, count: u64) {
        self.with(|entries| *entries.counts.entry(what).or_default() += count);
    }

    /// A fault strikes.
    pub(crate) fn fault(&self, kind: &'static str, whom: impl AsRef<str>) {
        self.count(kind);
        self.note(format!("FAULT {kind}: {}", whom.as_ref()));
    }

    pub(crate) fn violation(&self, what: impl AsRef<str>) {
        self.note(format!("VIOLATION {}", what.as_ref()));
        self.with(|entries| entries.violations.push(what.as_ref().to_owned()));
    }

    pub(crate) fn is_violated(&self) -> bool {
        self.with(|entries| !entries.violations.is_empty())
    }

    pub(crate) fn report(&self, seed: u64, ledger_digest: Vec<u8>) -> Report {
        self.with(|entries| Report {
            seed,
            history: entries.lines.clone(),
            counts: entries.counts.clone(),
            violations: entries.violations.clone(),
            history_digest: leaf_hash(entries.lines.join("\n").as_bytes()),
            ledger_digest,
        })
    }

    fn with<T>(&self, with: impl FnOnce(&mut Entries) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

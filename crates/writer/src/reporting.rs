//! What a writer says of itself while it runs: its health, its heads, and its counters.

use std::sync::Arc;

use loopledger_feed::{Feed, Heads};
use loopledger_types::StreamId;
use tokio::sync::watch;

use super::Halt;
use super::halting;
use super::health::{Health, Metrics};

/// How full a writer's parts are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Levels {
    pub(super) queued: usize,
    pub(super) in_flight: usize,
    pub(super) window: usize,
    pub(super) waiting_for_upstream: usize,
    pub(super) reactions_due: usize,
    pub(super) entities_in_memory: usize,
}

/// Where a writer's health, heads and counters are published.
#[derive(Debug)]
pub(super) struct Reporting {
    stream: StreamId,
    feed: Feed,
    metrics: Arc<Metrics>,
    health: watch::Sender<Health>,
    heads: watch::Sender<Arc<Heads>>,
}

impl Reporting {
    pub(super) const fn new(
        stream: StreamId,
        feed: Feed,
        metrics: Arc<Metrics>,
        health: watch::Sender<Health>,
        heads: watch::Sender<Arc<Heads>>,
    ) -> Self {
        Self { stream, feed, metrics, health, heads }
    }

    pub(super) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    pub(super) fn set_health(&self, health: Health) {
        self.health.send_replace(health);
    }

    /// The stream is halted; `head` is the newest commit that was read back.
    pub(super) fn halted(&self, halt: &Halt, head: u64) {
        halting::report(self.stream, halt, head, &self.feed, &self.health);
    }

    /// A halt because of the clock is over.
    pub(super) fn clock_is_right(&self) {
        tracing::info!(stream = %self.stream, "the clock is right again");
        self.feed.set_halted(self.stream, None);
        self.set_health(Health::Serving);
    }

    /// Publishes how full the parts are and how far the streams are folded.
    pub(super) fn publish(&self, levels: Levels, heads: Heads) {
        self.metrics.queued.set(levels.queued);
        self.metrics.in_flight.set(levels.in_flight);
        self.metrics.window.set(levels.window);
        self.metrics.waiting_for_upstream.set(levels.waiting_for_upstream);
        self.metrics.reactions_due.set(levels.reactions_due);
        self.metrics.entities_in_memory.set(levels.entities_in_memory);
        self.heads.send_if_modified(|published| {
            let changed = **published != heads;
            if changed {
                *published = Arc::new(heads);
            }
            changed
        });
    }

    pub(super) fn into_parts(self) -> (Arc<Metrics>, watch::Sender<Health>, watch::Sender<Arc<Heads>>) {
        (self.metrics, self.health, self.heads)
    }
}

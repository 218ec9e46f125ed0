//! What the writers of a service show, taken together: numbers of a single county only of those that are halted or far behind.

use core::sync::atomic::Ordering;
use core::time::Duration;
use std::collections::BTreeMap;

use loopledger_domain::Decider;

use crate::{Gauge, Health, Metrics, WriterHandle};
use loopledger_feed::{STALE_AFTER, StreamSamples as _, of_service, unreachable};
use loopledger_observability::metrics::{Buckets, Labels, Readiness, Samples, Source};

/// Counties of which the streams are shown, besides those that are halted.
const SHOWN_MAX: usize = 10;

/// What writers counted that have ended.
#[derive(Debug, Default, Clone)]
pub struct Counted {
    counts: BTreeMap<&'static str, u64>,
    read_back: Option<Buckets>,
}

impl Counted {
    /// Adds what a writer has counted.
    pub fn add<D: Decider>(&mut self, ended: &WriterHandle<D>) {
        let metrics = ended.metrics();
        let counts = COUNTERS.map(|(name, _, count)| (name, count(metrics).get()));
        for (name, count) in counts.into_iter().chain([(CHECKPOINTS, metrics.checkpoints_total.get())]) {
            let sum = self.counts.entry(name).or_default();
            *sum = sum.saturating_add(count);
        }
        let buckets = ended.measured().append_to_read_back.buckets();
        self.read_back = Some(merged(self.read_back.take(), buckets));
    }
}

fn merged(before: Option<Buckets>, more: Buckets) -> Buckets {
    match before {
        Some(before) => before.merged(&more),
        None => more,
    }
}

/// One writer by itself.
impl<D: Decider> Source for WriterHandle<D> {
    fn collect(&self, samples: &mut Samples) {
        show(samples, core::slice::from_ref(self), &Counted::default());
    }

    fn condition(&self) -> Option<(Readiness, Vec<String>)> {
        let stream = self.stream();
        let (readiness, what) = match &*self.health().borrow() {
            Health::Serving => (Readiness::Able, "serving".to_owned()),
            Health::CatchingUp(progress) => {
                // Later it reads again what its store had not written.
                let has_served = self.measured().has_served.load(Ordering::Relaxed);
                let readiness = if has_served { Readiness::Able } else { Readiness::Starting };
                (readiness, format!("catching up, {} %", progress.percent))
            }
            Health::Stopped => (Readiness::Unable, "stopped".to_owned()),
            Health::Halted(halt) => (Readiness::Unable, format!("halted, {}: {}", halt.reason(), halt.notice(stream))),
        };
        let outage = self.contact().outage().filter(|_| readiness != Readiness::Unable);
        let outage = outage.map(|outage| format!("; writes are not acknowledged, {}", unreachable(&outage)));
        Some((readiness, vec![format!("{stream}: {what}{}", outage.unwrap_or_default())]))
    }
}

/// Adds what the writers of a service show together, with what those counted that have ended.
pub fn show<D: Decider>(samples: &mut Samples, writers: &[WriterHandle<D>], ended: &Counted) {
    let labels: Labels = vec![("service", D::SERVICE.as_str().to_owned())];
    let sum = |count: fn(&Metrics) -> &Gauge| {
        writers.iter().fold(0_u64, |sum, writer| sum.saturating_add(count(writer.metrics()).get()))
    };
    for (name, help, count) in COUNTERS {
        let before = ended.counts.get(name).copied().unwrap_or(0);
        samples.counter(name, help, &labels, before.saturating_add(sum(count)));
    }
    let before = ended.counts.get(CHECKPOINTS).copied().unwrap_or(0);
    samples.checkpoints(&labels, before.saturating_add(sum(|metrics| &metrics.checkpoints_total)));
    for (name, help, level) in LEVELS {
        samples.gauge(name, help, &labels, sum(level));
    }
    samples.store_failed(&labels, writers.iter().any(|writer| writer.metrics().store_failed.get() > 0));
    let help = "1 while log appends fail and are retried: nothing is acknowledged.";
    let is_unavailable = writers.iter().any(|writer| writer.metrics().log_unavailable.get() > 0);
    samples.gauge("loopledger_log_unavailable", help, &labels, u64::from(is_unavailable));
    let help = "Commands and queries queued for the writers.";
    let in_channels = writers.iter().fold(0_u64, |sum, writer| sum.saturating_add(writer.channel_len()));
    samples.gauge(
        "loopledger_queue_commands",
        help,
        &labels,
        in_channels.saturating_add(sum(|metrics| &metrics.queued)),
    );

    // A county that is parked serves as soon as it is called.
    let mut is_serving = writers.is_empty();
    let mut percent = 100;
    for writer in writers {
        match &*writer.health().borrow() {
            Health::CatchingUp(progress) => percent = progress.percent.min(percent),
            // Without the log nothing is acknowledged.
            Health::Serving => is_serving |= writer.contact().outage().is_none(),
            Health::Stopped | Health::Halted(_) => {}
        }
    }
    samples.catch_up(&labels, percent);
    samples.serving(&labels, is_serving);
    let read_back = writers.iter().map(|writer| writer.measured().append_to_read_back.buckets());
    let read_back = read_back.fold(ended.read_back.clone(), |sum, buckets| Some(merged(sum, buckets)));
    if let Some(buckets) = read_back {
        let help = "Time from the append of a commit to its read-back, when the caller is answered.";
        samples.histogram("loopledger_append_to_read_back_seconds", help, &labels, buckets);
    }
    for writer in shown(writers) {
        show_streams(samples, writer);
    }
}

/// The writers that are halted, and those that are furthest behind.
fn shown<D: Decider>(writers: &[WriterHandle<D>]) -> Vec<&WriterHandle<D>> {
    let (mut shown, mut others): (Vec<_>, Vec<_>) =
        writers.iter().partition(|writer| matches!(&*writer.health().borrow(), Health::Halted(_)));
    others.sort_by_cached_key(|writer| core::cmp::Reverse(behind(writer)));
    shown.extend(others.into_iter().take(SHOWN_MAX));
    shown
}

/// The age of a writer's view of upstream, and how much of it is read and not folded.
fn behind<D: Decider>(writer: &WriterHandle<D>) -> (Duration, u64) {
    let lags = writer.measured().lags.iter().map(|(stream, lag)| {
        let unread = Some(writer.contact().age(*stream)).filter(|age| *age > STALE_AFTER);
        (lag.age().max(unread.unwrap_or_default()), lag.commits())
    });
    lags.max().unwrap_or_default()
}

fn show_streams<D: Decider>(samples: &mut Samples, writer: &WriterHandle<D>) {
    let own = writer.stream();
    let labels = of_service(own.service.as_str(), own.county);
    let reason = match &*writer.health().borrow() {
        Health::Halted(halt) => Some(halt.reason()),
        Health::CatchingUp(_) | Health::Serving | Health::Stopped => None,
    };
    samples.halted(&labels, own, reason);
    let heads = writer.heads();
    samples.head(&labels, own, heads.get(own).sequence);
    for (stream, lag) in &writer.measured().lags {
        samples.head(&labels, *stream, heads.get(*stream).sequence);
        samples.lag(&labels, *stream, lag, writer.contact());
    }
}

/// The name of a family, its help text, and what it shows of a writer.
type Shown = (&'static str, &'static str, fn(&Metrics) -> &Gauge);

const CHECKPOINTS: &str = "loopledger_checkpoints_total";

const COUNTERS: [Shown; 12] = [
    ("loopledger_commits_total", "Own commits read back.", |metrics| &metrics.commits_total),
    (
        "loopledger_foreign_commits_total",
        "Commits of the own streams by other writers, or replayed from earlier runs.",
        |metrics| &metrics.foreign_commits_total,
    ),
    ("loopledger_upstream_commits_total", "Commits of other streams folded.", |metrics| {
        &metrics.upstream_commits_total
    }),
    ("loopledger_reactions_total", "Own commits that answer an upstream commit.", |metrics| &metrics.reactions_total),
    ("loopledger_refusals_total", "Commands refused by a rule.", |metrics| &metrics.refusals_total),
    ("loopledger_repeats_total", "Commands found already recorded.", |metrics| &metrics.repeats_total),
    (
        "loopledger_void_records_total",
        "Void records in the own streams' partitions: not canonical, or not next in their chain.",
        |metrics| &metrics.voids_total,
    ),
    (
        "loopledger_conflicts_total",
        "Conflicts: another writer of the stream was admitted first while commits were in flight.",
        |metrics| &metrics.conflicts_total,
    ),
    ("loopledger_redecisions_total", "Decisions made again after a conflict.", |metrics| &metrics.redecisions_total),
    ("loopledger_resends_total", "Re-appends of commits in flight.", |metrics| &metrics.resends_total),
    ("loopledger_append_failures_total", "Appends reported as failed.", |metrics| &metrics.append_failures_total),
    ("loopledger_store_failures_total", "Failures of the state stores.", |metrics| &metrics.store_failures_total),
];

const LEVELS: [Shown; 5] = [
    ("loopledger_in_flight_commits", "Commits appended and not read back yet.", |metrics| &metrics.in_flight),
    ("loopledger_window_commits", "Current limit of commits in flight.", |metrics| &metrics.window),
    ("loopledger_waiting_for_upstream_requests", "Requests that wait for other streams to be folded.", |metrics| {
        &metrics.waiting_for_upstream
    }),
    ("loopledger_due_reactions", "Upstream commits that await a reaction.", |metrics| &metrics.reactions_due),
    ("loopledger_entities_in_memory", "Entities that the writers hold in memory.", |metrics| {
        &metrics.entities_in_memory
    }),
];

//! What the projection shows: its numbers and where it is in every stream.

use core::time::Duration;
use std::collections::BTreeMap;

use loopledger_service::metrics::StreamSamples as _;
use loopledger_service::metrics::{Labels, Readiness, Samples, Source, of_service, of_stream, unreachable};
use loopledger_types::Service;

use crate::health::{Halt, Health, StreamHealth};
use crate::host::Projections;
use crate::metrics::{Metrics, Number};
use crate::shared::Shared;

/// The name it goes by.
const NAME: &str = "projection";

/// Streams that services write: the ledger's own has no writer yet.
const STREAMS: usize = 4;

/// Counties of which the streams are shown, besides those that are halted.
const SHOWN_MAX: usize = 10;

/// What projections counted that have ended.
#[derive(Debug, Default, Clone)]
pub(crate) struct Counted(BTreeMap<&'static str, u64>);

impl Counted {
    /// Adds what a projection has counted.
    pub(crate) fn add(&mut self, ended: &Shared) {
        for (name, _, count) in COUNTERS {
            let sum = self.0.entry(name).or_default();
            *sum = sum.saturating_add(count(&ended.metrics).get());
        }
    }
}

/// One projection by itself.
impl Source for Shared {
    fn collect(&self, samples: &mut Samples) {
        show(samples, &[self], &Counted::default());
    }

    fn condition(&self) -> Option<(Readiness, Vec<String>)> {
        let health = self.health.borrow();
        let of = format!("{NAME}/{}", self.county);
        let halts: Vec<&Halt> = health.halts().collect();
        let (readiness, what) = if health.is_stopped() {
            (Readiness::Unable, "stopped".to_owned())
        } else if halts.len() >= STREAMS {
            (Readiness::Unable, "every stream is halted".to_owned())
        } else if !health.is_caught_up {
            (Readiness::Starting, format!("catching up, {} %", percent(&health)))
        } else if halts.is_empty() {
            (Readiness::Able, "serving".to_owned())
        } else {
            (Readiness::Able, "serves status and commits, refuses queries because they need every stream".to_owned())
        };
        let outage = self.feed.contact().outage().filter(|_| readiness != Readiness::Unable);
        let outage =
            outage.map(|outage| format!("; answers are {} s old, {}", self.age().as_secs(), unreachable(&outage)));
        let halted = halts.iter().map(|halt| format!("{of}: halted, {}: {}", halt.reason(), halt.notice()));
        let first = format!("{of}: {what}{}", outage.unwrap_or_default());
        Some((readiness, core::iter::once(first).chain(halted).collect()))
    }
}

impl Source for Projections {
    fn collect(&self, samples: &mut Samples) {
        let alive = self.alive();
        let labels: Labels = vec![("service", NAME.to_owned())];
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let help = "Counties whose streams the service hosts.";
        samples.gauge("loopledger_hosted_counties", help, &labels, count(self.hosted()));
        let help = "Counties that are in memory: those that had something to do lately.";
        samples.gauge("loopledger_live_counties", help, &labels, count(alive.len()));
        let halted = alive.iter().filter(|shared| shared.health.borrow().halt().is_some()).count();
        samples.gauge("loopledger_halted_counties", "Counties whose stream is halted.", &labels, count(halted));
        let alive: Vec<&Shared> = alive.iter().map(|shared| &**shared).collect();
        show(samples, &alive, &self.ended());
    }

    fn condition(&self) -> Option<(Readiness, Vec<String>)> {
        let alive = self.alive();
        let mut lines = Vec::new();
        if self.hosted() > 1 {
            lines.push(format!("{NAME}: {} counties, {} in memory", self.hosted(), alive.len()));
        }
        let conditions: Vec<_> = alive.iter().filter_map(|shared| shared.condition()).collect();
        let has = |wanted| conditions.iter().any(|(readiness, _)| *readiness == wanted);
        // One that is halted still shows its status, which is where a caller learns why.
        let readiness = if *self.readiness().borrow() == Readiness::Starting {
            Readiness::Starting
        } else if conditions.is_empty() || has(Readiness::Able) {
            Readiness::Able
        } else {
            Readiness::Unable
        };
        let is_single = self.hosted() == 1;
        let said = conditions.into_iter().filter(|(of, lines)| is_single || *of != Readiness::Able || lines.len() > 1);
        lines.extend(said.take(SHOWN_MAX).flat_map(|(_, lines)| lines));
        Some((readiness, lines))
    }
}

/// Adds what projections show together, with what those counted that have ended.
fn show(samples: &mut Samples, alive: &[&Shared], ended: &Counted) {
    let labels: Labels = vec![("service", NAME.to_owned())];
    let sum = |count: fn(&Metrics) -> &Number| {
        alive.iter().fold(0_u64, |sum, shared| sum.saturating_add(count(&shared.metrics).get()))
    };
    let most = |level: fn(&Metrics) -> &Number| alive.iter().map(|shared| level(&shared.metrics).get()).max();
    for (name, help, count) in COUNTERS {
        let before = ended.0.get(name).copied().unwrap_or(0);
        samples.counter(name, help, &labels, before.saturating_add(sum(count)));
    }
    for (name, help, level) in LEVELS {
        samples.gauge(name, help, &labels, sum(level));
    }
    let help = "Progress of the current or the last rebuild; 0 before the first.";
    let rebuilt = most(|metrics| &metrics.rebuild_percent).unwrap_or(0);
    samples.ratio("loopledger_rebuild_progress_ratio", help, &labels, u8::try_from(rebuilt).unwrap_or(100));
    for (name, help, micros) in LONGEST {
        samples.seconds(name, help, &labels, Duration::from_micros(most(micros).unwrap_or(0)));
    }
    let healths: Vec<Health> = alive.iter().map(|shared| shared.health.borrow().clone()).collect();
    samples.serving(&labels, healths.is_empty() || healths.iter().any(Health::is_serving));
    samples.store_failed(&labels, healths.iter().any(|health| health.checkpoints_failed.is_some()));
    samples.catch_up(&labels, healths.iter().map(percent).min().unwrap_or(100));
    for shared in shown(alive) {
        show_streams(samples, shared);
    }
}

/// The projections with a halted stream, and those that are furthest behind.
fn shown<'a>(alive: &[&'a Shared]) -> Vec<&'a Shared> {
    let (mut shown, mut others): (Vec<&Shared>, Vec<&Shared>) =
        alive.iter().copied().partition(|shared| shared.health.borrow().halt().is_some());
    let behind = |shared: &&Shared| shared.lags.iter().map(|lag| (lag.age(), lag.commits())).max();
    others.sort_by_cached_key(|shared| core::cmp::Reverse(behind(shared)));
    shown.extend(others.into_iter().take(SHOWN_MAX));
    shown
}

fn show_streams(samples: &mut Samples, shared: &Shared) {
    let health = shared.health.borrow().clone();
    let labels = of_service(NAME, shared.county);
    let heads = *shared.heads.borrow();
    for (((service, head), lag), voids) in Service::ALL.into_iter().zip(heads).zip(&shared.lags).zip(&shared.voids) {
        let stream = shared.stream(service);
        samples.head(&labels, stream, head.sequence);
        samples.lag(&labels, stream, lag, shared.feed.contact());
        let reason = match health.stream(service) {
            StreamHealth::Halted(halt) => Some(halt.reason()),
            StreamHealth::CatchingUp(_)
            | StreamHealth::Serving
            | StreamHealth::LogUnavailable { .. }
            | StreamHealth::Stopped => None,
        };
        samples.halted(&labels, stream, reason);
        let labels = of_stream(&labels, stream);
        let help = "1 while reading the stream fails; reads are retried.";
        let is_unreadable = matches!(shared.stream_health(&health, service), StreamHealth::LogUnavailable { .. });
        samples.gauge("loopledger_projection_log_unavailable", help, &labels, u64::from(is_unreadable));
        let help = "Void records in the stream's partition, as read by the projection.";
        samples.counter("loopledger_projection_void_records_total", help, &labels, voids.get());
    }
}

/// Of what was there at the start. Every stream that is not done says the same.
fn percent(health: &Health) -> u8 {
    let behind = health.streams.iter().find_map(|stream| match stream {
        StreamHealth::CatchingUp(progress) => Some(progress.percent),
        StreamHealth::Serving
        | StreamHealth::LogUnavailable { .. }
        | StreamHealth::Halted(_)
        | StreamHealth::Stopped => None,
    });
    behind.filter(|_| !health.is_caught_up).unwrap_or(100)
}

/// The name of a family, its help text, and what it shows of a projection.
type Shown = (&'static str, &'static str, fn(&Metrics) -> &Number);

const COUNTERS: [Shown; 10] = [
    ("loopledger_folded_commits_total", "Commits folded into the ledgers.", |metrics| &metrics.commits_total),
    ("loopledger_queries_total", "Queries answered.", |metrics| &metrics.queries_total),
    ("loopledger_query_failures_total", "Queries answered with an error.", |metrics| &metrics.failures_total),
    (
        "loopledger_checkpoint_failures_total",
        "Failed checkpoints, and failed attempts to reopen the store.",
        |metrics| &metrics.checkpoint_failures_total,
    ),
    ("loopledger_checkpoint_written_bytes_total", "Bytes of checkpoints written.", |metrics| {
        &metrics.checkpoint_bytes_total
    }),
    ("loopledger_read_failures_total", "Failed reads of the log, each retried.", |metrics| {
        &metrics.read_failures_total
    }),
    ("loopledger_rebuilds_total", "Rebuilds started on request.", |metrics| &metrics.rebuilds_total),
    ("loopledger_rebuild_commits_total", "Commits folded by rebuilds.", |metrics| &metrics.rebuild_commits_total),
    (
        "loopledger_rebuild_mismatches_total",
        "Rebuilds whose digests differ from the live state's: a bug or a damaged state.",
        |metrics| &metrics.rebuild_mismatches_total,
    ),
    ("loopledger_checkpoints_total", "Checkpoints handed to the state store.", |metrics| &metrics.checkpoints_total),
];

const LEVELS: [Shown; 3] = [
    ("loopledger_open_hand_overs", "Commits that await another service's answer.", |metrics| &metrics.open_hand_overs),
    ("loopledger_suspense_entries", "Entries balanced against suspense 9999.", |metrics| &metrics.exceptions),
    ("loopledger_ledger_bytes", "Approximate memory of the ledgers' state.", |metrics| &metrics.ledger_bytes),
];

const LONGEST: [Shown; 2] = [
    ("loopledger_fold_hold_max_seconds", "Longest time that the fold blocked queries since the start.", |metrics| {
        &metrics.fold_slice_microseconds_max
    }),
    (
        "loopledger_checkpoint_hold_max_seconds",
        "Longest time that a checkpoint blocked the fold and queries since the start.",
        |metrics| &metrics.checkpoint_lock_microseconds_max,
    ),
];

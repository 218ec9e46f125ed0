//! What the projection shows: its numbers and where it is in every stream.

use loopledger_service::metrics::StreamSamples as _;
use loopledger_service::metrics::{Labels, Readiness, Samples, Source, of_service, of_stream, unreachable};
use loopledger_types::Service;

use crate::health::{Halt, Health, StreamHealth};
use crate::metrics::Metrics;
use crate::shared::Shared;

/// The name it goes by.
const NAME: &str = "projection";

/// Streams that services write: the ledger's own has no writer yet.
const STREAMS: usize = 4;

impl Source for Shared {
    fn collect(&self, samples: &mut Samples) {
        let labels: Labels = vec![("service", NAME.to_owned())];
        counters(samples, &labels, &self.metrics);
        gauges(samples, &labels, &self.metrics);
        let health = self.health.borrow().clone();
        samples.serving(&labels, health.is_serving());
        samples.store_failed(&labels, health.checkpoints_failed.is_some());
        samples.catch_up(&labels, percent(&health));
        let labels = of_service(NAME, self.county);
        let heads = *self.heads.borrow();
        for (((service, head), lag), voids) in Service::ALL.into_iter().zip(heads).zip(&self.lags).zip(&self.voids) {
            let stream = self.stream(service);
            samples.head(&labels, stream, head.sequence);
            samples.lag(&labels, stream, lag, self.feed.contact());
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
            let is_unreadable = matches!(self.stream_health(&health, service), StreamHealth::LogUnavailable { .. });
            samples.gauge("loopledger_projection_log_unavailable", help, &labels, u64::from(is_unreadable));
            let help = "Void records in the stream's partition, as read by the projection.";
            samples.counter("loopledger_projection_void_records_total", help, &labels, voids.get());
        }
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

fn counters(samples: &mut Samples, labels: &Labels, metrics: &Metrics) {
    for (name, help, count) in [
        ("loopledger_folded_commits_total", "Commits folded into the ledger.", &metrics.commits_total),
        ("loopledger_queries_total", "Queries answered.", &metrics.queries_total),
        ("loopledger_query_failures_total", "Queries answered with an error.", &metrics.failures_total),
        (
            "loopledger_checkpoint_failures_total",
            "Failed checkpoints, and failed attempts to reopen the store.",
            &metrics.checkpoint_failures_total,
        ),
        ("loopledger_checkpoint_written_bytes_total", "Bytes of checkpoints written.", &metrics.checkpoint_bytes_total),
        ("loopledger_read_failures_total", "Failed reads of the log, each retried.", &metrics.read_failures_total),
        ("loopledger_rebuilds_total", "Rebuilds started on request.", &metrics.rebuilds_total),
        ("loopledger_rebuild_commits_total", "Commits folded by rebuilds.", &metrics.rebuild_commits_total),
        (
            "loopledger_rebuild_mismatches_total",
            "Rebuilds whose digests differ from the live state's: a bug or a damaged state.",
            &metrics.rebuild_mismatches_total,
        ),
    ] {
        samples.counter(name, help, labels, count.get());
    }
    samples.checkpoints(labels, metrics.checkpoints_total.get());
}

fn gauges(samples: &mut Samples, labels: &Labels, metrics: &Metrics) {
    for (name, help, level) in [
        ("loopledger_open_hand_overs", "Commits that await another service's answer.", &metrics.open_hand_overs),
        ("loopledger_suspense_entries", "Entries balanced against suspense 9999.", &metrics.exceptions),
        ("loopledger_ledger_bytes", "Approximate memory of the ledger state.", &metrics.ledger_bytes),
    ] {
        samples.gauge(name, help, labels, level.get());
    }
    let help = "Progress of the current or the last rebuild; 0 before the first.";
    let percent = u8::try_from(metrics.rebuild_percent.get()).unwrap_or(100);
    samples.ratio("loopledger_rebuild_progress_ratio", help, labels, percent);
    for (name, help, micros) in [
        (
            "loopledger_fold_hold_max_seconds",
            "Longest time that the fold blocked queries since the start.",
            &metrics.fold_slice_microseconds_max,
        ),
        (
            "loopledger_checkpoint_hold_max_seconds",
            "Longest time that a checkpoint blocked the fold and queries since the start.",
            &metrics.checkpoint_lock_microseconds_max,
        ),
    ] {
        samples.seconds(name, help, labels, core::time::Duration::from_micros(micros.get()));
    }
}

//! What a writer shows.

use core::sync::atomic::Ordering;

use loopledger_domain::Decider;

use crate::{Health, Metrics, WriterHandle};
use loopledger_feed::{StreamSamples as _, of_service, unreachable};
use loopledger_observability::metrics::{Labels, Readiness, Samples, Source};

impl<D: Decider> Source for WriterHandle<D> {
    fn collect(&self, samples: &mut Samples) {
        let own = self.stream();
        let labels = of_service(own.service.as_str(), own.county);
        counters(samples, &labels, self.metrics());
        gauges(samples, &labels, self.metrics());
        let help = "Commands and queries queued for the writer.";
        let queued = self.metrics().queued.get().saturating_add(self.channel_len());
        samples.gauge("loopledger_queue_commands", help, &labels, queued);

        let (percent, reason, is_serving) = match &*self.health().borrow() {
            Health::CatchingUp(progress) => (progress.percent, None, false),
            // Without the log nothing is acknowledged.
            Health::Serving => (100, None, self.contact().outage().is_none()),
            Health::Stopped => (100, None, false),
            Health::Halted(halt) => (100, Some(halt.reason()), false),
        };
        samples.catch_up(&labels, percent);
        samples.halted(&labels, own, reason);
        samples.serving(&labels, is_serving);
        let heads = self.heads();
        samples.head(&labels, own, heads.get(own).sequence);
        for (stream, lag) in &self.measured().lags {
            samples.head(&labels, *stream, heads.get(*stream).sequence);
            samples.lag(&labels, *stream, lag, self.contact());
        }
        let help = "Time from the append of a commit to its read-back, when the caller is answered.";
        let buckets = self.measured().append_to_read_back.buckets();
        samples.histogram("loopledger_append_to_read_back_seconds", help, &labels, buckets);
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

fn counters(samples: &mut Samples, labels: &Labels, metrics: &Metrics) {
    for (name, help, count) in [
        ("loopledger_commits_total", "Own commits read back.", &metrics.commits_total),
        (
            "loopledger_foreign_commits_total",
            "Commits of the own stream by other writers, or replayed from earlier runs.",
            &metrics.foreign_commits_total,
        ),
        ("loopledger_upstream_commits_total", "Commits of other streams folded.", &metrics.upstream_commits_total),
        ("loopledger_reactions_total", "Own commits that answer an upstream commit.", &metrics.reactions_total),
        ("loopledger_refusals_total", "Commands refused by a rule.", &metrics.refusals_total),
        ("loopledger_repeats_total", "Commands found already recorded.", &metrics.repeats_total),
        (
            "loopledger_void_records_total",
            "Void records in the own stream's partition: not canonical, or not next in their chain.",
            &metrics.voids_total,
        ),
        (
            "loopledger_conflicts_total",
            "Conflicts: another writer of the stream was admitted first while commits were in flight.",
            &metrics.conflicts_total,
        ),
        ("loopledger_redecisions_total", "Decisions made again after a conflict.", &metrics.redecisions_total),
        ("loopledger_resends_total", "Re-appends of commits in flight.", &metrics.resends_total),
        ("loopledger_append_failures_total", "Appends reported as failed.", &metrics.append_failures_total),
        ("loopledger_store_failures_total", "Failures of the state store.", &metrics.store_failures_total),
    ] {
        samples.counter(name, help, labels, count.get());
    }
    samples.checkpoints(labels, metrics.checkpoints_total.get());
    samples.store_failed(labels, metrics.store_failed.get() > 0);
}

fn gauges(samples: &mut Samples, labels: &Labels, metrics: &Metrics) {
    for (name, help, level) in [
        ("loopledger_in_flight_commits", "Commits appended and not read back yet.", &metrics.in_flight),
        (
            "loopledger_log_unavailable",
            "1 while log appends fail and are retried: nothing is acknowledged.",
            &metrics.log_unavailable,
        ),
        ("loopledger_window_commits", "Current limit of commits in flight.", &metrics.window),
        (
            "loopledger_waiting_for_upstream_requests",
            "Requests that wait for other streams to be folded.",
            &metrics.waiting_for_upstream,
        ),
        ("loopledger_due_reactions", "Upstream commits that await a reaction.", &metrics.reactions_due),
        ("loopledger_entities_in_memory", "Entities that the writer holds in memory.", &metrics.entities_in_memory),
    ] {
        samples.gauge(name, help, labels, level.get());
    }
}

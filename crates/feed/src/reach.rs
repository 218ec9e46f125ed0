//! Families to which several programs add: what one that follows streams shows, whatever it does with them.

use std::sync::{Arc, OnceLock};

use loopledger_types::{CountyCode, StreamId};

use crate::lag::Lag;
use crate::{Contact, Outage, STALE_AFTER};
use loopledger_observability::metrics::{Labels, Samples, Source};

/// The labels of what `service` says.
pub fn of_service(service: &str, county: CountyCode) -> Labels {
    vec![("service", service.to_owned()), ("county", county.to_string())]
}

/// The labels of what `of` says about a stream.
pub fn of_stream(of: &Labels, stream: StreamId) -> Labels {
    of.iter().cloned().chain([("stream", stream.to_string())]).collect()
}

/// An outage in words.
pub fn unreachable(outage: &Outage) -> String {
    format!("the log cannot be reached for {} s: {}", outage.since.elapsed().as_secs(), outage.cause)
}

/// Whether a process reaches its log: not before it has found it.
#[derive(Debug, Default)]
pub struct LogReach(OnceLock<Arc<Contact>>);

impl LogReach {
    /// The log was found.
    pub fn found(&self, contact: Arc<Contact>) {
        // It is found once.
        let _ = self.0.set(contact);
    }
}

impl Source for LogReach {
    fn collect(&self, samples: &mut Samples) {
        let is_reachable = self.0.get().is_some_and(|contact| contact.outage().is_none());
        let help = "1 while the log answers. 0 from the first failed read until all reads succeed again, and before the log \
                    is opened.";
        samples.gauge("loopledger_log_reachable", help, &Vec::new(), u64::from(is_reachable));
    }
}

/// What every program that follows streams shows of them.
pub trait StreamSamples {
    /// Where a service is in a stream.
    fn head(&mut self, of: &Labels, stream: StreamId, sequence: u64);

    /// How far it is behind.
    fn lag(&mut self, of: &Labels, stream: StreamId, lag: &Lag, contact: &Contact);

    /// Whether it can do nothing more with a stream, and the reason.
    fn halted(&mut self, of: &Labels, stream: StreamId, reason: Option<&'static str>);

    /// Whether it does what it is there for.
    fn serving(&mut self, of: &Labels, is_serving: bool);

    /// How far it is in reading what was there when it started.
    fn catch_up(&mut self, of: &Labels, percent: u8);

    /// Whether its state store has failed.
    fn store_failed(&mut self, of: &Labels, has_failed: bool);

    fn checkpoints(&mut self, of: &Labels, count: u64);
}

impl StreamSamples for Samples {
    fn head(&mut self, of: &Labels, stream: StreamId, sequence: u64) {
        let help = "Sequence of the newest commit that the service has read back (own stream) or folded (other streams); the \
                    largest value of all services is the stream's head.";
        self.gauge("loopledger_head_sequence", help, &of_stream(of, stream), sequence);
    }

    fn lag(&mut self, of: &Labels, stream: StreamId, lag: &Lag, contact: &Contact) {
        let labels = of_stream(of, stream);
        let help = "Commits of the stream that the service has read and not folded yet: some thousands at most. A longer \
                    backlog shows in the difference between heads.";
        self.gauge("loopledger_lag_commits", help, &labels, lag.commits());
        let help = "Age of the service's view of the stream: of the oldest commit that is read and not folded, by its writer's \
                    clock, or the time since the service last knew that it had read the whole log, which grows during an \
                    outage. 0 below some seconds.";
        let unread = Some(contact.age(stream)).filter(|age| *age > STALE_AFTER);
        self.seconds("loopledger_lag_seconds", help, &labels, lag.age().max(unread.unwrap_or_default()));
    }

    fn halted(&mut self, of: &Labels, stream: StreamId, reason: Option<&'static str>) {
        let mut labels = of_stream(of, stream);
        labels.extend(reason.map(|reason| ("reason", reason.to_owned())));
        let help =
            "1 while the stream is halted: the service neither writes nor folds it. The label `reason` says why.";
        self.gauge("loopledger_stream_halted", help, &labels, u64::from(reason.is_some()));
    }

    fn serving(&mut self, of: &Labels, is_serving: bool) {
        let help = "1 while the service serves. 0 while it is catching up, halted or stopped, and for a writer while the log \
                    cannot be reached.";
        self.gauge("loopledger_serving", help, of, u64::from(is_serving));
    }

    fn catch_up(&mut self, of: &Labels, percent: u8) {
        let help = "Share of the log at start that has been read; 1 once the service has caught up.";
        self.ratio("loopledger_catch_up_progress_ratio", help, of, percent);
    }

    fn store_failed(&mut self, of: &Labels, has_failed: bool) {
        let help = "1 while the state store has failed: the service continues in memory, or is halted, until the store can \
                    be reopened.";
        self.gauge("loopledger_store_failed", help, of, u64::from(has_failed));
    }

    fn checkpoints(&mut self, of: &Labels, count: u64) {
        self.counter("loopledger_checkpoints_total", "Checkpoints handed to the state store.", of, count);
    }
}

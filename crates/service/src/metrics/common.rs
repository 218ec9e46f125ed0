//! Families to which several programs add: what one that follows streams shows, whatever it does with them.

use std::sync::{Arc, OnceLock};

use loopledger_types::{CountyCode, StreamId};

use super::lag::Lag;
use super::registry::Source;
use super::samples::{Labels, Samples};
use crate::feed::{Contact, Outage, STALE_AFTER};

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
        let help = "1: the log answers. 0 from the first read or question that fails until everything answers again, and \
                    before the log is found.";
        samples.gauge("loopledger_log_reachable", help, &Vec::new(), u64::from(is_reachable));
    }
}

impl Samples {
    /// Where a service is in a stream.
    pub fn head(&mut self, of: &Labels, stream: StreamId, sequence: u64) {
        let help = "Sequence of the newest commit of the stream that the service has read back (of its own) or folded (of \
                    others'); the largest that any service shows is where the stream is.";
        self.gauge("loopledger_head_sequence", help, &of_stream(of, stream), sequence);
    }

    /// How far it is behind.
    pub fn lag(&mut self, of: &Labels, stream: StreamId, lag: &Lag, contact: &Contact) {
        let labels = of_stream(of, stream);
        let help = "Commits of the stream that the service has read and not folded yet. It reads some thousands ahead at \
                    most: how long a longer backlog is, the difference between heads tells.";
        self.gauge("loopledger_lag_commits", help, &labels, lag.commits());
        let help = "How old the service's view of the stream is: how long ago, by its writer's clock, the oldest commit was \
                    recorded that was read and not folded, or how long it is not known that everything in the log was read, \
                    which grows while the log cannot be reached. 0 if it is some seconds.";
        let unread = Some(contact.age(stream)).filter(|age| *age > STALE_AFTER);
        self.seconds("loopledger_lag_seconds", help, &labels, lag.age().max(unread.unwrap_or_default()));
    }

    /// Whether it can do nothing more with a stream, and the reason.
    pub fn halted(&mut self, of: &Labels, stream: StreamId, reason: Option<&'static str>) {
        let mut labels = of_stream(of, stream);
        labels.extend(reason.map(|reason| ("reason", reason.to_owned())));
        let help =
            "1: the service takes no more for its own stream, or folds no more of another's, until somebody looks.";
        self.gauge("loopledger_stream_halted", help, &labels, u64::from(reason.is_some()));
    }

    /// Whether it does what it is there for.
    pub fn serving(&mut self, of: &Labels, is_serving: bool) {
        let help = "1: the service does what it is there for. 0: it is catching up, halted or stopped, or writes while the log \
                    cannot be reached.";
        self.gauge("loopledger_serving", help, of, u64::from(is_serving));
    }

    /// How far it is in reading what was there when it started.
    pub fn catch_up(&mut self, of: &Labels, percent: u8) {
        let help = "How much is read of what was in the log when the service started; 1 when it has caught up.";
        self.ratio("loopledger_catch_up_progress_ratio", help, of, percent);
    }

    /// Whether its state store has failed.
    pub fn store_failed(&mut self, of: &Labels, has_failed: bool) {
        let help = "1: the state store has failed, so nothing is stored; the service goes on in memory, or is halted, until \
                    the store can be opened again.";
        self.gauge("loopledger_store_failed", help, of, u64::from(has_failed));
    }

    pub fn checkpoints(&mut self, of: &Labels, count: u64) {
        self.counter("loopledger_checkpoints_total", "Checkpoints handed to the state store.", of, count);
    }
}

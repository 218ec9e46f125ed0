//! Families to which several programs add: what one that follows streams shows, whatever it does with them.

use loopledger_types::{CountyCode, StreamId};

use super::lag::Lag;
use super::samples::{Labels, Samples};

/// The labels of what `service` says.
pub fn of_service(service: &str, county: CountyCode) -> Labels {
    vec![("service", service.to_owned()), ("county", county.to_string())]
}

/// The labels of what `of` says about a stream.
pub fn of_stream(of: &Labels, stream: StreamId) -> Labels {
    of.iter().cloned().chain([("stream", stream.to_string())]).collect()
}

impl Samples {
    /// Where a service is in a stream.
    pub fn head(&mut self, of: &Labels, stream: StreamId, sequence: u64) {
        let help = "Sequence of the newest commit of the stream that the service has read back (of its own) or folded (of \
                    others'); the largest that any service shows is where the stream is.";
        self.gauge("loopledger_head_sequence", help, &of_stream(of, stream), sequence);
    }

    /// How far it is behind.
    pub fn lag(&mut self, of: &Labels, stream: StreamId, lag: &Lag) {
        let labels = of_stream(of, stream);
        let help = "Commits of the stream that the service has read and not folded yet. It reads some thousands ahead at \
                    most: how long a longer backlog is, the difference between heads tells.";
        self.gauge("loopledger_lag_commits", help, &labels, lag.commits());
        let help = "How long ago, by its writer's clock, the oldest commit was recorded that the service has read and not \
                    folded yet; 0 if there is none, also while the log cannot be read.";
        self.seconds("loopledger_lag_seconds", help, &labels, lag.age());
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
        let help = "1: the service answers. 0: it is catching up, halted, or stopped.";
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

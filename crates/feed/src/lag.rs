//! How far folding is behind reading.

use core::time::Duration;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use loopledger_types::Timestamp;

use crate::Admitted;
use crate::clock::{Clock as _, SystemClock};

/// What was read of one stream and is not folded. Updated once per read and once per turn of the fold, not per commit.
#[derive(Debug)]
pub struct Lag(Mutex<Ahead>);

#[derive(Debug)]
struct Ahead {
    admitted: u64,
    folded: u64,
    /// Reads that are not folded to the end: the last sequence of each, and when its first commit was recorded.
    reads: VecDeque<(u64, Timestamp)>,
}

impl Lag {
    /// Everything up to `folded` is folded.
    pub fn starting_at(folded: u64) -> Self {
        Self(Mutex::new(Ahead { admitted: folded, folded, reads: VecDeque::new() }))
    }

    /// These were read, and will be folded unless they were before.
    pub fn read(&self, commits: &[Admitted]) {
        let (Some(first), Some(last)) = (commits.first(), commits.last()) else { return };
        let mut ahead = self.lock();
        if last.commit.sequence > ahead.admitted {
            ahead.admitted = last.commit.sequence;
            ahead.reads.push_back((last.commit.sequence, first.commit.recorded_at));
        }
    }

    /// Everything up to `sequence` is folded.
    pub fn folded(&self, sequence: u64) {
        let mut ahead = self.lock();
        ahead.folded = ahead.folded.max(sequence);
        while ahead.reads.front().is_some_and(|(last, _)| *last <= sequence) {
            ahead.reads.pop_front();
        }
    }

    /// Commits read and not folded.
    pub fn commits(&self) -> u64 {
        let ahead = self.lock();
        ahead.admitted.saturating_sub(ahead.folded)
    }

    /// How long ago the oldest of them was recorded; to the read that it came with.
    pub fn age(&self) -> Duration {
        let oldest = self.lock().reads.front().map(|(_, recorded_at)| *recorded_at);
        oldest.map_or(Duration::ZERO, |oldest| between(oldest, SystemClock.now()))
    }

    fn lock(&self) -> MutexGuard<'_, Ahead> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nothing, if the clocks disagree.
fn between(from: Timestamp, to: Timestamp) -> Duration {
    let since_epoch = |time: Timestamp| {
        let seconds = u64::try_from(time.seconds).unwrap_or(0);
        Duration::from_secs(seconds).saturating_add(Duration::from_nanos(u64::from(time.nanos)))
    };
    since_epoch(to).saturating_sub(since_epoch(from))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use loopledger_domain::Commit;
    use loopledger_event_log::Offset;
    use loopledger_types::{CountyCode, Hash, Head, RequestId, Service, StreamId};

    use super::*;

    fn read(sequences: core::ops::RangeInclusive<u64>, seconds: i64) -> Vec<Admitted> {
        let commit = |sequence| Commit {
            stream: StreamId { service: Service::Station, county: CountyCode::TUOLI },
            sequence,
            hash: Hash::ZERO,
            request_id: RequestId([0; 16]),
            request_digest: [0; 32],
            cause: None,
            actor: None,
            recorded_at: Timestamp { seconds, nanos: 0 },
            events: Vec::new(),
            upstream: Vec::new(),
        };
        let admitted = |sequence| Admitted {
            commit: Arc::new(commit(sequence)),
            offset: Offset::START,
            before: (Head::EMPTY, Offset::START),
            trace: None,
        };
        sequences.map(admitted).collect()
    }

    #[test]
    fn lag_is_what_was_read_and_not_folded() {
        let now = SystemClock.now().seconds;
        let lag = Lag::starting_at(10);
        assert_eq!((lag.commits(), lag.age()), (0, Duration::ZERO), "nothing new is no lag");
        lag.read(&[]);
        lag.read(&read(8..=10, now - 1_000));
        assert_eq!((lag.commits(), lag.age()), (0, Duration::ZERO), "what is read again is folded already");
        lag.read(&read(11..=15, now - 500));
        lag.read(&read(16..=16, now - 200));
        assert_eq!(lag.commits(), 6);
        assert!(lag.age() >= Duration::from_secs(500), "{:?}", lag.age());
        lag.folded(14);
        assert_eq!(lag.commits(), 2);
        assert!(lag.age() >= Duration::from_secs(500), "{:?}", lag.age());
        lag.folded(15);
        assert!((200..400).contains(&lag.age().as_secs()), "{:?}", lag.age());
        lag.folded(16);
        assert_eq!((lag.commits(), lag.age()), (0, Duration::ZERO));
        lag.read(&read(17..=17, now + 1_000));
        assert_eq!((lag.commits(), lag.age()), (1, Duration::ZERO), "a clock ahead makes no age");
    }
}

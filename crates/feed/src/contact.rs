//! Whether the log can be reached, and up to when everything in it was read.
//!
//! A read that waits for records looks the same whether none come or the log does not answer. So the log is asked for its end
//! every few seconds, for each partition that is followed. An outage begins with the first read or question that fails,
//! ends when every partition answers again, and is logged once, however many streams it strikes.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use futures::future::join_all;
use loopledger_event_log::{Ending, EventLog, Offset, ReadError};
use loopledger_types::{Key, Partition, Service, StreamId, Topic, WithCauses, partition_of};
use tokio::time::{Instant, sleep, timeout};

/// Between two questions for the log's end. Small against the time after which [`STALE_AFTER`] says that answers are old.
const LOOK_PERIOD: Duration = Duration::from_secs(2);

/// How long the log may take to say where it ends: longer than the log on Kafka tries.
const LOOK_MAX: Duration = Duration::from_secs(15);

/// A read that failed is tried again at once, so one that has not failed for so long waits for records.
const READ_AGAIN_MAX: Duration = Duration::from_secs(1);

/// Up to this age what was read counts as current: a question is due every two seconds, and takes a moment.
pub const STALE_AFTER: Duration = Duration::from_secs(10);

/// A partition of a topic.
pub(crate) type Followed = (Topic, Partition);

/// The log cannot be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    pub since: Instant,
    /// What failed last.
    pub cause: String,
}

/// What one process knows of its way to the log.
#[derive(Debug)]
pub struct Contact {
    durability: &'static str,
    /// Of each service's topic.
    partition_counts: [u32; 5],
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    partitions: BTreeMap<Followed, Reading>,
    outage: Option<Outage>,
}

/// One partition.
#[derive(Debug)]
struct Reading {
    /// Everything before this offset was read.
    read: Offset,
    /// Everything was read that was in the log at this time.
    complete_at: Instant,
    /// Where the log ended, and when that was asked; until it is read.
    target: Option<(Offset, Instant)>,
    failing: bool,
    read_failed_at: Option<Instant>,
}

impl Reading {
    fn reach(&mut self) {
        if let Some((end, asked_at)) = self.target
            && self.read >= end
        {
            self.complete_at = asked_at;
            self.target = None;
        }
    }
}

impl Contact {
    pub fn new(log: &dyn EventLog) -> Self {
        let partition_counts = Service::ALL.map(|service| log.partition_count(service.topic()));
        Self { durability: log.durability(), partition_counts, state: Mutex::default() }
    }

    /// What an acknowledged write survives.
    pub const fn durability(&self) -> &'static str {
        self.durability
    }

    /// Why the log cannot be reached, if it cannot.
    pub fn outage(&self) -> Option<Outage> {
        self.lock().outage.clone()
    }

    /// How long ago everything was read that was in the log of the stream then: some seconds, unless the log cannot be
    /// reached or is read slower than it grows. Nothing, if it is not followed here.
    pub fn age(&self, stream: StreamId) -> Duration {
        let state = self.lock();
        let reading = state.partitions.get(&self.followed(stream));
        reading.map_or(Duration::ZERO, |reading| reading.complete_at.elapsed())
    }

    /// Whether the log of the stream does not answer now.
    pub fn is_failing(&self, stream: StreamId) -> bool {
        self.lock().partitions.get(&self.followed(stream)).is_some_and(|reading| reading.failing)
    }

    /// The partition of a stream.
    pub fn followed(&self, stream: StreamId) -> Followed {
        let count = self.partition_counts.get(stream.service.index()).copied().unwrap_or(1);
        (stream.service.topic(), partition_of(Key(stream.county), count))
    }

    /// The partition is followed from now on.
    pub fn follow(&self, followed: Followed) {
        self.lock().partitions.entry(followed).or_insert_with(|| Reading {
            read: Offset::START,
            complete_at: Instant::now(),
            target: None,
            failing: false,
            read_failed_at: None,
        });
    }

    /// Reading begins here.
    pub fn begin(&self, followed: Followed, from: Offset) {
        if let Some(reading) = self.lock().partitions.get_mut(&followed) {
            reading.read = from;
            reading.reach();
        }
    }

    /// Everything before `next` was read.
    pub fn read(&self, followed: Followed, next: Offset) {
        self.change(followed, |reading| {
            reading.read = next;
            reading.failing = false;
            reading.read_failed_at = None;
            reading.reach();
        });
    }

    /// A read failed. Only what may pass is an outage.
    pub fn read_failed(&self, followed: Followed, error: &ReadError) {
        if is_passing(error) {
            self.fail(followed, WithCauses(error).to_string(), |reading| reading.read_failed_at = Some(Instant::now()));
        }
    }

    /// A question for the log's end was answered, or was not.
    fn looked(&self, followed: Followed, asked_at: Instant, answer: Result<Offset, ReadError>) {
        match answer {
            Ok(end) => self.change(followed, |reading| {
                if reading.read_failed_at.is_none_or(|failed_at| failed_at.elapsed() >= READ_AGAIN_MAX) {
                    reading.failing = false;
                }
                reading.target.get_or_insert((end, asked_at));
                reading.reach();
            }),
            Err(error) if is_passing(&error) => self.fail(followed, WithCauses(&error).to_string(), |_| ()),
            // Its readers halt with it.
            Err(_) => {}
        }
    }

    fn fail(&self, followed: Followed, cause: String, note: impl FnOnce(&mut Reading)) {
        let mut state = self.lock();
        let Some(reading) = state.partitions.get_mut(&followed) else { return };
        reading.failing = true;
        note(reading);
        if let Some(outage) = &mut state.outage {
            outage.cause = cause;
        } else {
            tracing::warn!(cause, "the log cannot be reached, retrying");
            state.outage = Some(Outage { since: Instant::now(), cause });
        }
    }

    fn change(&self, followed: Followed, change: impl FnOnce(&mut Reading)) {
        let mut state = self.lock();
        let Some(reading) = state.partitions.get_mut(&followed) else { return };
        change(reading);
        if state.outage.is_some() && !state.partitions.values().any(|reading| reading.failing) {
            let after = state.outage.take().map(|outage| outage.since.elapsed());
            tracing::warn!(?after, "the log is reachable again");
        }
    }

    /// Asks for ends until the log is closed, which it does not keep open.
    pub async fn watch(self: Arc<Self>, log: Weak<dyn EventLog>) {
        while let Some(open) = log.upgrade() {
            let followed: Vec<Followed> = self.lock().partitions.keys().copied().collect();
            let looks: Vec<_> =
                followed.into_iter().map(|followed| self.look(followed, open.end(followed.0, followed.1))).collect();
            drop(open);
            join_all(looks).await;
            sleep(LOOK_PERIOD).await;
        }
    }

    async fn look(&self, followed: Followed, ending: Ending) {
        let asked_at = Instant::now();
        let silence = || ReadError::Unavailable { reason: "the query for its end timed out".to_owned() };
        let answer = timeout(LOOK_MAX, ending).await.unwrap_or_else(|_| Err(silence()));
        self.looked(followed, asked_at, answer);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const fn is_passing(error: &ReadError) -> bool {
    match error {
        ReadError::Io { .. } | ReadError::Unavailable { .. } => true,
        ReadError::Damaged { .. }
        | ReadError::OffsetOutOfRange { .. }
        | ReadError::NotARecordBoundary { .. }
        | ReadError::NoSuchPartition { .. }
        | ReadError::Closed => false,
    }
}

#[cfg(test)]
mod tests {
    use loopledger_event_log::MemoryLog;
    use loopledger_types::CountyCode;

    use super::*;

    const STATION: StreamId = StreamId { service: Service::Station, county: CountyCode::TUOLI };
    const SALES: StreamId = StreamId { service: Service::Sales, county: CountyCode::TUOLI };
    const FIRST: Followed = (Topic(Service::Station), Partition(0));
    const SECOND: Followed = (Topic(Service::Sales), Partition(0));

    fn away() -> ReadError {
        ReadError::Unavailable { reason: "127.0.0.1:1: connection refused".to_owned() }
    }

    async fn pass(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_lasts_until_every_partition_answers_and_what_was_read_grows_old_meanwhile() {
        let contact = Contact::new(&MemoryLog::new(1));
        for followed in [FIRST, SECOND] {
            contact.follow(followed);
            contact.looked(followed, Instant::now(), Ok(Offset::START));
        }
        assert_eq!(contact.outage(), None);
        pass(1).await;
        contact.read_failed(FIRST, &away());
        let outage = contact.outage().expect("an outage");
        assert!(outage.cause.contains("127.0.0.1:1"), "{outage:?}");
        contact.read_failed(SECOND, &away());
        pass(90).await;
        assert!(contact.age(STATION) >= Duration::from_secs(91), "{:?}", contact.age(STATION));
        contact.looked(FIRST, Instant::now(), Ok(Offset::START));
        assert_eq!(contact.outage(), Some(outage), "the second does not answer yet");
        assert!(!contact.is_failing(STATION) && contact.is_failing(SALES));
        contact.read(SECOND, Offset(7));
        assert_eq!(contact.outage(), None);
        assert_eq!(contact.age(STATION), Duration::ZERO);
        assert!(contact.age(SALES) >= Duration::from_secs(91), "it may have more");
        contact.looked(SECOND, Instant::now(), Ok(Offset(9)));
        pass(3).await;
        assert!(contact.age(SALES) >= Duration::from_secs(91), "it has more");
        contact.read(SECOND, Offset(9));
        assert_eq!(contact.age(SALES), Duration::from_secs(3), "as of the question");
    }

    #[tokio::test(start_paused = true)]
    async fn a_log_that_says_where_it_ends_and_cannot_be_read_is_not_reached() {
        let contact = Contact::new(&MemoryLog::new(1));
        contact.follow(FIRST);
        contact.read_failed(FIRST, &away());
        contact.looked(FIRST, Instant::now(), Ok(Offset::START));
        assert!(contact.outage().is_some(), "it failed just now");
        pass(1).await;
        contact.looked(FIRST, Instant::now(), Ok(Offset::START));
        assert_eq!(contact.outage(), None, "it has not failed since");
        contact.read_failed(FIRST, &ReadError::Closed);
        assert_eq!(contact.outage(), None, "no outage: the reader ends");
    }
}

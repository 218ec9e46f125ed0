//! The network between one process and the log: latency, stalls, outages.
//!
//! The memory log has faults of its own (delayed, duplicated, reordered, failed appends), which take no time. This
//! module adds faults that take time: a process can be killed between an append and its report, or between a record and
//! its read, and its appends may land long after its successor has started.

use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use loopledger_dice::Dice;
use loopledger_event_log::{
    AppendError, Appending, Decorator, Ending, EventLog, LogReader, LogRecord, MemoryLog, Offset, ReadError, Record,
};
use loopledger_types::{Partition, Topic};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, sleep_until};

/// The longest that anything takes on a line that neither stalls nor is cut, in milliseconds.
const LATENCY_MS_MAX: u64 = 6;
/// How long a request on a cut line waits for its error.
const TIMEOUT: Duration = Duration::from_millis(250);

/// What the line does, now and until when.
#[derive(Debug)]
pub(crate) struct NetworkState(Mutex<Conditions>);

#[derive(Debug)]
struct Conditions {
    dice: Dice,
    stalled_until: Instant,
    cut_until: Instant,
}

impl NetworkState {
    pub(crate) fn new(dice: Dice) -> Self {
        let now = Instant::now();
        Self(Mutex::new(Conditions { dice, stalled_until: now, cut_until: now }))
    }

    /// What is appended waits, and lands afterwards in the same order; reading goes on.
    pub(crate) fn stall(&self, time: Duration) {
        self.conditions(|conditions| conditions.stalled_until = Instant::now() + time);
    }

    /// Nothing goes through: appends are lost and reads fail.
    pub(crate) fn cut(&self, time: Duration) {
        self.conditions(|conditions| conditions.cut_until = Instant::now() + time);
    }

    pub(crate) fn clear(&self) {
        let now = Instant::now();
        self.conditions(|conditions| (conditions.stalled_until, conditions.cut_until) = (now, now));
    }

    fn latency(&self) -> Duration {
        Duration::from_millis(self.conditions(|conditions| conditions.dice.below(LATENCY_MS_MAX)))
    }

    fn is_cut(&self) -> bool {
        self.conditions(|conditions| conditions.cut_until > Instant::now())
    }

    /// Waits out a stall, also one that begins meanwhile.
    async fn moves(&self) {
        loop {
            let until = self.conditions(|conditions| conditions.stalled_until);
            if until <= Instant::now() {
                return;
            }
            // Looks again now and then: the stall may be lifted.
            sleep_until(until.min(Instant::now() + TIMEOUT)).await;
        }
    }

    fn conditions<T>(&self, with: impl FnOnce(&mut Conditions) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What one call of `append` sends.
#[derive(Debug)]
struct Parcel {
    topic: Topic,
    partition: Partition,
    records: Vec<Record>,
    arrives: Instant,
    report: oneshot::Sender<Vec<Result<Offset, AppendError>>>,
}

/// The log as one process sees it.
#[derive(Debug)]
pub(crate) struct Line {
    log: MemoryLog,
    network: Arc<NetworkState>,
    outbox: mpsc::UnboundedSender<Parcel>,
}

impl Line {
    /// A line of a producer of its own. What was sent on it lands even when the process is gone.
    pub(crate) fn new(log: &MemoryLog, network: Arc<NetworkState>) -> Self {
        let log = log.producer();
        let (outbox, parcels) = mpsc::unbounded_channel();
        tokio::spawn(carry(log.clone(), Arc::clone(&network), parcels));
        Self { log, network, outbox }
    }
}

/// Carries what is appended to the log, in the order in which it was sent.
async fn carry(log: MemoryLog, network: Arc<NetworkState>, mut parcels: mpsc::UnboundedReceiver<Parcel>) {
    while let Some(parcel) = parcels.recv().await {
        sleep_until(parcel.arrives).await;
        network.moves().await;
        let appended = log.append(parcel.topic, parcel.partition, parcel.records);
        let network = Arc::clone(&network);
        tokio::spawn(async move {
            let report = appended.await;
            sleep(network.latency()).await;
            // The sender may be gone.
            let _ = parcel.report.send(report);
        });
    }
}

impl Decorator for Line {
    fn inner(&self) -> &dyn EventLog {
        &self.log
    }

    fn append(&self, topic: Topic, partition: Partition, records: Vec<Record>) -> Appending {
        let count = records.len();
        let lost = move || vec![Err(AppendError::Unconfirmed { reason: "the line is cut".to_owned() }); count];
        if self.network.is_cut() {
            return sleep(TIMEOUT).map(move |()| lost()).boxed();
        }
        let (report, reported) = oneshot::channel();
        let arrives = Instant::now() + self.network.latency();
        // The carrier runs for as long as there is a line.
        let _ = self.outbox.send(Parcel { topic, partition, records, arrives, report });
        async move { reported.await.unwrap_or_else(|_| lost()) }.boxed()
    }

    fn read(&self, topic: Topic, partition: Partition, from: Offset) -> Result<Box<dyn LogReader>, ReadError> {
        if self.network.is_cut() {
            return Err(cut());
        }
        let reader = self.log.read(topic, partition, from)?;
        Ok(Box::new(LineReader { reader, network: Arc::clone(&self.network), under_way: None }))
    }

    fn end(&self, topic: Topic, partition: Partition) -> Ending {
        let (log, network) = (self.log.clone(), Arc::clone(&self.network));
        async move {
            sleep(network.latency()).await;
            if network.is_cut() { Err(cut()) } else { log.end(topic, partition).await }
        }
        .boxed()
    }
}

fn cut() -> ReadError {
    ReadError::Unavailable { reason: "the line is cut".to_owned() }
}

struct LineReader {
    reader: Box<dyn LogReader>,
    network: Arc<NetworkState>,
    /// Read, and not here yet. Kept, so that a read that is given up loses nothing.
    under_way: Option<(Instant, Vec<LogRecord>)>,
}

impl LogReader for LineReader {
    fn next(&mut self) -> BoxFuture<'_, Result<Vec<LogRecord>, ReadError>> {
        async move {
            if self.under_way.is_none() {
                let read = self.reader.next().await?;
                self.under_way = Some((Instant::now() + self.network.latency(), read));
            }
            if let Some((arrives, _)) = &self.under_way {
                sleep_until(*arrives).await;
            }
            if self.network.is_cut() {
                sleep(TIMEOUT).await;
                return Err(cut());
            }
            Ok(self.under_way.take().map(|(_, read)| read).unwrap_or_default())
        }
        .boxed()
    }

    fn poll_now(&mut self) -> Result<Vec<LogRecord>, ReadError> {
        match self.under_way.take() {
            _ if self.network.is_cut() => Err(cut()),
            Some((_, read)) => Ok(read),
            None => self.reader.poll_now(),
        }
    }
}

//! Reading the whole log again in the background, to find what the disk has changed since it was written.
//!
//! Otherwise a flipped byte in an old segment is met only by a rebuild, maybe years later, when no copy of the file is
//! left. Every pass checks each record's checksum (the reader does) and the chain, up to commits that the running programs
//! know. A pass takes at most [`ScrubConfig::pass_max`], and the next begins [`ScrubConfig::pause`] later: so damage is
//! found within an hour. Damage is logged with segment and offset, and shown in the metrics, at every pass until
//! it is repaired; the stream goes on, since nothing that is appended rests on the damaged bytes.
//! Not here: the repair. The segment has to come from a copy.

use core::fmt;
use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};

use loopledger_chain::extends;
use loopledger_domain::Decider;
use loopledger_event_log::{Offset, ReadError};
use loopledger_types::{Head, Position, StreamId, Timestamp, WithCauses};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::task::AbortOnDropHandle;

use crate::clock::{Clock as _, SystemClock};
use crate::feed::{Feed, FollowError, parse};
use crate::metrics::{Registry, Samples, Source};
use crate::writer::WriterHandle;

/// How fast the log is read again.
#[derive(Debug, Clone, Copy)]
pub struct ScrubConfig {
    /// Between the end of a pass and the next.
    pub pause: Duration,
    /// A pass is never read slower than this makes necessary.
    pub pass_max: Duration,
    /// Bytes a second that are read at least: a small log is done in seconds.
    pub rate_min: u64,
}

impl Default for ScrubConfig {
    /// A byte that flips just after it was read is met again after the rest of the pass, a pause, and another pass: 55
    /// minutes. A county's 5 GB are then read with 3.5 MB/s, of which the checks take less than a percent of a core.
    fn default() -> Self {
        Self { pause: Duration::from_mins(5), pass_max: Duration::from_mins(25), rate_min: 1_024 * 1_024 }
    }
}

/// What the running programs know of the streams: positions that must be in the log.
pub type Known = Arc<dyn Fn() -> Vec<Position> + Send + Sync>;

/// What a writer knows: what it has read of its own stream and of upstream.
pub fn known_to<D: Decider>(handle: &WriterHandle<D>) -> Known {
    let handle = handle.clone();
    Arc::new(move || handle.heads().positions().collect())
}

/// Reads the log again and again until it is dropped.
#[derive(Debug)]
pub struct Scrub {
    _task: AbortOnDropHandle<()>,
}

impl Scrub {
    /// Begins with the first pass. Must be called within a tokio runtime.
    pub fn start(feed: Feed, streams: Vec<StreamId>, known: Known, config: ScrubConfig, metrics: &Registry) -> Self {
        let found = Arc::new(Found::new(&streams));
        metrics.add_shared(Arc::<Found>::clone(&found));
        let task = tokio::spawn(async move {
            loop {
                pass(&feed, &streams, &known, config, &found).await;
                sleep(config.pause).await;
            }
        });
        Self { _task: AbortOnDropHandle::new(task) }
    }
}

/// What the passes found.
struct Found(Mutex<State>);

#[derive(Default)]
struct State {
    /// Per stream, whether the last pass found damage.
    damaged: Vec<(StreamId, bool)>,
    passes: u64,
    last_pass: Option<Timestamp>,
    bytes: u64,
    damage_total: u64,
}

impl Found {
    fn new(streams: &[StreamId]) -> Self {
        Self(Mutex::new(State { damaged: streams.iter().map(|stream| (*stream, false)).collect(), ..State::default() }))
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn set(&self, stream: StreamId, is_damaged: bool) {
        self.change(|state| {
            for (_, known) in state.damaged.iter_mut().filter(|(of, _)| *of == stream) {
                *known = is_damaged;
            }
            state.damage_total = state.damage_total.saturating_add(u64::from(is_damaged));
        });
    }
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Found").finish_non_exhaustive()
    }
}

impl Source for Found {
    fn collect(&self, samples: &mut Samples) {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let none = Vec::new();
        let help = "Completed verification passes over the whole log.";
        samples.counter("loopledger_scrub_passes_total", help, &none, state.passes);
        let help = "Bytes of the log verified in the background.";
        samples.counter("loopledger_scrub_bytes_total", help, &none, state.bytes);
        let help = "Damaged places found, counted again in every pass.";
        samples.counter("loopledger_scrub_damage_total", help, &none, state.damage_total);
        if let Some(last) = state.last_pass {
            let help = "End of the last verification pass, in seconds since the Unix epoch; 0 before the first.";
            let since = Duration::from_secs(u64::try_from(last.seconds).unwrap_or(0));
            samples.seconds("loopledger_scrub_last_pass_timestamp_seconds", help, &none, since);
        }
        for (stream, is_damaged) in &state.damaged {
            let help = "1 if the last verification pass found changed bytes of the stream; the log line says where.";
            let labels = vec![("stream", stream.to_string())];
            samples.gauge("loopledger_log_damaged", help, &labels, u64::from(*is_damaged));
        }
    }
}

/// Why a stream was not read to its end.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Damaged(ReadError),
    #[error("commit {sequence} of the log has changed since it was read")]
    Chain { sequence: u64 },
    /// Says nothing about the bytes.
    #[error(transparent)]
    Unread(FollowError),
}

async fn pass(feed: &Feed, streams: &[StreamId], known: &Known, config: ScrubConfig, found: &Found) {
    // Before the ends: whatever is known was read, so it is before them.
    let known = known();
    let mut ends = Vec::new();
    for stream in streams {
        match feed.clone().end(*stream).await {
            Ok(end) => ends.push((*stream, end)),
            Err(error) => {
                return tracing::warn!(%stream, error = %WithCauses(&error), "could not verify the log, retrying in the next pass");
            }
        }
    }
    let all = ends.iter().fold(0_u64, |sum, (_, end)| sum.saturating_add(end.0));
    let rate = all.checked_div(config.pass_max.as_secs()).unwrap_or(all).max(config.rate_min).max(1);
    let mut whole = true;
    for (stream, end) in ends {
        let known: Vec<Position> = known.iter().copied().filter(|position| position.stream == stream).collect();
        match check(feed, stream, end, &known, rate, found).await {
            Ok(()) => found.set(stream, false),
            Err(Trouble::Unread(error)) => {
                whole = false;
                tracing::warn!(%stream, error = %WithCauses(&error), "could not verify the log, retrying in the next pass");
            }
            Err(damage) => {
                found.set(stream, true);
                tracing::error!(%stream, damage = %WithCauses(&damage), "log damaged: stop the program and restore the segment from a copy");
            }
        }
    }
    found.change(|state| {
        state.passes = state.passes.saturating_add(u64::from(whole));
        state.last_pass = if whole { Some(SystemClock.now()) } else { state.last_pass };
    });
}

/// Reads a stream's partition up to `end`, not faster than `rate`.
async fn check(
    feed: &Feed,
    stream: StreamId,
    end: Offset,
    known: &[Position],
    rate: u64,
    found: &Found,
) -> Result<(), Trouble> {
    let failed = |source: ReadError| {
        if matches!(source, ReadError::Damaged { .. }) {
            Trouble::Damaged(source)
        } else {
            Trouble::Unread(FollowError::Read { stream, source })
        }
    };
    let mut at = Offset::START;
    let mut head = Head::EMPTY;
    let partition = feed.log_partition(stream);
    let mut reader = feed.log().read(partition.topic, partition.partition, at).map_err(failed)?;
    reader.read_from_disk();
    let mut next = Instant::now();
    while at < end {
        let batch = reader.poll_now().map_err(failed)?;
        let from = at;
        for record in &batch {
            at = record.next;
            let fixed = parse(&record.value, partition).filter(|fixed| fixed.stream == stream);
            let Some(fixed) = fixed.filter(|fixed| extends(head, fixed.sequence, fixed.previous_hash).is_ok()) else {
                continue;
            };
            head = Head { sequence: fixed.sequence, hash: fixed.hash };
            if let Some(other) = known.iter().find(|known| known.sequence == head.sequence && known.hash != head.hash) {
                return Err(Trouble::Chain { sequence: other.sequence });
            }
        }
        if batch.is_empty() {
            break;
        }
        let bytes = at.0.saturating_sub(from.0);
        found.change(|state| state.bytes = state.bytes.saturating_add(bytes));
        let micros = bytes.saturating_mul(1_000_000).checked_div(rate).unwrap_or(0);
        next = next.checked_add(Duration::from_micros(micros)).unwrap_or(next).max(Instant::now());
        sleep_until(next).await;
    }
    let missing = known.iter().find(|known| known.sequence > head.sequence);
    missing.map_or(Ok(()), |missing| Err(Trouble::Chain { sequence: missing.sequence }))
}

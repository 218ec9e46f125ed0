//! Folding everything anew from zero beside the live state, and comparing: the proof that the state is nothing but the
//! fold of the log.
//!
//! Streams are decoded in parallel on threads of their own, so that the live fold and queries keep theirs. The live
//! state is digested at its heads first, then the new fold stops at exactly these.

use core::time::Duration;
use std::sync::Arc;

use loopledger_event_log::Offset;
use loopledger_service::feed::{Commits, Feed, FollowError, Follower};
use loopledger_service::limits::Caller;
use loopledger_types::{Hash, Head, Service, StreamId};
use loopledger_wire::Failure;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use crate::beside::beside;
use crate::fold::RETRY_AFTER;
use crate::health::Halt;
use crate::merge::{Arrival, BATCHES_AHEAD, Batch, Lane, Merge};
use crate::metrics::Metrics;
use crate::shared::{Folded, Shared};

/// How often progress is reported.
const REPORT_PERIOD: Duration = Duration::from_millis(100);
/// A log that is away for longer ends the rebuild. A cluster replaces a leader within 7 s.
const OUTAGE_MAX: Duration = Duration::from_secs(30);

/// How far a rebuild has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RebuildReport {
    /// Commits folded.
    pub done: u64,
    /// Commits to fold.
    pub total: u64,
    pub commits_per_second: u64,
    /// Of the last report.
    pub outcome: Option<Rebuilt>,
}

/// What a rebuild came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rebuilt {
    /// Whether the digests are those of the live state.
    pub digests_agree: bool,
    pub ledger: Hash,
    pub state: Hash,
}

/// Where a rebuild reports to.
pub(crate) type Reports = mpsc::Sender<Result<RebuildReport, Failure>>;

/// Rebuilds, reporting to `out`, and returns the last report; ends early, without one, when the receiver is gone.
/// Waits for no listener.
pub(crate) async fn rebuild(
    shared: &Arc<Shared>,
    caller: Caller,
    out: &Reports,
) -> Result<Option<RebuildReport>, Failure> {
    shared.metrics.rebuilds_total.add(1);
    let live = shared.digest(caller).await?;
    let heads = live.heads.map(|at| at.head);
    // A feed of its own: the live followers keep their place in the shared cache.
    let feed = Feed::new(Arc::clone(shared.feed.log()));
    let mut lanes = Vec::new();
    for (service, head) in Service::ALL.into_iter().zip(heads).filter(|(_, head)| head.sequence > 0) {
        let (sender, inbox) = mpsc::channel(BATCHES_AHEAD);
        // Where the head is, is known only when it is met: until then the lane is waited for.
        let (_, target) = shared.index.head(service);
        lanes.push(Lane::new(service, inbox, Offset::START, target));
        feed.spare_traces_before(shared.stream(service), Offset(u64::MAX));
        beside(decode(feed.clone(), shared.stream(service), head, sender));
    }
    let total = heads.iter().fold(0_u64, |sum, head| sum.saturating_add(head.sequence));
    let metrics = Arc::clone(&shared.metrics);
    let folding = beside(fold(Folded::new(shared.county), Merge { lanes }, total, out.clone(), metrics));
    let folded = folding.await.map_err(|_| Failure::Internal { what: "a rebuild panicked" })??;
    let Some((folded, took)) = folded else { return Ok(None) };
    let compared = beside(async move {
        let ledger = folded.ledger.ledger_digest();
        (ledger, folded.ledger.state_digest(ledger))
    });
    let panicked = |_| Failure::Internal { what: "computing the digests panicked" };
    let (ledger, state) = compared.await.map_err(panicked)?;
    let digests_agree = (ledger, state) == (live.ledger, live.state);
    if !digests_agree {
        shared.metrics.rebuild_mismatches_total.add(1);
        tracing::error!(live = %live.state, rebuilt = %state, "the rebuilt state differs from the live one");
    }
    let outcome = Some(Rebuilt { digests_agree, ledger, state });
    Ok(Some(RebuildReport { outcome, ..progress(total, total, took) }))
}

/// Decodes a stream up to its head. A log that ends before is an error, and is not waited for.
async fn decode(feed: Feed, stream: StreamId, head: Head, out: mpsc::Sender<Result<Batch, Halt>>) {
    let mut follower = feed.follow(stream);
    let mut sequence = 0;
    // Asked anew once it is reached: of a cluster, every question is a way to it and back.
    let mut end = Offset::START;
    while sequence < head.sequence {
        let message = next(&feed, &mut follower, head, &mut end).await;
        sequence = follower.head().sequence;
        let failed = message.is_err();
        if out.send(message).await.is_err() || failed {
            return;
        }
    }
}

/// A log that cannot be read now is asked again for a while, as the live fold does.
async fn next(feed: &Feed, follower: &mut Follower, head: Head, end: &mut Offset) -> Result<Batch, Halt> {
    let (stream, sequence) = (follower.stream(), follower.head().sequence);
    let began = Instant::now();
    loop {
        match read(feed, follower, end).await {
            Ok(Some(mut read)) => {
                read.commits.retain(|admitted| admitted.commit.sequence <= head.sequence);
                let (next, is_held) = (read.next, read.is_held);
                return Ok(Batch { commits: read.commits, next, voids: follower.voids(), is_held });
            }
            Ok(None) => return Err(Halt::LostTail { stream, from: sequence.saturating_add(1), to: head.sequence }),
            Err(error) if error.is_transient() && began.elapsed() < OUTAGE_MAX => sleep(RETRY_AFTER).await,
            Err(error) => return Err(Halt::of(&error, stream, sequence)),
        }
    }
}

/// `None`: the log ends here.
async fn read(feed: &Feed, follower: &mut Follower, end: &mut Offset) -> Result<Option<Commits>, FollowError> {
    let stream = follower.stream();
    if follower.next_offset() >= *end {
        *end = feed.clone().end(stream).await?;
        if follower.next_offset() >= *end {
            return Ok(None);
        }
        follower.wake_at(*end);
    }
    follower.next().await.map(Some)
}

/// The new state and how long it took; `None`: the receiver is gone.
async fn fold(
    mut folded: Folded,
    mut merge: Merge,
    total: u64,
    out: Reports,
    metrics: Arc<Metrics>,
) -> Result<Option<(Folded, Duration)>, Failure> {
    let began = Instant::now();
    let (mut done, mut reported) = (0_u64, began);
    metrics.rebuild_percent.set(0);
    drop(out.try_send(Ok(progress(0, total, Duration::ZERO))));
    while !merge.is_done() {
        let Some(index) = merge.next() else {
            if let Arrival::Halted(_, halt) = merge.arrival().await {
                return Err(halt.failure());
            }
            continue;
        };
        let Some(lane) = merge.lanes.get_mut(index) else { continue };
        let mut taken = 0_usize;
        for admitted in lane.commits().iter().take(SLICE_COMMITS) {
            folded
                .apply(&admitted.commit)
                .map_err(|_| Failure::Internal { what: "an admitted commit does not fold" })?;
            taken = taken.saturating_add(1);
        }
        lane.take(taken);
        let count = u64::try_from(taken).unwrap_or(0);
        done = done.saturating_add(count);
        metrics.rebuild_commits_total.add(count);
        metrics.rebuild_percent.set(done.saturating_mul(100).checked_div(total).unwrap_or(100));
        let now = Instant::now();
        if now.saturating_duration_since(reported) >= REPORT_PERIOD {
            reported = now;
            if out.is_closed() {
                return Ok(None);
            }
            // A slow listener misses some.
            drop(out.try_send(Ok(progress(done, total, began.elapsed()))));
        }
    }
    Ok(Some((folded, began.elapsed())))
}

/// Commits of one stream before another gets its turn.
const SLICE_COMMITS: usize = 128;

fn progress(done: u64, total: u64, took: Duration) -> RebuildReport {
    let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let commits_per_second = done.saturating_mul(1_000).checked_div(millis).unwrap_or(0);
    RebuildReport { done, total, commits_per_second, outcome: None }
}

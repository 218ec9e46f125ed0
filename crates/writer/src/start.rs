//! Starting: what the store remembers, then the rest of the log, with progress.

use futures::future::{BoxFuture, try_join_all};
use loopledger_event_log::Offset;
use loopledger_state_store::{Progress, UpstreamProgress};
use loopledger_types::{CountyCode, Head, StreamId, Timestamp};
use tokio::time::Instant;

use super::measured::Measured;
use super::own::Own;
use super::upstream::Upstream;
use loopledger_feed::{CatchUp, Feed, FollowError, Follower, Progression};

/// Offsets (bytes, on the file log) before the log's end that hold more than 10,000 commits.
const KEPT_SPAN: u64 = 64 * 1_024 * 1_024;

/// What must happen before a writer serves, and whether it does.
pub(super) struct Startup {
    is_serving: bool,
    progression: Progression,
    /// Until every program of the process has looked for its heads in the log.
    others_open: Option<BoxFuture<'static, ()>>,
}

impl Startup {
    pub(super) fn new(progression: Progression, feed: Feed, county: CountyCode) -> Self {
        Self { is_serving: false, progression, others_open: Some(Box::pin(feed.opened(county))) }
    }

    pub(super) const fn is_serving(&self) -> bool {
        self.is_serving
    }

    /// A commit was folded, of the own stream or of upstream.
    pub(super) const fn count_folded(&mut self) {
        self.progression.count(1);
    }

    /// Whether a record of the own stream is near enough to the log's end to be kept for a repair. The store keeps the
    /// newest 10,000 anyway; writing the rest as well would make a rebuild write the log twice.
    pub(super) fn keeps_bytes(&self, offset: Offset) -> bool {
        self.is_serving || self.progression.left_after(offset) <= KEPT_SPAN
    }

    pub(super) const fn waits_for_others(&self) -> bool {
        self.others_open.is_some()
    }

    /// Every program of the process has looked for the heads that its store remembers. Cancel-safe.
    pub(super) async fn others_opened(&mut self) {
        match &mut self.others_open {
            Some(opening) => opening.await,
            None => core::future::pending().await,
        }
    }

    pub(super) fn note_others_opened(&mut self) {
        self.others_open = None;
    }

    /// Whether all streams are read up to where the log ended at the start, and the other programs are as far.
    /// `read`: the own stream's next offset, then those of upstream.
    pub(super) fn is_complete(&self, read: &[Offset]) -> bool {
        self.progression.is_complete(read) && self.others_open.is_none()
    }

    /// Serves from now on; `sequence` is the head's.
    pub(super) fn serve(&mut self, stream: StreamId, sequence: u64) {
        self.is_serving = true;
        tracing::info!(%stream, sequence, commits = self.progression.commits(), "serving");
    }

    /// How far it has come, if that is to be reported again.
    pub(super) fn report(&mut self, now: Instant, read: &[Offset]) -> Option<CatchUp> {
        self.progression.report_if_due(now, read)
    }
}

/// The streams as a writer starts with them.
pub(super) struct Streams {
    pub(super) own: Own,
    pub(super) upstream: Vec<Upstream>,
    /// The newest own commit that is known of, before anything is read.
    pub(super) referenced: u64,
    pub(super) progression: Progression,
    /// The newest `recorded_at` of what the store has folded.
    pub(super) newest: Option<Timestamp>,
}

/// Opens the own stream and upstream where `progress` ended. The own stream had a commit `remembered`, of which the store
/// has a raw record and maybe nothing else.
pub(super) async fn open(
    feed: &Feed,
    stream: StreamId,
    upstream: &[StreamId],
    progress: Option<&Progress>,
    remembered: u64,
    measured: &Measured,
) -> Result<Streams, FollowError> {
    let fresh = Progress {
        head: Head::EMPTY,
        offset: 0,
        recorded_at: Timestamp { seconds: 1, nanos: 0 },
        newest: None,
        referenced: 0,
        upstream: Vec::new(),
    };
    let progress = progress.unwrap_or(&fresh);
    let mut follower = feed.resume(stream, progress.head, Offset(progress.offset)).await?;
    let reads = upstream.iter().copied().map(|stream| {
        let known = progress.upstream.iter().find(|known| known.stream == stream);
        let known = known.copied().unwrap_or_else(|| beginning(stream));
        async move {
            if known.noted != known.answered {
                // Read again from further back, and still to be there.
                feed.resume(stream, known.noted, Offset(known.noted_offset)).await?;
            }
            let follower = feed.resume(stream, known.answered, Offset(known.answered_offset)).await?;
            Ok::<_, FollowError>((follower, known))
        }
    });
    let reads = try_join_all(reads).await?;
    let mut spans = vec![(follower.next_offset(), end_for(feed, &mut follower).await?)];
    let mut upstream = Vec::with_capacity(reads.len());
    let mut named = Vec::with_capacity(reads.len());
    for (mut follower, known) in reads {
        spans.push((follower.next_offset(), end_for(feed, &mut follower).await?));
        named.push(known.named);
        let lag = measured.lag(known.stream);
        upstream.push(Upstream::new(feed.clone(), follower, known.noted, Offset(known.noted_offset), lag));
    }
    let now = Instant::now();
    let referenced = progress.referenced.max(remembered);
    let own = Own::new(follower, progress, named);
    Ok(Streams { own, upstream, referenced, progression: Progression::new(now, spans), newest: progress.newest })
}

/// Where the log ends now: the follower says when it has read up to there.
async fn end_for(feed: &Feed, follower: &mut Follower) -> Result<Offset, FollowError> {
    let end = feed.clone().end(follower.stream()).await?;
    follower.wake_at(end);
    Ok(end)
}

/// Of an upstream stream that nothing was read of.
const fn beginning(stream: StreamId) -> UpstreamProgress {
    UpstreamProgress {
        stream,
        noted: Head::EMPTY,
        noted_offset: 0,
        answered: Head::EMPTY,
        answered_offset: 0,
        named: 0,
    }
}

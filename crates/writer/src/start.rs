//! Starting: what the store remembers, then the rest of the log, with progress.

use core::time::Duration;

use futures::future::{BoxFuture, try_join_all};
use loopledger_event_log::Offset;
use loopledger_state_store::{Progress, UpstreamProgress};
use loopledger_types::{Head, StreamId, Timestamp};
use tokio::time::Instant;

use super::health::CatchUp;
use super::measured::Measured;
use super::own::Own;
use super::upstream::Upstream;
use loopledger_feed::{Feed, FollowError};

/// How often progress is reported while catching up.
const REPORT_PERIOD: Duration = Duration::from_millis(200);

/// Offsets (bytes, on the file log) before the log's end that hold more than 10,000 commits.
const KEPT_SPAN: u64 = 64 * 1_024 * 1_024;

/// What has to be read before serving begins, and how far it has come.
#[derive(Debug)]
pub(super) struct Progression {
    started: Instant,
    reported: Instant,
    /// For the own stream, then each upstream: where reading began, and the log's end as of the start.
    spans: Vec<(Offset, Offset)>,
    /// Commits folded since the start.
    commits: u64,
}

impl Progression {
    fn new(now: Instant, spans: Vec<(Offset, Offset)>) -> Self {
        Self { started: now, reported: now, spans, commits: 0 }
    }

    /// Offsets between a record of the own stream and the log's end as of the start.
    fn left_after(&self, offset: Offset) -> u64 {
        self.spans.first().map_or(0, |(_, end)| end.0.saturating_sub(offset.0))
    }

    fn is_complete(&self, read: &[Offset]) -> bool {
        self.spans.iter().zip(read).all(|((_, end), next)| next >= end)
    }

    fn report(&self, now: Instant, read: &[Offset]) -> CatchUp {
        let mut total = 0_u64;
        let mut done = 0_u64;
        for ((start, end), next) in self.spans.iter().zip(read) {
            total = total.saturating_add(end.0.saturating_sub(start.0));
            done = done.saturating_add(next.min(end).0.saturating_sub(start.0));
        }
        let elapsed = now.saturating_duration_since(self.started);
        let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        let of = |part: u64, whole: u64, times: u64| part.saturating_mul(times).checked_div(whole);
        let left = total.saturating_sub(done);
        CatchUp {
            commits: self.commits,
            commits_per_second: of(self.commits, millis, 1_000).unwrap_or(0),
            percent: of(done, total, 100).and_then(|percent| u8::try_from(percent).ok()).unwrap_or(100),
            // left / done × elapsed; offsets are bytes, so the product is taken in seconds' thousandths of a share.
            time_left: (done > 0).then(|| {
                let share = u128::from(left).saturating_mul(u128::from(millis)).checked_div(u128::from(done));
                Duration::from_millis(share.and_then(|ms| u64::try_from(ms).ok()).unwrap_or(u64::MAX))
            }),
        }
    }
}

/// What must happen before a writer serves, and whether it does.
pub(super) struct Startup {
    is_serving: bool,
    progression: Progression,
    /// Until every program of the process has looked for its heads in the log.
    others_open: Option<BoxFuture<'static, ()>>,
}

impl Startup {
    pub(super) fn new(progression: Progression, feed: Feed) -> Self {
        Self { is_serving: false, progression, others_open: Some(Box::pin(feed.opened())) }
    }

    pub(super) const fn is_serving(&self) -> bool {
        self.is_serving
    }

    /// A commit was folded, of the own stream or of upstream.
    pub(super) const fn count_folded(&mut self) {
        self.progression.commits = self.progression.commits.saturating_add(1);
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
        tracing::info!(%stream, sequence, commits = self.progression.commits, "serving");
    }

    /// How far it has come, if that is to be reported again.
    pub(super) fn report(&mut self, now: Instant, read: &[Offset]) -> Option<CatchUp> {
        if now.saturating_duration_since(self.progression.reported) < REPORT_PERIOD {
            return None;
        }
        self.progression.reported = now;
        Some(self.progression.report(now, read))
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
    let follower = feed.resume(stream, progress.head, Offset(progress.offset)).await?;
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
    let mut spans = vec![(follower.next_offset(), feed.clone().end(stream).await?)];
    let mut upstream = Vec::with_capacity(reads.len());
    let mut named = Vec::with_capacity(reads.len());
    for (follower, known) in reads {
        spans.push((follower.next_offset(), feed.clone().end(known.stream).await?));
        named.push(known.named);
        let lag = measured.lag(known.stream);
        upstream.push(Upstream::new(feed.clone(), follower, known.noted, Offset(known.noted_offset), lag));
    }
    let now = Instant::now();
    let referenced = progress.referenced.max(remembered);
    let own = Own::new(follower, progress, named);
    Ok(Streams { own, upstream, referenced, progression: Progression::new(now, spans), newest: progress.newest })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn progress_says_how_far_how_fast_and_how_long() {
        let began = Instant::now();
        let spans = vec![(Offset(100), Offset(1_100)), (Offset(0), Offset(1_000))];
        let mut progression = Progression::new(began, spans);
        assert_eq!(progression.report(began, &[Offset(100), Offset(0)]).time_left, None);
        progression.commits = 5_000;
        let now = began.checked_add(Duration::from_secs(2)).unwrap();
        let report = progression.report(now, &[Offset(1_100), Offset(500)]);
        let time_left = Some(Duration::from_millis(666));
        assert_eq!(report, CatchUp { commits: 5_000, commits_per_second: 2_500, percent: 75, time_left });
        assert!(!progression.is_complete(&[Offset(1_100), Offset(500)]));
        // What is appended meanwhile does not count.
        assert!(progression.is_complete(&[Offset(9_000), Offset(1_000)]));
        assert_eq!(progression.report(now, &[Offset(9_000), Offset(1_000)]).percent, 100);
    }
}

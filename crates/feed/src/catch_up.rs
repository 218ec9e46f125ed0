//! How far reading what was in the log at the start has come.

use core::time::Duration;

use loopledger_event_log::Offset;
use tokio::time::Instant;

/// How often progress is reported.
const REPORT_PERIOD: Duration = Duration::from_millis(200);

/// How far a stream that catches up has come, or all streams of a program.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct CatchUp {
    /// Commits folded since the start.
    pub commits: u64,
    pub commits_per_second: u64,
    /// Of the offsets (bytes, on the file log) to be read, 0..=100.
    pub percent: u8,
    /// Unknown until something was read.
    pub time_left: Option<Duration>,
}

/// What is to be read, and since when.
#[derive(Debug)]
pub struct Progression {
    started: Instant,
    reported: Instant,
    /// For each stream where reading began, and the log's end as of the start.
    spans: Vec<(Offset, Offset)>,
    commits: u64,
}

impl Progression {
    pub const fn new(now: Instant, spans: Vec<(Offset, Offset)>) -> Self {
        Self { started: now, reported: now, spans, commits: 0 }
    }

    /// So many commits more were folded.
    pub const fn count(&mut self, commits: u64) {
        self.commits = self.commits.saturating_add(commits);
    }

    /// Commits folded since the start.
    pub const fn commits(&self) -> u64 {
        self.commits
    }

    /// Time since the start.
    pub fn elapsed(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.started)
    }

    /// Offsets between `offset` of the first stream and the log's end as of the start.
    pub fn left_after(&self, offset: Offset) -> u64 {
        self.spans.first().map_or(0, |(_, end)| end.0.saturating_sub(offset.0))
    }

    /// Whether all is read that was there; `read` has the next offset of each stream, in their order.
    pub fn is_complete(&self, read: &[Offset]) -> bool {
        self.spans.iter().zip(read).all(|((_, end), next)| next >= end)
    }

    /// How far it has come, if that is to be reported again.
    pub fn report_if_due(&mut self, now: Instant, read: &[Offset]) -> Option<CatchUp> {
        let is_due = now.saturating_duration_since(self.reported) >= REPORT_PERIOD;
        is_due.then(|| self.report(now, read))
    }

    /// How far it has come.
    pub fn report(&mut self, now: Instant, read: &[Offset]) -> CatchUp {
        self.reported = now;
        let (mut total, mut done) = (0_u64, 0_u64);
        for ((start, end), next) in self.spans.iter().zip(read) {
            total = total.saturating_add(end.0.saturating_sub(start.0));
            done = done.saturating_add(next.min(end).0.saturating_sub(start.0));
        }
        let millis = u64::try_from(self.elapsed(now).as_millis()).unwrap_or(u64::MAX);
        let percent = done.saturating_mul(100).checked_div(total).unwrap_or(100);
        let left = u128::from(total.saturating_sub(done)).saturating_mul(u128::from(millis));
        let left = left.checked_div(u128::from(done)).map(|millis| u64::try_from(millis).unwrap_or(u64::MAX));
        CatchUp {
            commits: self.commits,
            commits_per_second: self.commits.saturating_mul(1_000).checked_div(millis).unwrap_or(0),
            percent: u8::try_from(percent).unwrap_or(100),
            time_left: left.map(Duration::from_millis),
        }
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
        progression.count(5_000);
        let now = began.checked_add(Duration::from_secs(2)).unwrap();
        let report = progression.report(now, &[Offset(1_100), Offset(500)]);
        let time_left = Some(Duration::from_millis(666));
        assert_eq!(report, CatchUp { commits: 5_000, commits_per_second: 2_500, percent: 75, time_left });
        assert!(!progression.is_complete(&[Offset(1_100), Offset(500)]));
        // What is appended meanwhile does not count.
        assert!(progression.is_complete(&[Offset(9_000), Offset(1_000)]));
        assert_eq!(progression.report(now, &[Offset(9_000), Offset(1_000)]).percent, 100);
    }

    #[tokio::test(start_paused = true)]
    async fn a_quarter_of_the_way_three_quarters_of_the_time_are_left() {
        let began = Instant::now();
        let mut progression = Progression::new(began, vec![(Offset(0), Offset(1_000))]);
        progression.count(10_000);
        let now = began.checked_add(Duration::from_millis(500)).unwrap();
        let report = progression.report_if_due(now, &[Offset(250)]).unwrap();
        assert_eq!((report.percent, report.commits_per_second), (25, 20_000));
        assert_eq!(report.time_left, Some(Duration::from_millis(1_500)));
        assert_eq!(progression.report_if_due(now, &[Offset(250)]), None);
        assert_eq!(Progression::new(now, Vec::new()).report(now, &[]).percent, 100);
    }
}

//! Whether everything in the log has been read. A refusal is right only then: what was read too late may allow the command.

use core::time::Duration;

use futures::future::BoxFuture;
use loopledger_event_log::{Offset, ReadError};
use tokio::time::Instant;

/// A writer that has read nothing for this long checks the log's end before it refuses.
const FRESH_FOR: Duration = Duration::from_secs(1);

/// The pause before looking for the log's end again.
const RETRY_PAUSE: Duration = Duration::from_millis(10);

/// A look at where the log ends: when it began, and up to where it had been read then.
struct EndCheck {
    started: Instant,
    read: Offset,
    end: BoxFuture<'static, Result<Offset, ReadError>>,
}

/// What a look at the log's end found.
#[derive(Debug)]
pub(super) enum EndFound {
    /// All is read, or it is known up to where it must be.
    Known,
    /// The log ends before what had been read of it.
    BeforeRead,
    /// Whether a refusal is right cannot be said without the log; the caller's deadline ends the wait.
    Unknown(ReadError),
}

/// How sure it is that everything in the log has been read.
pub(super) struct Freshness {
    /// When it was last known that everything in the log had been read.
    fresh_at: Instant,
    /// Set by a check of the log's end: fresh once this offset is reached.
    reach: Option<Offset>,
    check: Option<EndCheck>,
    check_after: Option<Instant>,
}

impl Freshness {
    pub(super) const fn new(now: Instant) -> Self {
        Self { fresh_at: now, reach: None, check: None, check_after: None }
    }

    pub(super) const fn fresh_at(&self) -> Instant {
        self.fresh_at
    }

    /// The log answered a read, or everything in it has been read.
    pub(super) const fn set_fresh(&mut self, now: Instant) {
        self.fresh_at = now;
    }

    /// Everything before `next` has been read.
    pub(super) fn note_read(&mut self, next: Offset) {
        if self.reach.is_some_and(|end| next >= end) {
            self.reach = None;
        }
    }

    pub(super) fn is_fresh(&self, now: Instant) -> bool {
        self.reach.is_none() && now.saturating_duration_since(self.fresh_at) <= FRESH_FOR
    }

    /// Looks for the log's end, unless a look is under way or not due.
    pub(super) fn check(
        &mut self,
        now: Instant,
        read: Offset,
        end: impl FnOnce() -> BoxFuture<'static, Result<Offset, ReadError>>,
    ) {
        if self.check.is_some() || self.reach.is_some() || self.check_after.is_some_and(|after| after > now) {
            return;
        }
        self.check_after = None;
        self.check = Some(EndCheck { started: now, read, end: end() });
    }

    pub(super) const fn is_checking(&self) -> bool {
        self.check.is_some()
    }

    /// The answer of the check under way. Cancel-safe.
    pub(super) async fn checked(&mut self) -> Result<Offset, ReadError> {
        match &mut self.check {
            Some(check) => (&mut check.end).await,
            None => core::future::pending().await,
        }
    }

    /// Takes the answer; everything before `next` has been read by now.
    pub(super) fn take_end(&mut self, end: Result<Offset, ReadError>, next: Offset) -> EndFound {
        let Some(EndCheck { started, read, .. }) = self.check.take() else { return EndFound::Known };
        match end {
            Ok(end) if end < read => {
                self.check_after = Instant::now().checked_add(RETRY_PAUSE);
                EndFound::BeforeRead
            }
            Ok(end) => {
                if next >= end {
                    self.fresh_at = self.fresh_at.max(started);
                } else {
                    self.reach = Some(end);
                }
                EndFound::Known
            }
            Err(error) => {
                self.check_after = Instant::now().checked_add(RETRY_PAUSE);
                EndFound::Unknown(error)
            }
        }
    }

    /// Up to where the log must be read before a refusal is right.
    pub(super) const fn reach(&self) -> Option<Offset> {
        self.reach
    }

    /// When the next check may begin.
    pub(super) const fn due(&self) -> Option<Instant> {
        self.check_after
    }

    pub(super) fn forget_past(&mut self, now: Instant) {
        self.check_after = self.check_after.filter(|time| *time > now);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    const fn found(found: &EndFound) -> &'static str {
        match found {
            EndFound::Known => "known",
            EndFound::BeforeRead => "before what was read",
            EndFound::Unknown(_) => "unknown",
        }
    }

    /// Checks the log's end with everything before 100 read, while more is read up to `next`.
    fn checked(end: Result<u64, ()>, next: u64) -> (&'static str, Freshness, Instant) {
        let began = Instant::now();
        let mut freshness = Freshness::new(began);
        let later = began.checked_add(Duration::from_secs(5)).unwrap();
        assert!(freshness.is_fresh(began) && !freshness.is_fresh(later));
        let end = end.map(Offset).map_err(|()| ReadError::Closed);
        freshness.check(later, Offset(100), || core::future::ready(end).boxed());
        assert!(freshness.is_checking());
        freshness.check(later, Offset(100), || unreachable!("one look at a time"));
        let end = freshness.checked().now_or_never().unwrap();
        (found(&freshness.take_end(end, Offset(next))), freshness, later)
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_waits_until_the_end_that_was_found_is_read() {
        let (what, freshness, later) = checked(Ok(100), 100);
        assert_eq!((what, freshness.is_fresh(later)), ("known", true));

        let (what, mut freshness, later) = checked(Ok(300), 200);
        assert_eq!((what, freshness.is_fresh(later)), ("known", false));
        freshness.set_fresh(later);
        freshness.note_read(Offset(299));
        assert!(!freshness.is_fresh(later));
        freshness.note_read(Offset(300));
        assert!(freshness.is_fresh(later));
    }

    #[tokio::test(start_paused = true)]
    async fn a_check_that_says_nothing_is_made_again_after_a_pause() {
        for (end, said) in [(Ok(99), "before what was read"), (Err(()), "unknown")] {
            let (what, mut freshness, later) = checked(end, 100);
            assert_eq!((what, freshness.is_fresh(later)), (said, false));
            let due = freshness.due().unwrap();
            freshness.check(Instant::now(), Offset(100), || unreachable!("it is too early"));
            freshness.check(due, Offset(100), || core::future::ready(Ok(Offset(100))).boxed());
            assert!(freshness.is_checking() && freshness.due().is_none());
        }
    }
}

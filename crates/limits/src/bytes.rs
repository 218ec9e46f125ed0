//! Budgets in bytes: what callers have sent and is not answered, what they were answered and have not taken.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

/// The beginning of this process' time, from which milliseconds are counted where an atomic holds an instant.
static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Milliseconds since the process began to count, never 0.
pub fn now_ms() -> u64 {
    u64::try_from(BEGAN.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
}

/// A number of bytes of which parts are taken and given back.
#[derive(Debug)]
pub struct Budget {
    max: u64,
    used: AtomicU64,
    /// When it last had too little, in [`now_ms`]; 0: never.
    short_at: AtomicU64,
    freed: Arc<Notify>,
}

impl Budget {
    pub fn new(max: u64) -> Self {
        Self { max, used: AtomicU64::new(0), short_at: AtomicU64::new(0), freed: Arc::default() }
    }

    /// Bytes that are taken now.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    pub const fn max(&self) -> u64 {
        self.max
    }

    /// Whether it had too little within this time.
    pub fn was_short(&self, within: Duration) -> bool {
        let at = self.short_at.load(Ordering::Relaxed);
        at > 0 && u128::from(now_ms().saturating_sub(at)) <= within.as_millis()
    }

    fn try_take(&self, bytes: u64, kept_free: u64) -> bool {
        let limit = self.max.saturating_sub(kept_free);
        let taken = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(bytes).filter(|sum| *sum <= limit)
        });
        if taken.is_err() {
            self.short_at.store(now_ms(), Ordering::Relaxed);
        }
        taken.is_ok()
    }

    fn take(&self, bytes: u64) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    fn give_back(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Release);
        self.freed.notify_waiters();
    }
}

/// Which of two budgets has too little.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Short {
    OfConnection,
    OfProcess,
}

/// Who takes: streams leave a quarter of every budget to single calls, which are refused where streams wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taker {
    Call,
    Stream,
}

/// A connection's budget, which is part of its process'.
#[derive(Debug)]
pub struct Account {
    own: Budget,
    process: Arc<Budget>,
    /// What the connection may hold even if others hold all that the process may.
    share: u64,
}

impl Account {
    pub fn new(max: u64, share: u64, process: Arc<Budget>) -> Self {
        Self { own: Budget::new(max), process, share }
    }

    pub const fn own(&self) -> &Budget {
        &self.own
    }

    /// Takes bytes of both budgets, until the charge is dropped.
    pub fn try_charge(self: &Arc<Self>, bytes: u64, taker: Taker) -> Result<Charge, Short> {
        let kept_free = |budget: &Budget| match taker {
            Taker::Call => 0,
            Taker::Stream => budget.max / 4,
        };
        if !self.own.try_take(bytes, kept_free(&self.own)) {
            return Err(Short::OfConnection);
        }
        if !self.process.try_take(bytes, kept_free(&self.process)) {
            if self.own.used() > self.share {
                self.own.give_back(bytes);
                return Err(Short::OfProcess);
            }
            self.process.take(bytes);
        }
        Ok(Charge { account: Arc::clone(self), bytes })
    }

    /// Takes them even if there are too few: for what is too small to be refused.
    pub fn charge_anyway(self: &Arc<Self>, bytes: u64) -> Charge {
        self.own.take(bytes);
        self.process.take(bytes);
        Charge { account: Arc::clone(self), bytes }
    }

    /// Resolves when bytes were given back after this call.
    pub fn freed(&self, short: Short) -> OwnedNotified {
        let budget = match short {
            Short::OfConnection => &self.own,
            Short::OfProcess => &self.process,
        };
        Arc::clone(&budget.freed).notified_owned()
    }

    /// Whether this connection holds part of a budget of which others had too little within this time.
    pub fn is_in_the_way(&self, within: Duration) -> bool {
        self.own.used() > 0 && self.process.was_short(within)
    }
}

/// Bytes that are taken of a connection's budget and its process'. Dropping it gives them back.
#[derive(Debug)]
pub struct Charge {
    account: Arc<Account>,
    bytes: u64,
}

impl Charge {
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.account.process.give_back(self.bytes);
        self.account.own.give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_takes_no_more_than_its_own_and_the_process_budget_allow() {
        let process = Arc::new(Budget::new(100));
        let account = |max| Arc::new(Account::new(max, 0, Arc::clone(&process)));
        let (first, second) = (account(60), account(60));
        let held = first.try_charge(60, Taker::Call).unwrap();
        assert_eq!(first.try_charge(1, Taker::Call).unwrap_err(), Short::OfConnection);
        assert!(!second.is_in_the_way(Duration::MAX), "no caller lacked budget of the process");
        assert_eq!(second.try_charge(41, Taker::Call).unwrap_err(), Short::OfProcess);
        assert_eq!((first.own.used(), second.own.used(), process.used()), (60, 0, 60), "a failure takes nothing");
        assert!(first.is_in_the_way(Duration::MAX) && !second.is_in_the_way(Duration::MAX));
        let other = second.try_charge(40, Taker::Call).unwrap();
        drop((held, other));
        assert_eq!((first.own.used(), second.own.used(), process.used()), (0, 0, 0));
    }

    #[test]
    fn a_connection_has_its_share_although_others_hold_everything() {
        let process = Arc::new(Budget::new(100));
        let account = || Arc::new(Account::new(100, 10, Arc::clone(&process)));
        let (greedy, modest) = (account(), account());
        let all = greedy.try_charge(100, Taker::Call).unwrap();
        let share = modest.try_charge(10, Taker::Call).unwrap();
        assert_eq!(modest.try_charge(1, Taker::Call).unwrap_err(), Short::OfProcess);
        assert_eq!(process.used(), 110);
        drop((all, share));
        assert_eq!(process.used(), 0);
    }

    #[test]
    fn streams_leave_a_quarter_to_single_calls() {
        let process = Arc::new(Budget::new(1_000));
        let account = Arc::new(Account::new(100, 0, process));
        let stream = account.try_charge(75, Taker::Stream).unwrap();
        assert_eq!(account.try_charge(1, Taker::Stream).unwrap_err(), Short::OfConnection);
        let call = account.try_charge(25, Taker::Call).unwrap();
        assert!(account.try_charge(1, Taker::Call).is_err());
        assert_eq!(stream.bytes() + call.bytes(), account.own().max());
    }

    #[tokio::test]
    async fn a_waiter_hears_of_bytes_that_are_given_back() {
        let account = Arc::new(Account::new(10, 0, Arc::new(Budget::new(10))));
        let held = account.try_charge(10, Taker::Call).unwrap();
        let freed = account.freed(Short::OfConnection);
        let mut freed = core::pin::pin!(freed);
        freed.as_mut().enable();
        assert!(futures::poll!(freed.as_mut()).is_pending());
        drop(held);
        freed.await;
        assert!(account.try_charge(10, Taker::Call).is_ok());
    }
}

//! What the caller knows: its own record of every command, kept apart from everything that the system says later.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use loopledger_proto::common::v1::{Position, Receipt};
use tonic::Status;

#[derive(Debug, Default, Clone)]
pub(crate) struct Book {
    /// Every request id that was ever sent.
    pub(crate) sent: BTreeSet<String>,
    pub(crate) acknowledged: BTreeMap<String, Position>,
    /// Against the rules, and sent all the same.
    pub(crate) unlawful: BTreeSet<String>,
    /// With the status.
    pub(crate) refused: BTreeMap<String, String>,
    /// Sent once by a caller that went away: it may be in the ledger, or not.
    pub(crate) given_up: BTreeSet<String>,
    pub(crate) retries: u64,
    /// Answered once more, with the same receipt.
    pub(crate) twice: u64,
    /// Calls that were not answered in time.
    pub(crate) timeouts: u64,
    /// The newest reason of a retry.
    pub(crate) trouble: String,
}

#[derive(Debug)]
pub(crate) struct Account {
    book: Mutex<Book>,
    changed: Condvar,
}

impl Account {
    pub(crate) fn new() -> Self {
        Self { book: Mutex::default(), changed: Condvar::new() }
    }

    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn sends(&self, request_id: &str) {
        self.book().sent.insert(request_id.to_owned());
    }

    pub(crate) fn acknowledged(&self, request_id: &str, receipt: Receipt) {
        assert_eq!(receipt.request_id, request_id, "the receipt is of this request");
        let position = receipt.position.expect("a receipt says where");
        let mut book = self.book();
        if let Some(first) = book.acknowledged.get(request_id) {
            assert_eq!(first, &position, "{request_id}: one request, one receipt");
            book.twice += 1;
        } else {
            book.acknowledged.insert(request_id.to_owned(), position);
        }
        drop(book);
        self.changed.notify_all();
    }

    pub(crate) fn refused(&self, request_id: &str, status: &Status) {
        self.book().refused.insert(request_id.to_owned(), format!("{:?}: {}", status.code(), status.message()));
    }

    pub(crate) fn unlawful(&self, request_id: &str) {
        self.book().unlawful.insert(request_id.to_owned());
    }

    pub(crate) fn given_up(&self, request_id: &str) {
        self.book().given_up.insert(request_id.to_owned());
    }

    pub(crate) fn retries(&self, commands: usize, trouble: String) {
        let mut book = self.book();
        book.retries += commands as u64;
        book.trouble = trouble;
    }

    pub(crate) fn timed_out(&self) {
        self.book().timeouts += 1;
        self.changed.notify_all();
    }

    pub(crate) fn count(&self) -> usize {
        self.book().acknowledged.len()
    }

    /// Waits until so many more commands are acknowledged than now; false if that takes longer than `bound`.
    pub(crate) fn gains(&self, more: usize, bound: Duration) -> bool {
        let goal = self.count() + more;
        self.wait(bound, |book| book.acknowledged.len() >= goal)
    }

    /// Waits until some call was not answered in time.
    pub(crate) fn misses(&self, bound: Duration) -> bool {
        let before = self.book().timeouts;
        self.wait(bound, |book| book.timeouts > before)
    }

    fn wait(&self, bound: Duration, condition: impl Fn(&Book) -> bool) -> bool {
        let deadline = Instant::now() + bound;
        let mut book = self.book();
        while !condition(&book) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            book = self.changed.wait_timeout(book, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

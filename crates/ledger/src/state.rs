//! The projection's state of one county, and how an admitted commit is folded into it.

use loopledger_facts::Commit;
use loopledger_types::{BusinessDate, CountyCode, Head, Service, StreamSequence, Timestamp};

use crate::days::DaysRecorded;
use crate::pending::{Concerns, OpenHandOver, Pending};
use crate::store::RecordOffset;
use crate::tables::Tables;
use crate::{Exception, FactRef, Journal, fold, post};

/// Why a commit cannot be folded: the caller did not run admission, or mixed counties up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    #[error("a commit of county {found} was given to the ledger of county {expected}")]
    OtherCounty { expected: CountyCode, found: CountyCode },
    #[error("commit {found:?} does not follow sequence {head}")]
    OutOfOrder { head: u64, found: StreamSequence },
}

/// The folded state of one county's streams.
///
/// A fold over any interleaving of the same commits ends in the same answers and the same digests.
#[derive(Debug)]
pub struct Ledger {
    pub(crate) county: CountyCode,
    pub(crate) concerns: Concerns,
    pub(crate) heads: [StreamHead; 5],
    pub(crate) tables: Tables,
    pub(crate) pending: Pending,
    pub(crate) exceptions: ExceptionChain,
    pub(crate) days: DaysRecorded,
    journal: Journal,
}

/// How far a stream has been folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamHead {
    pub head: Head,
    /// When the newest commit was recorded; the epoch before the first.
    pub recorded_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ExceptionChain {
    pub(crate) last: RecordOffset,
    pub(crate) count: u64,
}

/// An exception and the fact that it was found in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListedException {
    pub at: FactRef,
    pub exception: Exception,
}

impl Ledger {
    pub fn new(county: CountyCode, concerns: Concerns) -> Self {
        let empty = StreamHead { head: Head::EMPTY, recorded_at: Timestamp { seconds: 0, nanos: 0 } };
        Self {
            county,
            concerns,
            heads: [empty; 5],
            tables: Tables::default(),
            pending: Pending::default(),
            exceptions: ExceptionChain::default(),
            days: DaysRecorded::default(),
            journal: Journal::new(),
        }
    }

    pub const fn county(&self) -> CountyCode {
        self.county
    }

    /// How far `service`'s stream has been folded.
    pub fn head(&self, service: Service) -> StreamHead {
        let empty = StreamHead { head: Head::EMPTY, recorded_at: Timestamp { seconds: 0, nanos: 0 } };
        self.heads.get(service.index()).copied().unwrap_or(empty)
    }

    /// Folds the next admitted commit of its stream.
    pub fn apply(&mut self, commit: &Commit) -> Result<(), ApplyError> {
        self.expect_next(commit)?;
        let mut journal = core::mem::take(&mut self.journal);
        post(commit, &mut journal);
        let recorded_on = BusinessDate::of(commit.recorded_at);
        self.days.add(commit, recorded_on);
        let tables = &mut self.tables;
        fold::facts(commit, recorded_on, tables);
        fold::entries(commit, &journal, recorded_on, tables);
        for exception in journal.exceptions() {
            self.exceptions.last = fold::exception(commit, exception, (self.exceptions.last, recorded_on), tables);
            self.exceptions.count = self.exceptions.count.saturating_add(1);
        }
        self.journal = journal;
        let heads = &self.heads;
        self.pending.fold(commit, &self.concerns, |cause| {
            cause.service().and_then(|s| heads.get(s.index())).is_some_and(|at| at.head.sequence >= cause.sequence())
        });
        if let Some(slot) = self.heads.get_mut(commit.stream.service.index()) {
            let head = Head { sequence: commit.sequence, hash: commit.hash };
            *slot = StreamHead { head, recorded_at: commit.recorded_at };
        }
        Ok(())
    }

    fn expect_next(&self, commit: &Commit) -> Result<(), ApplyError> {
        if commit.stream.county != self.county {
            return Err(ApplyError::OtherCounty { expected: self.county, found: commit.stream.county });
        }
        let head = self.head(commit.stream.service).head.sequence;
        if head.checked_add(1) == Some(commit.sequence) {
            Ok(())
        } else {
            let found = StreamSequence { stream: commit.stream, sequence: commit.sequence };
            Err(ApplyError::OutOfOrder { head, found })
        }
    }

    /// Whether `service` has been folded up to `sequence`, and nothing that follows from anything up to there is due any
    /// more. Not from that one commit alone: a caller that waits for a position waits for all that it rests on.
    pub fn consequences_are_in(&self, service: Service, sequence: u64) -> bool {
        self.head(service).head.sequence >= sequence && !self.pending.is_open_through(service, sequence)
    }

    /// Commits that wait for the answer of another service.
    pub fn open_hand_overs(&self) -> Vec<OpenHandOver> {
        self.pending.open()
    }

    /// How many commits are open, or have something open that follows from them.
    pub fn open_hand_over_count(&self) -> usize {
        self.pending.len()
    }

    /// What would not balance, newest first.
    pub fn exceptions(&self) -> Vec<ListedException> {
        let chain = self.tables.log.chain(self.exceptions.last);
        chain.filter_map(|(reader, head)| fold::read_exception(reader, head, &self.tables)).collect()
    }

    pub const fn exception_count(&self) -> u64 {
        self.exceptions.count
    }

    /// Bytes held, roughly: for metrics and bounds.
    pub fn bytes(&self) -> usize {
        let t = &self.tables;
        [
            t.log.bytes(),
            t.parties.bytes(),
            t.products.bytes(),
            t.places.bytes(),
            t.lots.bytes(),
            t.receipts.bytes(),
            t.orders.bytes(),
            t.months.bytes(),
            t.balances.bytes(),
            t.loops.bytes(),
            t.activity.bytes(),
            t.cells.bytes(),
            t.documents.bytes(),
        ]
        .into_iter()
        .fold(0, usize::saturating_add)
    }
}

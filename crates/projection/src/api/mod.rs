//! The ledger's answers as types of this workspace. gRPC is one way to ask for them, and a thin one.
//!
//! A query is a type, and [`Queries::ask`] is the one way to have it answered: it waits for what the answer must include,
//! and only then gives the query a [`Reader`] of the state. An answer is computed under one read of the state, names the
//! heads that it was computed at, and carries what must be looked up in the state to show it ([`Names`]).
//! Deliberately not here: calls, messages, and the words of any contract. `crates/repository-checks` checks it.

mod balance_facts;
mod books;
mod commits;
mod duplicates;
mod facts;
mod income;
mod loops;
mod names;
mod page;
mod rebuild;
mod statement;
mod status;
mod trace;
mod valuation;
mod window;

use core::fmt;
use core::future::ready;
use core::time::Duration;
use std::sync::Arc;

use futures::future::BoxFuture;
use loopledger_domain::Rejection;
use loopledger_service::limits::Asking;
use loopledger_types::{CountyCode, EntityKind, Position};
use loopledger_wire::Failure;
use tokio::sync::OwnedRwLockReadGuard;
use tokio::time::{Instant, timeout_at};

use crate::beside::beside;
use crate::shared::{Folded, Sequences, Shared};

pub use crate::commits::StoredCommit;
pub use crate::digests::Digest;
pub use crate::rebuild::{RebuildReport, Rebuilt};
pub use balance_facts::{BalanceFactsAnswer, LinePage, ListBalanceFacts};
pub use books::{BalancesAnswer, GetTrialBalance, ListBalances, TrialBalanceAnswer};
pub use commits::{CommitPage, CommitsAnswer, ListCommits};
pub use duplicates::{LikelyDuplicatesAnswer, ListLikelyDuplicates};
pub use facts::{Fact, WithFact};
pub use income::{
    DivisionIncomeAnswer, GetHouseholdIncome, HouseholdIncomeAnswer, IncomeLinesAnswer, ListDivisionIncome,
    ListIncomeLines, net_per_head,
};
pub use loops::{
    GetLoop, ListLoopByDivision, ListLoopFacts, LoopAnswer, LoopByDivisionAnswer, LoopFactsAnswer, LoopWindow,
};
pub use names::{Names, division_name};
pub use page::FactPage;
pub use rebuild::{Rebuild, RebuildReports};
pub use statement::{GetStatement, StatementAnswer};
pub use status::{Await, AwaitAnswer, GetStatus, StatusAnswer, StreamStatus};
pub use trace::{LotKey, LotTraceAnswer, OrderTraceAnswer, TraceLot, TraceOrder};
pub use valuation::{DerivedAmount, ListLotValues, LotValueRow, LotValuesAnswer};
pub use window::{BeforeFrom, Divisions, Months, NotInEdition, Window};

/// What an answer must include, until when it may be waited for, and who asks.
#[derive(Debug, Clone)]
pub struct Terms {
    /// Commits that the answer must include.
    pub at_least: Vec<Position>,
    /// Whether it must include every reaction that is due to them.
    pub consequences: bool,
    pub deadline: Instant,
    /// Whose turns and places are used.
    pub asking: Asking,
}

/// What must hold before a query is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Every stream is followed, and what the terms name is folded.
    Ledger,
    /// What the terms name is folded. For what is looked at when a stream is halted.
    Positions,
}

/// A question to the ledger.
pub trait Query: Send {
    type Answer: Send;

    const NEEDS: Needs = Needs::Ledger;

    /// Refuses what the projection of this county cannot answer, before anything is waited for.
    fn check(&self, _: CountyCode) -> Result<(), QueryError> {
        Ok(())
    }

    /// The heads of the list that it continues, by service. After a restart, or at another replica, they may not be folded
    /// yet.
    fn continues(&self) -> Option<Sequences> {
        None
    }

    fn answer(self, reader: Reader<'_>) -> impl Future<Output = Result<Self::Answer, QueryError>> + Send;
}

/// Why a query is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryError {
    /// The query itself is wrong.
    Rejected(Rejection),
    Failed(Failure),
}

impl From<Rejection> for QueryError {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<Failure> for QueryError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Answers from the folded state of one county.
#[derive(Debug, Clone)]
pub struct Queries {
    shared: Arc<Shared>,
    /// Says that somebody may ask, for as long as this lasts.
    _lease: Arc<()>,
}

/// The counties whose ledgers this process answers from.
pub trait Ledgers: fmt::Debug + Send + Sync + 'static {
    /// The county meant by a request that names none: the only one.
    fn only(&self) -> Option<CountyCode>;

    /// The county's answers; its ledger is loaded if it is parked.
    fn queries(&self, county: CountyCode) -> BoxFuture<'_, Result<Queries, Failure>>;
}

/// One county, and no other.
impl Ledgers for Queries {
    fn only(&self) -> Option<CountyCode> {
        Some(self.county())
    }

    fn queries(&self, county: CountyCode) -> BoxFuture<'_, Result<Queries, Failure>> {
        let is_own = county == self.county();
        Box::pin(ready(if is_own { Ok(self.clone()) } else { Err(Failure::CountyNotHosted { county, owner: None }) }))
    }
}

impl Queries {
    pub(crate) const fn new(shared: Arc<Shared>, lease: Arc<()>) -> Self {
        Self { shared, _lease: lease }
    }

    pub fn county(&self) -> CountyCode {
        self.shared.county
    }

    /// How old answers may be: for how long it has not been known that everything in the log was read.
    pub fn age(&self) -> Duration {
        self.shared.age()
    }

    /// Counts a query by what came of it, also one that could not be read.
    pub fn count(&self, is_answered: bool) {
        self.shared.metrics.queries_total.add(1);
        if !is_answered {
            self.shared.metrics.failures_total.add(1);
        }
    }

    /// Answers once the terms are met. Every query passes here, however it came.
    pub async fn ask<Q: Query>(&self, query: Q, terms: &Terms) -> Result<Q::Answer, QueryError> {
        query.check(self.shared.county)?;
        if let Some(sequences) = query.continues() {
            self.shared.wait_for_sequences(&sequences, terms).await?;
        }
        match Q::NEEDS {
            Needs::Ledger => self.shared.ready(terms.deadline).await?,
            Needs::Positions => {}
        }
        self.shared.wait_for(terms).await?;
        query.answer(Reader { shared: &self.shared, terms }).await
    }
}

/// The state, for a query whose terms are met: only [`Queries::ask`] makes one.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    shared: &'a Arc<Shared>,
    terms: &'a Terms,
}

impl Reader<'_> {
    /// The state, to be read for a short time.
    async fn folded(self) -> OwnedRwLockReadGuard<Folded> {
        Arc::clone(&self.shared.folded).read_owned().await
    }

    /// Runs what reads much on a thread that may take its time; only a few at once, since the fold waits meanwhile (queries
    /// do not). Callers take turns.
    async fn long<T: Send + 'static>(self, read: impl FnOnce(&Folded) -> T + Send + 'static) -> Result<T, Failure> {
        let turn = self.shared.long_queries.take(self.terms.asking.caller);
        let turn = timeout_at(self.terms.deadline, turn).await.map_err(|_| Failure::DeadlineExceeded)?;
        let reading = self.shared.read_long().await;
        let answer = beside(async move {
            let answer = read(&reading.folded);
            drop(turn);
            answer
        });
        answer.await.map_err(|_| Failure::Internal { what: "a query panicked" })
    }
}

fn not_found(kind: EntityKind, id: &impl ToString) -> QueryError {
    Failure::NotFound { kind, id: id.to_string() }.into()
}

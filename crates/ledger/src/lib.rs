//! The double-entry ledger of goods and money: balances, income, loop measures, trace, valuation, digests.
//!
//! Pure: a fold over admitted commits, no clock, no I/O. Any interleaving of the same streams gives the same ledger.
//! [`Ledger`] is the folded state of one county, and answers every query. What a commit posts is accounting, which is
//! offered here too.
//! Deliberately not here: reading commits, storing pages, and everything about gRPC.

mod area;
mod balances;
mod book_records;
mod checkpoint;
mod days;
mod digest;
mod directory;
mod duplicates;
mod fact;
mod fold;
mod heads;
mod income;
mod inspections;
mod kinds;
mod loop_measures;
mod lots;
mod order;
mod orders;
mod origins;
mod pending;
mod state;
mod statement;
mod store;
mod tables;
mod trace;
mod valuation;

pub use loopledger_accounting::*;

pub use balances::{Balance, TrialBalanceLine};
pub use book_records::Basis;
pub use checkpoint::{CHECKPOINT_VERSION, LoadError, PageKey};
pub use days::Days;
pub use directory::{PartyView, PlaceView, ProductView};
pub use duplicates::{DuplicateQuery, LikelyDuplicate, SuspectReceipt};
pub use fact::FactRef;
pub use income::{
    DivisionIncome, DivisionSums, HouseholdIncome, IncomeFilter, IncomeLine, IncomeQuery, IncomeSums, IncomeView,
};
pub use inspections::Inspection;
pub use loop_measures::{
    Coverage, LoopByDivision, LoopFact, LoopFigure, LoopLevel, LoopMeasures, LoopMoney, LoopPart, LoopQuery, Payees,
    PaymentDelay, ProductLoop, StationCoverage, Subject, Target, TargetKind, Targets, Way,
};
pub use orders::OrderStep;
pub use pending::{Concerns, OpenHandOver};
pub use state::{ApplyError, Ledger, ListedException, StreamHead};
pub use statement::{Statement, StatementCommits, StatementLine, book_lines, in_order, posted_lines, statement_from};
pub use trace::{GoodsAt, LotOrigin, LotStep, LotStepKind, LotTrace, OrderTraceStep};
pub use valuation::{ValuationQuery, ValueAdded};

//! Accounting: the chart of accounts, the journal, the posting of every fact, and valuation.
//!
//! Pure functions. [`post`] is a total function of one commit; [`value`] is one of a graph of lots. What is folded from
//! entries, and answers queries, is the ledger.

mod account;
mod journal;
mod post;
mod valuation;

pub use account::{Account, GoodsAccount, IncomeCategory};
pub use journal::{Counterparty, Entry, EntryText, Exception, GoodsLine, Journal, MoneyLine};
pub use post::{Unbalanced, check, check_with, post};
pub use valuation::{LotValue, Memorandum, Pool, PoolCost, StockValue, Use, Valuation, divide, value};

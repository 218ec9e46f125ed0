//! The double-entry ledger of goods and money: posting, balances, income, loop measures, trace, valuation, digests.
//!
//! Pure: a fold over admitted commits, no clock, no I/O. Any interleaving of the same streams gives the same ledger.

mod account;
mod journal;
mod post;

pub use account::{Account, GoodsAccount, IncomeCategory};
pub use journal::{Counterparty, Entry, EntryText, Exception, GoodsLine, Journal, MoneyLine};
pub use post::{Unbalanced, check, check_with, post};

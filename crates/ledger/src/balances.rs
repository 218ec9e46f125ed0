//! Sums of money by book, account, counterparty and business month, and what is asked of them.
//!
//! Accounts that are kept by lot (1401, 2314s, 6001) stand here without the lot; by lot they follow from its facts.

use std::collections::BTreeMap;

use loopledger_types::{Exact as _, Month, PartyId, Scope};

use crate::tables::{BalanceKey, Number, Sum, Tables, high_low, split};
use crate::{Account, Counterparty, Ledger, MoneyLine};

/// The counterparty as a number: 0 none, 1–4 outside by scope, then 5 + the party's row.
pub(crate) fn counterparty_code(counterparty: Counterparty, tables: &mut Tables) -> u32 {
    match counterparty {
        Counterparty::None => 0,
        Counterparty::Outside(scope) => u32::from(scope_code(scope)).saturating_add(1),
        Counterparty::Party(id) => tables.party(id).saturating_add(5),
    }
}

pub(crate) fn counterparty_of(code: u32, tables: &Tables) -> Counterparty {
    match code {
        0 => Counterparty::None,
        1..=4 => {
            let scope = u8::try_from(code.saturating_sub(1)).ok().and_then(scope_of);
            scope.map_or(Counterparty::None, Counterparty::Outside)
        }
        _ => tables.party_id(code.saturating_sub(5)).map_or(Counterparty::None, Counterparty::Party),
    }
}

const SCOPES: [Scope; 4] = [Scope::County, Scope::Prefecture, Scope::Region, Scope::Outside];

/// Stable code of a scope, from 0; also in digests.
pub(crate) const fn scope_code(scope: Scope) -> u8 {
    match scope {
        Scope::County => 0,
        Scope::Prefecture => 1,
        Scope::Region => 2,
        Scope::Outside => 3,
    }
}

pub(crate) fn scope_of(code: u8) -> Option<Scope> {
    SCOPES.get(usize::from(code)).copied()
}

/// Adds a line to its sum. Facts are at most 10¹³ fen, so a sum holds some 900,000 of the largest before it saturates.
pub(crate) fn add(book: Number, month: Month, line: &MoneyLine, tables: &mut Tables) {
    let counterparty = counterparty_code(line.counterparty, tables);
    let account_month = high_low(u16::from(line.account.index()), month.index());
    let row = tables.balances.find_or_insert(BalanceKey { book, counterparty, account_month }, Sum::default);
    tables.balances.update(row, |sum| *sum = sum.fen().plus(line.amount).into());
}

/// One balance of a party's book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balance {
    pub account: Account,
    pub counterparty: Counterparty,
    /// Fen, debit positive.
    pub amount: i64,
}

/// One line of a trial balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrialBalanceLine {
    pub account: Account,
    /// Everything debited and credited before the window, net.
    pub opening: i64,
    /// Net movement within the window.
    pub movement: i64,
    pub closing: i64,
}

/// A stored sum of a book, resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BookSum {
    pub(crate) account: Account,
    pub(crate) counterparty: Counterparty,
    pub(crate) month: Month,
    pub(crate) amount: i64,
}

/// The numbers of every book and of its sums that are not nil, by book.
pub(crate) fn rows_by_book(tables: &Tables) -> Vec<(Number, Number)> {
    let rows = tables.balances.iter().filter(|(_, _, sum)| sum.fen() != 0);
    let mut rows: Vec<(Number, Number)> = rows.map(|(number, key, _)| (key.book, number)).collect();
    rows.sort_unstable();
    rows
}

/// The sum in a row.
pub(crate) fn sum(number: Number, tables: &Tables) -> Option<BookSum> {
    let (key, amount) = (tables.balances.key(number)?, tables.balances.value(number)?.fen());
    let (account, month) = parts(key)?;
    Some(BookSum { account, counterparty: counterparty_of(key.counterparty, tables), month, amount })
}

fn parts(key: &BalanceKey) -> Option<(Account, Month)> {
    let (account, month) = split(key.account_month);
    Some((Account::from_index(u8::try_from(account).ok()?)?, Month::from_index(month).ok()?))
}

impl Ledger {
    /// The balances of a party's book up to and including `through`, without those that are nil, by account and
    /// counterparty. Empty for a party that is unknown or has no book.
    pub fn balances(&self, party: PartyId, through: Month) -> Vec<Balance> {
        let Some(book) = self.tables.parties.find(&party) else { return Vec::new() };
        let mut sums: BTreeMap<(Account, Counterparty), i64> = BTreeMap::new();
        for (_, key, added) in self.tables.balances.iter().filter(|(_, key, _)| key.book == book) {
            if let Some((account, _)) = parts(key).filter(|(_, month)| *month <= through) {
                let sum = sums.entry((account, counterparty_of(key.counterparty, &self.tables))).or_default();
                *sum = sum.plus(added.fen());
            }
        }
        sums.into_iter()
            .filter(|(_, amount)| *amount != 0)
            .map(|((account, counterparty), amount)| Balance { account, counterparty, amount })
            .collect()
    }

    /// The trial balance of one book, or of all together, over a window of business months.
    pub fn trial_balance(&self, party: Option<PartyId>, from: Month, to: Month) -> Vec<TrialBalanceLine> {
        let book = party.map(|party| self.tables.parties.find(&party));
        let mut sums: BTreeMap<Account, (i64, i64)> = BTreeMap::new();
        for (_, key, added) in self.tables.balances.iter() {
            let wanted = book.is_none_or(|book| book == Some(key.book));
            let Some((account, month)) = parts(key).filter(|(_, month)| wanted && *month <= to) else { continue };
            let (opening, movement) = sums.entry(account).or_default();
            let sum = if month < from { opening } else { movement };
            *sum = sum.plus(added.fen());
        }
        sums.into_iter()
            .filter(|(_, sums)| *sums != (0, 0))
            .map(|(account, (opening, movement))| TrialBalanceLine {
                account,
                opening,
                movement,
                closing: opening.plus(movement),
            })
            .collect()
    }
}

//! A party's statement for a month. Memory holds which commits touched the book; the lines are posted again from them.
//!
//! How: ask [`Ledger::statement_commits`], read those commits, give them to [`statement_from`] with the opening balances.

use std::collections::BTreeMap;

use loopledger_facts::Commit;
use loopledger_types::{BusinessDate, Exact as _, LotId, Month, PartyId};

use crate::book_records;
use crate::order::cause_first;
use crate::tables::PartyMonth;
use crate::{Account, Counterparty, EntryText, FactRef, Journal, Ledger, post};

/// What must be read again for a statement.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StatementCommits {
    /// Opening balances by account, of everything that is known today.
    pub opening: BTreeMap<Account, i64>,
    /// Commits that touch the book with a business date in the month, by stream and sequence; `event` is 0.
    pub month: Vec<FactRef>,
    /// With `as_of`: earlier months' commits recorded after that day, whose lines must be taken off the opening.
    pub opening_too_new: Vec<FactRef>,
}

/// One line of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementLine {
    pub book: PartyId,
    pub date: BusinessDate,
    pub at: FactRef,
    pub text: EntryText,
    pub account: Account,
    pub counterparty: Counterparty,
    pub lot: Option<(LotId, u16)>,
    /// Fen, debit positive.
    pub amount: i64,
}

/// A party's book in a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    pub party: PartyId,
    pub month: Month,
    /// Fen by account, debit positive, without what is nil.
    pub opening: BTreeMap<Account, i64>,
    /// By business date, causes before effects; of one fact as posted.
    pub lines: Vec<StatementLine>,
    pub closing: BTreeMap<Account, i64>,
}

impl Ledger {
    /// Which commits a statement rests on, as recorded by `as_of`; `None` if no fact names the party, or it was registered
    /// later.
    pub fn statement_commits(
        &self,
        party: PartyId,
        month: Month,
        as_of: Option<BusinessDate>,
    ) -> Option<StatementCommits> {
        let number = self.tables.parties.find(&party)?;
        self.party(party, month.last_day(), as_of)?;
        let mut commits = StatementCommits::default();
        if let Some(before) = month.index().checked_sub(1).and_then(|index| Month::from_index(index).ok()) {
            for balance in self.balances(party, before) {
                add(&mut commits.opening, balance.account, balance.amount);
            }
            if let Some(day) = as_of {
                for earlier in (0..=before.index()).filter_map(|index| Month::from_index(index).ok()) {
                    if self.recorded_after(number, earlier, day) {
                        commits.opening_too_new.extend(self.touching(number, earlier, |recorded| recorded > day));
                    }
                }
            }
        }
        commits.month = self.touching(number, month, |recorded| as_of.is_none_or(|day| recorded <= day));
        Some(commits)
    }

    /// Whether anything of that month was recorded after `day`: most months need not be read at all.
    fn recorded_after(&self, party: u32, month: Month, day: BusinessDate) -> bool {
        let row = self.tables.months.find(&PartyMonth { party, month });
        let chain = row.and_then(|row| self.tables.months.value(row));
        chain.is_some_and(|chain| chain.recorded_max > day.days().unsigned_abs())
    }

    fn touching(&self, party: u32, month: Month, wanted: impl Fn(BusinessDate) -> bool) -> Vec<FactRef> {
        let row = self.tables.months.find(&PartyMonth { party, month });
        let Some(chain) = row.and_then(|row| self.tables.months.value(row)) else { return Vec::new() };
        let mut found: Vec<FactRef> = book_records::records(&self.tables, chain.last)
            .filter(|record| wanted(record.head.recorded_on))
            .map(|record| FactRef { event: 0, ..record.head.at })
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Which commits touched a party's book in a window of months, by stream and sequence; `event` is 0.
    pub fn commits_of(&self, party: PartyId, from: Month, to: Month) -> Vec<FactRef> {
        let Some(number) = self.tables.parties.find(&party) else { return Vec::new() };
        let months = (from.index()..=to.index()).filter_map(|index| Month::from_index(index).ok());
        let mut found: Vec<FactRef> = months.flat_map(|month| self.touching(number, month, |_| true)).collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// Lines by business date, causes before effects; those of one fact keep the order in which it posts them.
pub fn in_order(lines: Vec<StatementLine>) -> Vec<StatementLine> {
    cause_first(lines, |line| (Some(line.date), line.at), |line| line.text.causal_rank())
}

/// The statement, posted again from the commits that `commits` names; their order does not matter.
pub fn statement_from<'a>(
    party: PartyId,
    month: Month,
    commits: &StatementCommits,
    of_month: impl IntoIterator<Item = &'a Commit>,
    opening_too_new: impl IntoIterator<Item = &'a Commit>,
) -> Statement {
    let mut journal = Journal::new();
    let mut opening = commits.opening.clone();
    for commit in opening_too_new {
        for line in book_lines(party, commit, &mut journal).into_iter().filter(|line| line.date.month() < month) {
            add(&mut opening, line.account, line.amount.negated());
        }
    }
    opening.retain(|_, amount| *amount != 0);
    let mut lines: Vec<StatementLine> = Vec::new();
    for commit in of_month {
        lines.extend(book_lines(party, commit, &mut journal).into_iter().filter(|line| line.date.month() == month));
    }
    let lines = in_order(lines);
    let mut closing = opening.clone();
    for line in &lines {
        add(&mut closing, line.account, line.amount);
    }
    closing.retain(|_, amount| *amount != 0);
    Statement { party, month, opening, lines, closing }
}

/// What a commit posts in one party's book.
pub fn book_lines(party: PartyId, commit: &Commit, journal: &mut Journal) -> Vec<StatementLine> {
    posted_lines(Some(party), commit, journal)
}

/// What a commit posts in one party's book, or in every book.
pub fn posted_lines(book: Option<PartyId>, commit: &Commit, journal: &mut Journal) -> Vec<StatementLine> {
    post(commit, journal);
    let mut lines = Vec::new();
    for entry in journal.entries() {
        for line in journal.money(entry).iter().filter(|line| book.is_none_or(|book| book == line.book.id)) {
            lines.push(StatementLine {
                book: line.book.id,
                date: entry.date,
                at: FactRef::of(commit, entry.event),
                text: entry.text,
                account: line.account,
                counterparty: line.counterparty,
                lot: line.lot,
                amount: line.amount,
            });
        }
    }
    lines
}

fn add(sums: &mut BTreeMap<Account, i64>, account: Account, amount: i64) {
    let sum = sums.entry(account).or_default();
    *sum = sum.plus(amount);
}

//! A party's statement: memory knows which commits touched the book, the lines are posted again from the log.

use std::collections::{BTreeMap, BTreeSet};

use loopledger_ledger::{Account, FactRef, Journal, StatementLine, book_lines, in_order};
use loopledger_types::{BusinessDate, EntityKind, Month, PartyId, Position, Service};
use loopledger_wire::Failure;

use super::names::Naming;
use super::page::is_within;
use super::valuation::DerivedAmount;
use super::{FactPage, Names, Query, QueryError, Reader, WithFact, not_found, valuation};
use crate::commits::StoredCommit;
use crate::shared::{Folded, Sequences};

#[derive(Debug, Clone)]
pub struct GetStatement {
    pub party: PartyId,
    pub month: Month,
    /// As known by this day.
    pub as_of: Option<BusinessDate>,
    /// Whether what valuation adds to each account is asked for.
    pub derived: bool,
    pub page: FactPage,
}

#[derive(Debug, Clone)]
pub struct StatementAnswer {
    pub heads: Vec<Position>,
    pub party: PartyId,
    /// Fen by account.
    pub opening: BTreeMap<Account, i64>,
    /// Those of this page.
    pub lines: Vec<WithFact<StatementLine>>,
    pub closing: BTreeMap<Account, i64>,
    pub derived: Vec<DerivedAmount>,
    pub next_page_token: String,
    pub names: Names,
}

/// What must be read for a statement at some heads.
struct Plan {
    opening: BTreeMap<Account, i64>,
    month: Vec<FactRef>,
    /// Commits of earlier months that the opening includes and should not.
    too_new: Vec<FactRef>,
    heads: Sequences,
}

impl Query for GetStatement {
    type Answer = StatementAnswer;

    fn continues(&self) -> Option<Sequences> {
        self.page.begun()
    }

    async fn answer(self, reader: Reader<'_>) -> Result<Self::Answer, QueryError> {
        let party = self.party;
        let asked = self.clone();
        let plan = reader.long(move |folded| asked.plan(folded)).await?;
        let plan = plan.ok_or_else(|| not_found(EntityKind::Party, &party))?;
        let (opening, lines) = self.post_again(reader, &plan).await?;
        let mut closing = opening.clone();
        for line in &lines {
            add(&mut closing, line.account, line.amount);
        }
        let derived = if self.derived { valuation::derived(reader, &self, plan.heads).await? } else { Vec::new() };
        let (lines, next_page_token) = self.page.cut(lines, plan.heads);
        let hashes = reader.shared.hashes_of_list(lines.iter().map(|line| line.at), &plan.heads).await?;
        let folded = reader.folded().await;
        let mut naming = Naming::of(&folded.ledger);
        naming.parties([party]);
        for line in &lines {
            naming.counterparty(line.counterparty);
        }
        let names = naming.finish();
        drop(folded);
        let lines = hashes.with_facts(lines, |line| line.at);
        let heads = hashes.heads(&plan.heads);
        Ok(StatementAnswer { heads, party, opening, lines, closing, derived, next_page_token, names })
    }
}

impl GetStatement {
    /// `None`: no fact names the party.
    fn plan(&self, folded: &Folded) -> Option<Plan> {
        let Self { party, month, as_of, .. } = *self;
        let heads = self.page.heads(folded);
        let commits = folded.ledger.statement_commits(party, month, as_of)?;
        let mut too_new: BTreeSet<FactRef> = commits.opening_too_new.into_iter().collect();
        if self.page.begun().is_some() {
            // What was folded since the first page, so that every page shows the same statement.
            let first = Month::from_index(0).ok();
            let before = month.index().checked_sub(1).and_then(|index| Month::from_index(index).ok());
            let earlier = first.zip(before).map(|(from, to)| folded.ledger.commits_of(party, from, to));
            too_new.extend(earlier.unwrap_or_default().into_iter().filter(|fact| !is_within(*fact, &heads)));
        }
        let month = commits.month.into_iter().filter(|fact| is_within(*fact, &heads)).collect();
        Some(Plan { opening: commits.opening, month, too_new: too_new.into_iter().collect(), heads })
    }

    /// The opening, and the month's lines by business date, causes before effects.
    async fn post_again(
        &self,
        reader: Reader<'_>,
        plan: &Plan,
    ) -> Result<(BTreeMap<Account, i64>, Vec<StatementLine>), Failure> {
        let mut opening = plan.opening.clone();
        self.each_line(reader, &plan.too_new, |line| {
            if line.date.month() < self.month {
                add(&mut opening, line.account, line.amount.saturating_neg());
            }
        })
        .await?;
        let mut lines = Vec::new();
        self.each_line(reader, &plan.month, |line| {
            if line.date.month() == self.month {
                lines.push(line);
            }
        })
        .await?;
        Ok((opening, in_order(lines)))
    }

    /// What commits post in the party's book. `facts` are ascending.
    async fn each_line(
        &self,
        reader: Reader<'_>,
        facts: &[FactRef],
        mut give: impl FnMut(StatementLine),
    ) -> Result<(), Failure> {
        let mut journal = Journal::new();
        for service in Service::ALL {
            let wanted = facts.iter().filter(|fact| fact.service == service).map(|fact| fact.sequence);
            let wanted: Vec<u64> = wanted.collect();
            let mut failed = None;
            let post = |stored: StoredCommit| match stored.decode() {
                Ok(commit) => book_lines(self.party, &commit, &mut journal).into_iter().for_each(&mut give),
                Err(failure) => failed = Some(failure),
            };
            reader.shared.read_commits(service, &wanted, post).await?;
            if let Some(failure) = failed {
                return Err(failure);
            }
        }
        Ok(())
    }
}

fn add(sums: &mut BTreeMap<Account, i64>, account: Account, amount: i64) {
    let sum = sums.entry(account).or_default();
    *sum = sum.saturating_add(amount);
}

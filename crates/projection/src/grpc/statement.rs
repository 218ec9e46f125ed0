//! A party's statement: memory knows which commits touched the book, the lines are posted again from the log.

use std::collections::{BTreeMap, BTreeSet};

use loopledger_ledger::{Account, FactRef, Journal, Ledger, StatementLine, book_lines, in_order};
use loopledger_proto::ledger::v1 as pb;
use loopledger_service::grpc::deadline_of;
use loopledger_types::{BusinessDate, EntityKind, Month, PartyId, Service};
use loopledger_wire::{Failure, query};
use tonic::{Request, Status};

use super::page::{FactPage, is_within};
use super::{Api, Fields, Terms, not_found};
use crate::commits::{Hashes, StoredCommit};
use crate::shared::Folded;
use crate::view;

/// Whose book, when, and as known by which day.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject {
    pub(super) party: PartyId,
    pub(super) month: Month,
    pub(super) as_of: Option<BusinessDate>,
}

/// What must be read for a statement at some heads.
struct Plan {
    opening: BTreeMap<Account, i64>,
    month: Vec<FactRef>,
    /// Commits of earlier months that the opening includes and should not.
    too_new: Vec<FactRef>,
    heads: [u64; 5],
}

impl Api {
    pub(super) async fn statement(
        &self,
        request: Request<pb::GetStatementRequest>,
    ) -> Result<pb::GetStatementResponse, Status> {
        let deadline = deadline_of(request.metadata());
        let request = request.into_inner();
        let mut fields = Fields::default();
        let at_least = fields.at_least(&request.at_least);
        let page = FactPage::parse(&mut fields, request.page_size, &request.page_token);
        let party = fields.take(query::id("party_id", &request.party_id, PartyId::parse));
        let month = fields.take(query::month("month", &request.month));
        let as_of = fields.take(query::optional_date("as_of", &request.as_of));
        let values = at_least.zip(page).zip(party).zip(month).zip(as_of);
        let ((((at_least, page), party), month), as_of) = fields.finish(values)?;
        let terms = Terms { at_least, consequences: request.consequences, deadline };
        self.continued(&page, &terms).await?;
        let subject = Subject { party, month, as_of };
        let planned = page.clone();
        let plan = self.long(&terms, move |folded| plan(folded, subject, &planned)).await?;
        let plan = plan.ok_or_else(|| not_found(EntityKind::Party, &party))?;
        let (opening, lines) = self.post_again(subject, &plan).await?;
        let mut closing = opening.clone();
        for line in &lines {
            add(&mut closing, line.account, line.amount);
        }
        let derived = if request.derived { self.derived(subject, plan.heads, &terms).await? } else { Vec::new() };
        let (lines, next_page_token) = page.cut(lines, plan.heads);
        let hashes = self.shared.hashes_of_list(lines.iter().map(|line| line.at), &plan.heads).await?;
        let folded = self.shared.folded.read().await;
        let lines = lines.iter().map(|line| line_to_pb(line, &hashes, &folded.ledger));
        Ok(pb::GetStatementResponse {
            heads: self.heads_at(&plan.heads, &hashes),
            next_page_token,
            party: Some(view::party(party, &folded.ledger)),
            opening: amounts(&opening),
            lines: lines.collect(),
            closing: amounts(&closing),
            derived,
        })
    }

    /// The opening, and the month's lines by business date, causes before effects.
    async fn post_again(
        &self,
        subject: Subject,
        plan: &Plan,
    ) -> Result<(BTreeMap<Account, i64>, Vec<StatementLine>), Failure> {
        let mut opening = plan.opening.clone();
        let Subject { party, month, .. } = subject;
        self.each_line(party, &plan.too_new, |line| {
            if line.date.month() < month {
                add(&mut opening, line.account, line.amount.saturating_neg());
            }
        })
        .await?;
        let mut lines = Vec::new();
        self.each_line(party, &plan.month, |line| {
            if line.date.month() == month {
                lines.push(line);
            }
        })
        .await?;
        Ok((opening, in_order(lines)))
    }

    /// What commits post in a party's book. `facts` are ascending.
    async fn each_line(
        &self,
        party: PartyId,
        facts: &[FactRef],
        mut give: impl FnMut(StatementLine),
    ) -> Result<(), Failure> {
        let mut journal = Journal::new();
        for service in Service::ALL {
            let wanted = facts.iter().filter(|fact| fact.service == service).map(|fact| fact.sequence);
            let wanted: Vec<u64> = wanted.collect();
            let mut failed = None;
            let post = |stored: StoredCommit| match stored.decode() {
                Ok(commit) => book_lines(party, &commit, &mut journal).into_iter().for_each(&mut give),
                Err(failure) => failed = Some(failure),
            };
            self.shared.read_commits(service, &wanted, post).await?;
            if let Some(failure) = failed {
                return Err(failure);
            }
        }
        Ok(())
    }
}

pub(super) fn line_to_pb(line: &StatementLine, hashes: &Hashes, ledger: &Ledger) -> pb::StatementLine {
    pb::StatementLine {
        business_date: line.date.to_string(),
        fact: Some(view::fact(&hashes.fact(line.at))),
        text: line.text.code().to_owned(),
        label: line.text.chinese().to_owned(),
        account: Some(view::account(line.account)),
        counterparty: view::counterparty(line.counterparty, ledger),
        lot_id: line.lot.map(|(lot, _)| lot.to_string()).unwrap_or_default(),
        amount_fen: line.amount,
        book: None,
    }
}

/// `None`: no fact names the party.
fn plan(folded: &Folded, subject: Subject, page: &FactPage) -> Option<Plan> {
    let Subject { party, month, as_of } = subject;
    let heads = page.heads(folded);
    let commits = folded.ledger.statement_commits(party, month, as_of)?;
    let mut too_new: BTreeSet<FactRef> = commits.opening_too_new.into_iter().collect();
    if page.is_continued() {
        // What was folded since the first page, so that every page shows the same statement.
        let first = Month::from_index(0).ok();
        let before = month.index().checked_sub(1).and_then(|index| Month::from_index(index).ok());
        let earlier = first.zip(before).map(|(from, to)| folded.ledger.commits_of(party, from, to));
        too_new.extend(earlier.unwrap_or_default().into_iter().filter(|fact| !is_within(*fact, &heads)));
    }
    let month = commits.month.into_iter().filter(|fact| is_within(*fact, &heads)).collect();
    Some(Plan { opening: commits.opening, month, too_new: too_new.into_iter().collect(), heads })
}

fn add(sums: &mut BTreeMap<Account, i64>, account: Account, amount: i64) {
    let sum = sums.entry(account).or_default();
    *sum = sum.saturating_add(amount);
}

fn amounts(sums: &BTreeMap<Account, i64>) -> Vec<pb::AccountAmount> {
    let lines = sums.iter().filter(|(_, amount)| **amount != 0);
    lines
        .map(|(account, amount)| pb::AccountAmount { account: Some(view::account(*account)), amount_fen: *amount })
        .collect()
}

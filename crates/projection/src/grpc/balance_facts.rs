//! The lines behind a balance. A book may have millions: a page reads on from where the last one ended, commit by commit,
//! and ends when it is full or has read enough.

use loopledger_domain::{FieldFault, Rejection};
use loopledger_ledger::{Account, Counterparty, FactRef, Journal, StatementLine, posted_lines};
use loopledger_proto::ledger::v1 as pb;
use loopledger_service::grpc::deadline_of;
use loopledger_types::{EntityKind, Month, PartyId, Scope, Service};
use loopledger_wire::Failure;
use loopledger_wire::query::{self, Page};
use tonic::{Request, Status};

use super::page::malformed;
use super::statement::line_to_pb;
use super::{Api, Fields, Terms, not_found};
use crate::commits::StoredCommit;
use crate::shared::Folded;
use crate::view;

/// Commits read for one page at most: about a tenth of a second.
const COMMITS_MAX: usize = 20_000;
/// Commits read at a time: a page that is full reads no further.
const PORTION: usize = 256;

/// Which lines are wanted.
#[derive(Debug, Clone, Copy)]
struct Filter {
    /// `None`: of every book.
    book: Option<PartyId>,
    account: Option<Account>,
    counterparty: Option<Counterparty>,
    from: Month,
    to: Month,
}

/// Where a page begins: the list's heads, the first commit, and how many of its lines were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Start {
    heads: [u64; 5],
    commit: FactRef,
    given: usize,
}

/// The commits that a page may need, in order.
struct Candidates {
    heads: [u64; 5],
    commits: Vec<FactRef>,
    filter: Filter,
}

impl Api {
    pub(super) async fn balance_facts(
        &self,
        request: Request<pb::ListBalanceFactsRequest>,
    ) -> Result<pb::ListBalanceFactsResponse, Status> {
        let deadline = deadline_of(request.metadata());
        let request = request.into_inner();
        let mut fields = Fields::default();
        let at_least = fields.at_least(&request.at_least);
        let page = page(&mut fields, request.page_size, &request.page_token);
        let party = fields.take(query::optional_id("party_id", &request.party_id, PartyId::parse));
        let account = account(&mut fields, &request.account_number);
        let counterparty = counterparty(&mut fields, request.counterparty.as_ref());
        let months = fields.months(&request.from_month, &request.to_month);
        let values = at_least.zip(page).zip(party).zip(account).zip(counterparty).zip(months);
        let (((((at_least, (size, start)), book), account), counterparty), months) = fields.finish(values)?;
        let terms = Terms { at_least, consequences: request.consequences, deadline };
        if let Some(start) = start {
            self.begun(&start.heads, &terms).await?;
        }
        let candidates = self.long(&terms, move |folded| {
            let (from, to) = months.over(&folded.ledger);
            candidates(folded, Filter { book, account, counterparty, from, to }, start)
        });
        let candidates = candidates.await?.map_err(|party| not_found(EntityKind::Party, &party))?;
        let given = start.map_or(0, |start| start.given);
        let (lines, next) = self.read_page(&candidates, size, given).await?;
        let heads = candidates.heads;
        let hashes = self.shared.hashes_of_list(lines.iter().map(|line| line.at), &heads).await?;
        let folded = self.shared.folded.read().await;
        let rows = lines.iter().map(|line| pb::StatementLine {
            book: Some(view::party(line.book, &folded.ledger)),
            ..line_to_pb(line, &hashes, &folded.ledger)
        });
        Ok(pb::ListBalanceFactsResponse {
            heads: self.heads_at(&heads, &hashes),
            next_page_token: next.map(|next| Page::token(&next.encode())).unwrap_or_default(),
            lines: rows.collect(),
        })
    }

    /// The page's lines, and where the next one begins. Of the first commit, `given` lines were given before.
    async fn read_page(
        &self,
        candidates: &Candidates,
        size: usize,
        given: usize,
    ) -> Result<(Vec<StatementLine>, Option<Start>), Failure> {
        let Candidates { heads, commits, filter } = candidates;
        let (now, later) = commits.split_at(commits.len().min(COMMITS_MAX));
        let mut lines = Vec::new();
        for portion in now.chunks(PORTION) {
            self.read_lines(portion, filter, &mut lines).await?;
            if lines.len() > given.saturating_add(size) {
                break;
            }
        }
        let mut page = lines.split_off(given.min(lines.len()));
        let start = |commit, given| Start { heads: *heads, commit, given };
        let next = match page.get(size).map(|line| commit_of(line.at)) {
            Some(commit) => {
                let before = lines.iter().chain(page.iter().take(size)).filter(|line| commit_of(line.at) == commit);
                Some(start(commit, before.count()))
            }
            None => later.first().map(|commit| start(*commit, 0)),
        };
        page.truncate(size);
        Ok((page, next))
    }

    async fn read_lines(
        &self,
        commits: &[FactRef],
        filter: &Filter,
        lines: &mut Vec<StatementLine>,
    ) -> Result<(), Failure> {
        let mut journal = Journal::new();
        for service in Service::ALL {
            let wanted = commits.iter().filter(|commit| commit.service == service).map(|commit| commit.sequence);
            let mut failed = None;
            let post = |stored: StoredCommit| match stored.decode() {
                Ok(commit) => {
                    let posted = posted_lines(filter.book, &commit, &mut journal).into_iter();
                    lines.extend(posted.filter(|line| filter.takes(line)));
                }
                Err(failure) => failed = Some(failure),
            };
            self.shared.read_commits(service, &wanted.collect::<Vec<_>>(), post).await?;
            if let Some(failure) = failed {
                return Err(failure);
            }
        }
        Ok(())
    }
}

impl Filter {
    fn takes(&self, line: &StatementLine) -> bool {
        self.account.is_none_or(|account| account == line.account)
            && self.counterparty.is_none_or(|counterparty| counterparty == line.counterparty)
            && (self.from..=self.to).contains(&line.date.month())
    }
}

/// By service and sequence, one more than a page may read. Fails for a party that no fact names.
fn candidates(folded: &Folded, filter: Filter, start: Option<Start>) -> Result<Candidates, PartyId> {
    let heads = start.map_or_else(|| folded.heads().map(|head| head.sequence), |start| start.heads);
    let wanted = |commit: &FactRef| {
        heads.get(commit.service.index()).is_some_and(|head| commit.sequence <= *head)
            && start.is_none_or(|start| *commit >= start.commit)
    };
    let most = COMMITS_MAX.saturating_add(1);
    let commits = if let Some(party) = filter.book {
        folded.ledger.party(party, filter.to.last_day(), None).ok_or(party)?;
        folded.ledger.commits_of(party, filter.from, filter.to).into_iter().filter(wanted).take(most).collect()
    } else {
        let of_service = |(service, head)| (1..=head).map(move |sequence| FactRef { service, sequence, event: 0 });
        let begun = start.map_or(Service::Procurement, |start| start.commit.service);
        let later = Service::ALL.into_iter().zip(heads).skip_while(|(service, _)| *service != begun);
        later.flat_map(of_service).skip_while(|commit| !wanted(commit)).take(most).collect()
    };
    Ok(Candidates { heads, commits, filter })
}

const fn commit_of(fact: FactRef) -> FactRef {
    FactRef { event: 0, ..fact }
}

fn page(fields: &mut Fields, size: u32, token: &str) -> Option<(usize, Option<Start>)> {
    let page = fields.take(Page::parse(size, token))?;
    let start = page.after.map(|bytes| Start::decode(&bytes).ok_or_else(malformed));
    Some((page.size, fields.take(start.transpose())?))
}

impl Start {
    fn encode(self) -> Vec<u8> {
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let at = [number(self.commit.service.index()), self.commit.sequence, number(self.given)];
        self.heads.into_iter().chain(at).flat_map(u64::to_be_bytes).collect()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (heads, at) = bytes.split_at_checked(40)?;
        let number = |chunk: &[u8]| chunk.try_into().ok().map(u64::from_be_bytes);
        let heads: Vec<u64> = heads.chunks_exact(8).filter_map(number).collect();
        let at: Vec<u64> = at.chunks(8).map(number).collect::<Option<_>>()?;
        let [service, sequence, given] = at.try_into().ok()?;
        let service = *Service::ALL.get(usize::try_from(service).ok()?)?;
        let commit = FactRef { service, sequence, event: 0 };
        Some(Self { heads: heads.try_into().ok()?, commit, given: usize::try_from(given).ok()? })
    }
}

#[expect(clippy::option_option, reason = "outer: acceptable or not; inner: there or not")]
fn account(fields: &mut Fields, number: &str) -> Option<Option<Account>> {
    if number.is_empty() {
        return Some(None);
    }
    let account = Account::parse(number);
    if account.is_none() {
        fields.wrong("account_number", FieldFault::UnknownValue, "There is no such account in the chart.");
    }
    account.map(Some)
}

#[expect(clippy::option_option, reason = "outer: acceptable or not; inner: there or not")]
fn counterparty(fields: &mut Fields, counterparty: Option<&pb::Counterparty>) -> Option<Option<Counterparty>> {
    use pb::counterparty::Who;
    let Some(counterparty) = counterparty else { return Some(None) };
    let found = match &counterparty.who {
        None => Ok(Counterparty::None),
        Some(Who::Party(party)) => {
            query::id("counterparty.party.id", &party.id, PartyId::parse).map(Counterparty::Party)
        }
        Some(Who::Outside(name)) => {
            let scopes = [Scope::County, Scope::Prefecture, Scope::Region, Scope::Outside];
            let scope = scopes.into_iter().find(|scope| view::scope_name(*scope) == name);
            scope.map(Counterparty::Outside).ok_or_else(|| {
                let text = "Outside is county, prefecture, region or outside.";
                Rejection::invalid("counterparty.outside", FieldFault::UnknownValue, text)
            })
        }
    };
    fields.take(found).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_read_back_and_foreign_ones_do_not() {
        let commit = FactRef { service: Service::Sales, sequence: 77, event: 0 };
        let start = Start { heads: [5, 0, 7, 99, 0], commit, given: 3 };
        assert_eq!(Start::decode(&start.encode()), Some(start));
        for foreign in [&[0; 48][..], &[0; 63], &[0; 72], &[9; 64]] {
            assert_eq!(Start::decode(foreign), None, "{foreign:?}");
        }
    }
}

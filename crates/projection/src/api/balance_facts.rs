//! The lines behind a balance. A book may have millions: a page reads on from where the last one ended, commit by commit,
//! and ends when it is full or has read enough.

use loopledger_domain::Rejection;
use loopledger_ledger::{Account, Counterparty, FactRef, Journal, StatementLine, posted_lines};
use loopledger_types::{EntityKind, Month, PartyId, Position, Service};
use loopledger_wire::Failure;
use loopledger_wire::query::Page;

use super::names::Naming;
use super::page::{is_within, malformed};
use super::{Months, Names, Query, QueryError, Reader, WithFact, not_found};
use crate::commits::StoredCommit;
use crate::shared::{Folded, Sequences};

/// Commits read for one page at most: about a tenth of a second.
const COMMITS_MAX: usize = 20_000;
/// Commits read at a time: a page that is full reads no further.
const PORTION: usize = 256;

#[derive(Debug, Clone, Copy)]
pub struct ListBalanceFacts {
    /// Without one: of every book.
    pub party: Option<PartyId>,
    pub account: Option<Account>,
    pub counterparty: Option<Counterparty>,
    pub months: Months,
    pub page: LinePage,
}

#[derive(Debug, Clone)]
pub struct BalanceFactsAnswer {
    pub heads: Vec<Position>,
    pub lines: Vec<WithFact<StatementLine>>,
    pub next_page_token: String,
    pub names: Names,
}

/// Which page of lines is asked for.
#[derive(Debug, Clone, Copy)]
pub struct LinePage {
    size: usize,
    start: Option<Start>,
}

/// Where a page begins: the list's heads, the first commit, and how many of its lines were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Start {
    heads: Sequences,
    commit: FactRef,
    given: usize,
}

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

/// The commits that a page may need, in order.
struct Candidates {
    heads: Sequences,
    commits: Vec<FactRef>,
    filter: Filter,
}

impl Query for ListBalanceFacts {
    type Answer = BalanceFactsAnswer;

    fn continues(&self) -> Option<Sequences> {
        self.page.start.map(|start| start.heads)
    }

    async fn answer(self, reader: Reader<'_>) -> Result<Self::Answer, QueryError> {
        let Self { party: book, account, counterparty, months, page } = self;
        let candidates = reader.long(move |folded| {
            let (from, to) = months.over(&folded.ledger);
            candidates(folded, Filter { book, account, counterparty, from, to }, page.start)
        });
        let candidates = candidates.await?.map_err(|party| not_found(EntityKind::Party, &party))?;
        let (lines, next) = read_page(reader, &candidates, page).await?;
        let heads = candidates.heads;
        let hashes = reader.shared.hashes_of_list(lines.iter().map(|line| line.at), &heads).await?;
        let folded = reader.folded().await;
        let mut naming = Naming::of(&folded.ledger);
        for line in &lines {
            naming.parties([line.book]);
            naming.counterparty(line.counterparty);
        }
        let names = naming.finish();
        drop(folded);
        Ok(BalanceFactsAnswer {
            heads: hashes.heads(&heads),
            lines: hashes.with_facts(lines, |line| line.at),
            next_page_token: next.map(|next| Page::token(&next.encode())).unwrap_or_default(),
            names,
        })
    }
}

/// The page's lines, and where the next one begins. Of the first commit, some lines were given before.
async fn read_page(
    reader: Reader<'_>,
    candidates: &Candidates,
    page: LinePage,
) -> Result<(Vec<StatementLine>, Option<Start>), Failure> {
    let Candidates { heads, commits, filter } = candidates;
    let LinePage { size, start } = page;
    let given = start.map_or(0, |start| start.given);
    let (now, later) = commits.split_at(commits.len().min(COMMITS_MAX));
    let mut lines = Vec::new();
    for portion in now.chunks(PORTION) {
        read_lines(reader, portion, filter, &mut lines).await?;
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
    reader: Reader<'_>,
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
        reader.shared.read_commits(service, &wanted.collect::<Vec<_>>(), post).await?;
        if let Some(failure) = failed {
            return Err(failure);
        }
    }
    Ok(())
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
    let heads = start.map_or_else(|| folded.sequences(), |start| start.heads);
    let wanted = |commit: &FactRef| is_within(*commit, &heads) && start.is_none_or(|start| *commit >= start.commit);
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

impl LinePage {
    /// The page of `size` rows (0: as many as usual) that a token names; an empty token: the first.
    pub fn parse(size: u32, token: &str) -> Result<Self, Rejection> {
        let page = Page::parse(size, token)?;
        let start = page.after.map(|bytes| Start::decode(&bytes).ok_or_else(malformed)).transpose()?;
        Ok(Self { size: page.size, start })
    }
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

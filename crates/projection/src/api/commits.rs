//! Commits as they stand in the log.

use loopledger_domain::Rejection;
use loopledger_types::{CountyCode, Position, StreamId};
use loopledger_wire::Failure;
use loopledger_wire::query::Page;

use super::page::malformed;
use super::{Needs, Query, QueryError, Reader};
use crate::commits::StoredCommit;

/// Bytes of records in a page of commits: clients take messages of 4 MiB.
const PAGE_BYTES_MAX: usize = 3 * 1_024 * 1_024;
/// Commits read at a time: at most 1 MiB.
const PORTION: u64 = 16;

/// Answered from the log: a stream that halted is listed as far as it was folded.
#[derive(Debug, Clone, Copy)]
pub struct ListCommits {
    pub stream: StreamId,
    /// Where the first page begins.
    pub from_sequence: u64,
    pub page: CommitPage,
}

#[derive(Debug, Clone)]
pub struct CommitsAnswer {
    pub heads: Vec<Position>,
    pub commits: Vec<StoredCommit>,
    pub next_page_token: String,
}

/// Which page of commits is asked for.
#[derive(Debug, Clone, Copy)]
pub struct CommitPage {
    size: usize,
    /// Unless it is the first page.
    begins_at: Option<u64>,
}

impl CommitPage {
    /// The page of `size` commits (0: as many as usual) that a token names; an empty token: the first.
    pub fn parse(size: u32, token: &str) -> Result<Self, Rejection> {
        let page = Page::parse(size, token)?;
        let begins_at = page.after.map(|bytes| bytes.try_into().map(u64::from_be_bytes).map_err(|_| malformed()));
        Ok(Self { size: page.size, begins_at: begins_at.transpose()? })
    }
}

impl Query for ListCommits {
    type Answer = CommitsAnswer;

    const NEEDS: Needs = Needs::Positions;

    fn check(&self, county: CountyCode) -> Result<(), QueryError> {
        if self.stream.county == county { Ok(()) } else { Err(Failure::NotServed { stream: self.stream }.into()) }
    }

    async fn answer(self, reader: Reader<'_>) -> Result<Self::Answer, QueryError> {
        let folded = reader.folded().await;
        let head = folded.ledger.head(self.stream.service).head.sequence;
        let heads = folded.positions();
        drop(folded);
        let CommitPage { size, begins_at } = self.page;
        let first = begins_at.unwrap_or_else(|| self.from_sequence.max(1));
        let last = head.min(first.saturating_add(u64::try_from(size).unwrap_or(0)).saturating_sub(1));
        let (mut commits, mut bytes) = (Vec::new(), 0_usize);
        // Read in small portions, so that large commits do not pile up beyond a page.
        let mut next = first;
        while next <= last && bytes < PAGE_BYTES_MAX {
            let portion: Vec<u64> = (next..=last.min(next.saturating_add(PORTION).saturating_sub(1))).collect();
            let take = |stored: StoredCommit| {
                bytes = bytes.saturating_add(stored.record.len());
                commits.push(stored);
            };
            reader.shared.read_commits(self.stream.service, &portion, take).await?;
            next = next.saturating_add(u64::try_from(portion.len()).unwrap_or(PORTION));
        }
        let next_page_token = if next <= head { Page::token(&next.to_be_bytes()) } else { String::new() };
        Ok(CommitsAnswer { heads, commits, next_page_token })
    }
}

//! Pages of lists. A list of facts is that of the heads at which its first page was read: facts never change, so the
//! token carries these heads and how many rows were given, and no page skips or repeats one, whatever is folded meanwhile.

use loopledger_domain::{FieldFault, Rejection};
use loopledger_ledger::FactRef;
use loopledger_types::Service;
use loopledger_wire::Failure;
use loopledger_wire::query::Page;

use super::{Api, Fields, Terms};
use crate::shared::Folded;

/// Which page of a list of facts is asked for.
#[derive(Debug, Clone)]
pub(super) struct FactPage {
    size: usize,
    begun: Option<Begun>,
}

/// A list whose first page was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Begun {
    /// By service.
    heads: [u64; 5],
    given: usize,
}

impl FactPage {
    pub(super) fn parse(fields: &mut Fields, size: u32, token: &str) -> Option<Self> {
        let page = fields.take(Page::parse(size, token))?;
        let begun = match page.after {
            None => None,
            Some(bytes) => Some(fields.take(Begun::decode(&bytes).ok_or_else(malformed))?),
        };
        Some(Self { size: page.size, begun })
    }

    /// The heads of the list: those of its first page.
    pub(super) fn heads(&self, folded: &Folded) -> [u64; 5] {
        self.begun.map_or_else(|| folded.heads().map(|head| head.sequence), |begun| begun.heads)
    }

    /// Whether the first page was given already.
    pub(super) const fn is_continued(&self) -> bool {
        self.begun.is_some()
    }

    /// This page's rows out of the whole list, and the token of the next.
    pub(super) fn cut<T>(&self, rows: Vec<T>, heads: [u64; 5]) -> (Vec<T>, String) {
        let given = self.begun.map_or(0, |begun| begun.given);
        let next = given.saturating_add(self.size);
        let token = if rows.len() > next { Page::token(&Begun { heads, given: next }.encode()) } else { String::new() };
        (rows.into_iter().skip(given).take(self.size).collect(), token)
    }
}

/// Whether a fact belongs to a list of these heads.
pub(super) fn is_within(fact: FactRef, heads: &[u64; 5]) -> bool {
    heads.get(fact.service.index()).is_some_and(|head| fact.sequence <= *head)
}

pub(super) fn malformed() -> Rejection {
    Rejection::invalid("page_token", FieldFault::MalformedPageToken, "This token is not one of ours.")
}

impl Begun {
    fn encode(self) -> Vec<u8> {
        let given = u64::try_from(self.given).unwrap_or(u64::MAX);
        self.heads.into_iter().chain([given]).flat_map(u64::to_be_bytes).collect()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != 48 {
            return None;
        }
        let mut numbers = bytes.chunks_exact(8).filter_map(|chunk| chunk.try_into().ok()).map(u64::from_be_bytes);
        let mut heads = [0; 5];
        for head in &mut heads {
            *head = numbers.next()?;
        }
        Some(Self { heads, given: usize::try_from(numbers.next()?).ok()? })
    }
}

impl Api {
    /// Waits until the heads of a list that was begun are folded: after a restart, or at another replica, they may not be.
    pub(super) async fn continued(&self, page: &FactPage, terms: &Terms) -> Result<(), Failure> {
        let Some(begun) = page.begun else { return Ok(()) };
        self.begun(&begun.heads, terms).await
    }

    pub(super) async fn begun(&self, heads: &[u64; 5], terms: &Terms) -> Result<(), Failure> {
        for (service, sequence) in Service::ALL.into_iter().zip(*heads) {
            self.shared.wait_for_sequence(self.shared.stream(service), sequence, terms.deadline).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_a_list_follow_each_other_and_keep_their_heads() {
        let heads = [5, 0, 7, 1, 0];
        let rows: Vec<u32> = (0..250).collect();
        let (mut seen, mut token) = (Vec::new(), String::new());
        loop {
            let page = FactPage::parse(&mut Fields::default(), 100, &token).unwrap();
            if let Some(begun) = page.begun {
                assert_eq!(begun.heads, heads);
            }
            let (cut, next) = page.cut(rows.clone(), heads);
            seen.extend(cut);
            token = next;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(seen, rows);
        for foreign in ["00", "zz", "0"] {
            assert!(FactPage::parse(&mut Fields::default(), 1, foreign).is_none(), "{foreign}");
        }
        let fact = |sequence| FactRef { service: Service::Distribution, sequence, event: 0 };
        assert!(is_within(fact(7), &heads) && !is_within(fact(8), &heads));
    }
}

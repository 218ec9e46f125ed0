//! Pages of lists of facts. Such a list is that of the heads at which its first page was read: facts never change, so the
//! token carries these heads and how many rows were given, and no page skips or repeats one, whatever is folded meanwhile.

use loopledger_domain::{FieldFault, Rejection};
use loopledger_ledger::FactRef;
use loopledger_wire::query::Page;

use crate::shared::{Folded, Sequences};

/// Which page of a list of facts is asked for.
#[derive(Debug, Clone)]
pub struct FactPage {
    size: usize,
    begun: Option<Begun>,
}

/// A list whose first page was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Begun {
    heads: Sequences,
    given: usize,
}

impl FactPage {
    /// The page of `size` rows (0: as many as usual) that a token names; an empty token: the first.
    pub fn parse(size: u32, token: &str) -> Result<Self, Rejection> {
        let page = Page::parse(size, token)?;
        let begun = page.after.map(|bytes| Begun::decode(&bytes).ok_or_else(malformed)).transpose()?;
        Ok(Self { size: page.size, begun })
    }

    /// The heads of the list: those of its first page.
    pub(super) fn heads(&self, folded: &Folded) -> Sequences {
        self.begun.map_or_else(|| folded.sequences(), |begun| begun.heads)
    }

    /// The heads of the first page, if it was given already.
    pub(super) fn begun(&self) -> Option<Sequences> {
        self.begun.map(|begun| begun.heads)
    }

    /// This page's rows out of the whole list, and the token of the next.
    pub(super) fn cut<T>(&self, rows: Vec<T>, heads: Sequences) -> (Vec<T>, String) {
        let given = self.begun.map_or(0, |begun| begun.given);
        let next = given.saturating_add(self.size);
        let token = if rows.len() > next { Page::token(&Begun { heads, given: next }.encode()) } else { String::new() };
        (rows.into_iter().skip(given).take(self.size).collect(), token)
    }
}

/// Whether a fact belongs to a list of these heads.
pub(super) fn is_within(fact: FactRef, heads: &Sequences) -> bool {
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

#[cfg(test)]
mod tests {
    use loopledger_types::Service;

    use super::*;

    #[test]
    fn pages_of_a_list_follow_each_other_and_keep_their_heads() {
        let heads = [5, 0, 7, 1, 0];
        let rows: Vec<u32> = (0..250).collect();
        let (mut seen, mut token) = (Vec::new(), String::new());
        loop {
            let page = FactPage::parse(100, &token).unwrap();
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
            assert!(FactPage::parse(1, foreign).is_err(), "{foreign}");
        }
        let fact = |sequence| FactRef { service: Service::Distribution, sequence, event: 0 };
        assert!(is_within(fact(7), &heads) && !is_within(fact(8), &heads));
    }
}

//! What a run came to, in numbers.

use core::fmt;
use std::collections::BTreeMap;
use std::time::Duration;

use super::faults::Fault;
use crate::account::Book;
use crate::chain::{Chain, Voids};

pub(crate) struct Report<'a> {
    pub(crate) seed: u64,
    pub(crate) took: Duration,
    pub(crate) book: &'a Book,
    pub(crate) chain: &'a Chain,
    pub(crate) faults: &'a [Fault],
    /// Programs that ended by themselves.
    pub(crate) ends: usize,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, took, book, chain, faults, ends } = self;
        let Voids { repeats, conflicts, foreign } = chain.voids;
        let commits = chain.commits().count();
        let reactions = chain.commits().filter(|commit| commit.cause.is_some()).count();
        let given_up = book.given_up.len();
        let found = chain.commits().filter(|commit| book.given_up.contains(&commit.request_id.to_string())).count();
        writeln!(f, "seed {seed}, {:.0} s", took.as_secs_f32())?;
        writeln!(
            f,
            "  commands {}: acknowledged {}, refused {}, given up {given_up} (of them found {found})",
            book.sent.len(),
            book.acknowledged.len(),
            book.refused.len()
        )?;
        writeln!(
            f,
            "  sent again {}, sent twice and answered alike {}, calls without an answer in time {}",
            book.retries, book.twice, book.timeouts
        )?;
        writeln!(
            f,
            "  commits {commits}, of them reactions {reactions}; void: repeats {repeats}, conflicts {conflicts}, foreign {foreign}"
        )?;
        let mut counts = BTreeMap::<Fault, usize>::new();
        for fault in *faults {
            *counts.entry(*fault).or_default() += 1;
        }
        write!(f, "  faults {counts:?}; programs that ended by themselves {ends}")
    }
}

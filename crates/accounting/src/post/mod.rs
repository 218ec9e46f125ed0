//! Posting: a total, pure function of one commit.
//!
//! Every entry balances in every book that it touches and for every product. Nothing is looked up: events carry what
//! posting needs. What no single fact can know (cost of a lot, cost of sales) is not posted; see `valuation`.
//!
//! `docs/postings.md` has a row for every fact. Two of its choices: a co-op that supplies another party earns in
//! 6001, and its commission and charges as a consignor stand in 6602, 6601 and 6402 by kind; charges on an agreed-price
//! settlement are a cost (5401) of the producer, whose gross is what it is owed plus those charges.

mod goods;
mod money;

use loopledger_facts::{Commit, Event, distribution, facts, procurement, sales, station};

use crate::{Exception, Journal};

/// A fact that is posted, as the list of facts says.
trait Post {
    fn post(&self, journal: &mut Journal);
}

/// Calls `Post` if the list says `post`.
macro_rules! if_posted {
    (post $fact:ident $journal:ident) => {
        Post::post($fact, $journal)
    };
    (_ $fact:ident $journal:ident) => {{
        let _ = $fact;
    }};
}

macro_rules! posting {
    ($(
        $service:ident $variant:ident $package:literal {
            $($fact:ident [$post:tt $fold:tt $file:tt] $readers:tt;)*
        }
    )*) => {
        fn post_event(event: &Event, journal: &mut Journal) {
            match event {
                $(Event::$variant(event) => match event {
                    $($service::Event::$fact(fact) => if_posted!($post fact journal),)*
                    $service::Event::UpstreamIgnored(_)
                    | $service::Event::AnswerRepeated(_)
                    | $service::Event::TailLost(_) => {}
                },)*
            }
        }
    };
}

facts!(posting);

/// Posts every event of `commit` into `journal`, which is cleared first.
pub fn post(commit: &Commit, journal: &mut Journal) {
    journal.clear();
    for (index, event) in commit.events.iter().enumerate() {
        journal.begin_event(u32::try_from(index).unwrap_or(u32::MAX));
        post_event(event, journal);
    }
}

/// Why a commit must not be written: its entries do not balance. A bug of the rules that decided it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the commit does not post cleanly: {exceptions:?}")]
pub struct Unbalanced {
    pub exceptions: Vec<Exception>,
}

/// Whether `commit` posts without an exception.
pub fn check(commit: &Commit) -> Result<(), Unbalanced> {
    check_with(commit, &mut Journal::new())
}

/// The same with a buffer of the caller's, for hot paths.
pub fn check_with(commit: &Commit, journal: &mut Journal) -> Result<(), Unbalanced> {
    post(commit, journal);
    if journal.exceptions().is_empty() { Ok(()) } else { Err(Unbalanced { exceptions: journal.exceptions().to_vec() }) }
}

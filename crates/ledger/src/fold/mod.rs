//! Folding one commit: first what its events say of parties, lots, orders and income, then its journal entries.
//!
//! Nothing here decides anything: a fact that names something unknown makes a row for it, and is found again when
//! that is created.

mod directory;
mod document;
mod goods;
mod money;
mod orders;

use loopledger_facts::{Commit, Event, PartyKind, PartyRef, distribution, facts, procurement, sales, station};
use loopledger_types::{BusinessDate, PartyId, ProductId};

pub(crate) use directory::{ProfileRecord, read_profile};

use crate::book_records::{self, BookRecord};
use crate::fact::CommitKey;
use crate::heads::{self, Document, EventHead};
use crate::kinds::{party_kind_code, party_kind_of};
use crate::store::{Reader, RecordOffset};
use crate::tables::{Number, Tables};
use crate::{Exception, FactRef, Journal, ListedException, balances};

/// What the fold of one event needs to know besides the event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At {
    pub(crate) fact: FactRef,
    pub(crate) recorded_on: BusinessDate,
    pub(crate) document: Option<Document>,
}

impl At {
    fn of(commit: &Commit, event: u32, recorded_on: BusinessDate) -> Self {
        let of_commit = usize::try_from(event).ok().and_then(|index| commit.events.get(index));
        Self { fact: FactRef::of(commit, event), recorded_on, document: of_commit.and_then(document::document) }
    }

    /// The head of the event's facts on its business date.
    pub(crate) const fn on(&self, date: BusinessDate) -> EventHead {
        EventHead { at: self.fact, date, recorded_on: self.recorded_on, document: self.document }
    }
}

/// A fact that changes tables of the ledger, as the list of facts says.
trait Fold {
    fn fold(&self, at: At, tables: &mut Tables);
}

/// Calls `Fold` if the list says `fold`.
macro_rules! if_folded {
    (fold $fact:ident $at:ident $tables:ident) => {
        Fold::fold($fact, $at, $tables)
    };
    (_ $fact:ident $at:ident $tables:ident) => {{
        let _ = $fact;
    }};
}

macro_rules! folding {
    ($(
        $service:ident $variant:ident $package:literal {
            $($fact:ident [$post:tt $fold:tt $file:tt] $readers:tt;)*
        }
    )*) => {
        fn fold_event(event: &Event, at: At, tables: &mut Tables) {
            match event {
                $(Event::$variant(event) => match event {
                    $($service::Event::$fact(fact) => if_folded!($fold fact at tables),)*
                    $service::Event::UpstreamIgnored(_)
                    | $service::Event::AnswerRepeated(_)
                    | $service::Event::TailLost(_) => {}
                },)*
            }
        }
    };
}

facts!(folding);

/// Folds what the events themselves say.
pub(crate) fn facts(commit: &Commit, recorded_on: BusinessDate, tables: &mut Tables) {
    for (index, event) in (0_u32..).zip(&commit.events) {
        let at = At::of(commit, index, recorded_on);
        fold_event(event, at, tables);
    }
}

/// Folds the journal: sums of money, movements of goods, and which books were touched.
pub(crate) fn entries(commit: &Commit, journal: &Journal, recorded_on: BusinessDate, tables: &mut Tables) {
    let newest = CommitKey::new(commit.stream.service, commit.sequence);
    for entry in journal.entries() {
        let month = tables.month_of(entry.date);
        let at = At::of(commit, entry.event, recorded_on);
        let mut book: Option<(PartyId, Number)> = None;
        for line in journal.money(entry) {
            let number = match book {
                Some((id, number)) if id == line.book.id => number,
                _ => {
                    let number = party(line.book, tables);
                    book_records::note_book(number, month, newest, at, entry.date, tables);
                    number
                }
            };
            book = Some((line.book.id, number));
            balances::add(number, month, line, tables);
        }
        for pair in journal.goods(entry).chunks_exact(2) {
            if let [from, to] = pair {
                goods::moved(at, entry, (from, to), tables);
            }
        }
    }
}

/// The row of a party, with its kind.
pub(crate) fn party(party: PartyRef, tables: &mut Tables) -> Number {
    let number = tables.party(party.id);
    if tables.parties.value(number).is_some_and(|row| row.kind.is_none()) {
        tables.parties.update(number, |row| row.kind = Some(party.kind));
    }
    number
}

/// Income of a household; nothing for any other producer.
fn income(producer: PartyRef, date: BusinessDate, touch: &BookRecord, at: At, tables: &mut Tables) {
    if producer.kind == PartyKind::Household {
        let number = party(producer, tables);
        book_records::append(number, date, touch, at, tables);
    }
}

pub(crate) fn exception(
    commit: &Commit,
    exception: &Exception,
    (previous, recorded_on): (RecordOffset, BusinessDate),
    tables: &mut Tables,
) -> RecordOffset {
    let (Exception::Money { event, .. } | Exception::Goods { event, .. } | Exception::BuyerInLoop { event, .. }) =
        exception;
    // Exceptions are listed by where they were found; the day is not used.
    let head = heads::offset(&At::of(commit, *event, recorded_on).on(recorded_on), tables);
    tables.log.append(previous, head, |out| match exception {
        Exception::Money { book, amount, .. } => {
            out.byte(0).id(&book.id.0).byte(party_kind_code(book.kind)).signed(*amount);
        }
        Exception::Goods { product, quantity, .. } => {
            out.byte(1).id(&product.0).signed(*quantity);
        }
        Exception::BuyerInLoop { buyer, .. } => {
            out.byte(2).id(&buyer.0);
        }
    })
}

pub(crate) fn read_exception(mut reader: Reader<'_>, head: RecordOffset, tables: &Tables) -> Option<ListedException> {
    let from = &mut reader;
    let at = heads::read(head, tables)?.at;
    let event = at.event;
    let exception = match from.byte()? {
        0 => {
            let id = PartyId(from.id()?);
            let book = PartyRef { id, kind: party_kind_of(from.byte()?)? };
            Exception::Money { event, book, amount: from.signed()? }
        }
        1 => Exception::Goods { event, product: ProductId(from.id()?), quantity: from.signed()? },
        2 => Exception::BuyerInLoop { event, buyer: PartyId(from.id()?) },
        _ => return None,
    };
    Some(ListedException { at, exception })
}

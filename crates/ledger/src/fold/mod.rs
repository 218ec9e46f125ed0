//! Folding one commit: first what its events say of parties, lots, orders and income, then its journal entries.
//!
//! Nothing here decides anything: a fact that names something unknown makes a row for it, and is found again when
//! that is created.

mod directory;
mod document;
mod goods;
mod money;

use loopledger_domain::{
    Commit, Event, Occasion, PartyKind, PartyRef, StockLine, distribution, procurement, sales, station,
};
use loopledger_types::{BusinessDate, OrderId, PartyId, ProductId};

use directory::PlaceRecord;
pub(crate) use directory::{ProfileRecord, read_profile};

use crate::fact::CommitKey;
use crate::heads::{self, Document, EventHead};
use crate::kinds::{party_kind_code, party_kind_of};
use crate::orders::{self, OrderStep};
use crate::store::{Reader, RecordOffset};
use crate::tables::{Number, Tables};
use crate::touch::{self, Touch};
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

/// Folds what the events themselves say.
pub(crate) fn facts(commit: &Commit, recorded_on: BusinessDate, tables: &mut Tables) {
    for (index, event) in (0_u32..).zip(&commit.events) {
        let at = At::of(commit, index, recorded_on);
        match event {
            Event::Procurement(event) => procurement(event, at, tables),
            Event::Station(event) => station(event, at, tables),
            Event::Distribution(event) => distribution(event, at, tables),
            Event::Sales(event) => sales(event, at, tables),
        }
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
                    touch::note_book(number, month, newest, at, entry.date, tables);
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

fn procurement(event: &procurement::Event, at: At, tables: &mut Tables) {
    use procurement::Event as E;
    match event {
        E::HouseholdRegistered(fact) => directory::household(fact, at, tables),
        E::HouseholdCategoryChanged(fact) => {
            let record = ProfileRecord::Category { category: fact.category, from: fact.from };
            directory::household_changed(fact.household, &record, fact.from, at, tables);
        }
        E::MemberJoined(fact) => {
            let record = ProfileRecord::Joined { from: fact.member.from };
            directory::household_changed(fact.household, &record, fact.member.from, at, tables);
        }
        E::MemberLeft(fact) => {
            let record = ProfileRecord::Left { from: fact.from };
            directory::household_changed(fact.household, &record, fact.from, at, tables);
        }
        E::HouseholdRelocated(fact) => {
            let record = ProfileRecord::Division { division: fact.division, from: fact.from };
            directory::household_changed(fact.household, &record, fact.from, at, tables);
        }
        E::PartyRegistered(fact) => directory::party(fact, at, tables),
        E::ProductRegistered(fact) => directory::product(fact, at, tables),
        E::PurchaseAccepted(fact) => money::purchase_accepted(fact, at, tables),
        E::PayableOpened(fact) => money::payable_opened(fact, at, tables),
        E::PayoutMade(fact) => money::payout(fact, fact.occasion.business_date, false, at, tables),
        E::PayoutFailed(fact) => money::payout(&fact.original, fact.occasion.business_date, true, at, tables),
        E::LinkageContracted(_)
        | E::PurchaseDeclined(_)
        | E::UpstreamIgnored(_)
        | E::AnswerRepeated(_)
        | E::TailLost(_) => {}
    }
}

fn station(event: &station::Event, at: At, tables: &mut Tables) {
    use station::Event as E;
    match event {
        E::StationOpened(fact) => directory::place(&PlaceRecord::from(fact), fact.operator, fact.station, at, tables),
        E::GoodsCollected(fact) => goods::collected(fact, at, tables),
        E::GoodsBoughtIn(fact) => goods::bought_in(fact, at, tables),
        E::StockReserved(fact) => order(fact.order, OrderStep::Reserved, &fact.picks, &fact.occasion, at, tables),
        E::StockRefused(fact) => order(fact.order, OrderStep::Refused, &[], &fact.occasion, at, tables),
        E::ReservationReleased(fact) => order(fact.order, OrderStep::Released, &fact.picks, &fact.occasion, at, tables),
        E::GoodsIssued(fact) => order(fact.order, OrderStep::Issued, &fact.issued, &fact.occasion, at, tables),
        E::GoodsReleased(_)
        | E::GoodsReturned(_)
        | E::GoodsHandedOver(_)
        | E::GoodsTakenBack(_)
        | E::StockTakenIn(_)
        | E::CancelRefused(_)
        | E::UpstreamIgnored(_)
        | E::AnswerRepeated(_)
        | E::TailLost(_) => {}
    }
}

fn distribution(event: &distribution::Event, at: At, tables: &mut Tables) {
    use distribution::Event as E;
    match event {
        E::SiteOpened(fact) => directory::place(&PlaceRecord::from(fact), fact.operator, fact.site, at, tables),
        E::ShipmentDispatched(fact) => money::freight(fact, at, tables),
        E::ShipmentReceived(fact) => goods::received(fact, at, tables),
        E::GoodsBoughtIn(fact) => goods::bought_in(fact, at, tables),
        E::StockReserved(fact) => order(fact.order, OrderStep::Reserved, &fact.picks, &fact.occasion, at, tables),
        E::StockRefused(fact) => order(fact.order, OrderStep::Refused, &[], &fact.occasion, at, tables),
        E::ReservationReleased(fact) => order(fact.order, OrderStep::Released, &fact.picks, &fact.occasion, at, tables),
        E::GoodsIssued(fact) => order(fact.order, OrderStep::Issued, &fact.issued, &fact.occasion, at, tables),
        E::HandOverRefused(_) | E::CancelRefused(_) | E::UpstreamIgnored(_) | E::AnswerRepeated(_) | E::TailLost(_) => {
        }
    }
}

fn sales(event: &sales::Event, at: At, tables: &mut Tables) {
    use sales::Event as E;
    match event {
        E::OrderPlaced(fact) => order(fact.order, OrderStep::Placed, &[], &fact.occasion, at, tables),
        E::OrderLineCancelled(fact) => order(fact.order, OrderStep::LineCancelled, &[], &fact.occasion, at, tables),
        E::CancellationRequested(fact) => {
            order(fact.order, OrderStep::CancelRequested, &[], &fact.occasion, at, tables);
        }
        E::OrderLineStands(fact) => order(fact.order, OrderStep::LineStands, &[], &fact.occasion, at, tables),
        E::OrderFulfilled(fact) => money::fulfilled(fact, at, tables),
        E::PaymentReceived(fact) => order(fact.order, OrderStep::Paid, &[], &fact.occasion, at, tables),
        E::PrepaymentReturned(fact) => {
            order(fact.order, OrderStep::PrepaymentReturned, &[], &fact.occasion, at, tables);
        }
        E::ConsignmentSettled(fact) => money::settled(fact, at, tables),
        E::ChannelOpened(_) | E::UpstreamIgnored(_) | E::AnswerRepeated(_) | E::TailLost(_) => {}
    }
}

/// A step of an order, with the lots that it names.
fn order(id: OrderId, step: OrderStep, lines: &[StockLine], occasion: &Occasion, at: At, tables: &mut Tables) {
    orders::note(id, step, &at.on(occasion.business_date), lines, tables);
}

/// Income of a household; nothing for any other producer.
fn income(producer: PartyRef, date: BusinessDate, touch: &Touch, at: At, tables: &mut Tables) {
    if producer.kind == PartyKind::Household {
        let number = party(producer, tables);
        touch::append(number, date, touch, at, tables);
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
    // Exceptions are listed by where they were found; the day matters to nobody.
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

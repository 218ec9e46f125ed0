//! Folding one commit: first what its events say of parties, lots, orders and income, then its journal entries.
//!
//! Nothing here decides anything: a fact that names something unknown makes a row for it, and is found again when
//! that is created.

mod directory;
mod goods;
mod money;

use loopledger_domain::{Commit, Event, PartyKind, PartyRef, distribution, procurement, sales, station};
use loopledger_types::{BusinessDate, PartyId, ProductId};

use directory::PlaceRecord;
pub(crate) use directory::{ProfileRecord, read_profile};

use crate::fact::CommitKey;
use crate::orders::{self, OrderStep};
use crate::store::{Reader, RecordOffset};
use crate::tables::{Number, Tables, party_kind_code, party_kind_of};
use crate::touch::{self, Touch};
use crate::{Exception, FactRef, Journal, ListedException, balances};

/// What the fold of one event needs to know besides the event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At {
    pub(crate) fact: FactRef,
    pub(crate) recorded_on: BusinessDate,
}

/// Folds what the events themselves say.
pub(crate) fn facts(commit: &Commit, recorded_on: BusinessDate, tables: &mut Tables) {
    for (index, event) in (0_u32..).zip(&commit.events) {
        let at = At { fact: FactRef::of(commit, index), recorded_on };
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
        let month = entry.date.month();
        let at = FactRef::of(commit, entry.event);
        let mut book: Option<(PartyId, Number)> = None;
        for line in journal.money(entry) {
            let number = match book {
                Some((id, number)) if id == line.book.id => number,
                _ => {
                    let number = party(line.book, tables);
                    touch::note_book(number, month, newest, At { fact: at, recorded_on }, entry.date, tables);
                    number
                }
            };
            book = Some((line.book.id, number));
            balances::add(number, month, line, tables);
        }
        let document = commit.events.get(usize::try_from(entry.event).unwrap_or(0)).and_then(goods::document);
        for pair in journal.goods(entry).chunks_exact(2) {
            if let [from, to] = pair {
                goods::moved(at, entry, (from, to), document, tables);
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
        E::HouseholdRegistered(fact) => directory::household(fact, tables),
        E::HouseholdCategoryChanged(fact) => {
            let record = ProfileRecord::Category { category: fact.category, from: fact.from };
            directory::profile(fact.household, PartyKind::Household, &record, tables);
        }
        E::MemberJoined(fact) => {
            let record = ProfileRecord::Joined { from: fact.member.from };
            directory::profile(fact.household, PartyKind::Household, &record, tables);
        }
        E::MemberLeft(fact) => {
            let record = ProfileRecord::Left { from: fact.from };
            directory::profile(fact.household, PartyKind::Household, &record, tables);
        }
        E::HouseholdRelocated(fact) => {
            let record = ProfileRecord::Division { division: fact.division, from: fact.from };
            directory::profile(fact.household, PartyKind::Household, &record, tables);
        }
        E::PartyRegistered(fact) => directory::party(fact, tables),
        E::ProductRegistered(fact) => directory::product(fact, tables),
        E::PurchaseAccepted(fact) => money::purchase_accepted(fact, at, tables),
        E::PayableOpened(fact) => money::payable_opened(fact, at, tables),
        E::PayoutMade(fact) => money::payout(fact, fact.occasion.business_date, false, at, tables),
        E::PayoutFailed(fact) => money::payout(&fact.original, fact.occasion.business_date, true, at, tables),
        E::LinkageContracted(_) | E::PurchaseDeclined(_) | E::UpstreamIgnored(_) => {}
    }
}

fn station(event: &station::Event, at: At, tables: &mut Tables) {
    use station::Event as E;
    match event {
        E::StationOpened(fact) => directory::place(&PlaceRecord::from(fact), fact.operator, fact.station, tables),
        E::GoodsCollected(fact) => goods::collected(fact, at, tables),
        E::GoodsBoughtIn(fact) => goods::bought_in(fact, at, tables),
        E::StockReserved(fact) => orders::note(fact.order, OrderStep::Reserved, at.fact, &fact.picks, tables),
        E::StockRefused(fact) => orders::note(fact.order, OrderStep::Refused, at.fact, &[], tables),
        E::ReservationReleased(fact) => orders::note(fact.order, OrderStep::Released, at.fact, &fact.picks, tables),
        E::GoodsIssued(fact) => orders::note(fact.order, OrderStep::Issued, at.fact, &fact.issued, tables),
        E::GoodsReleased(_)
        | E::GoodsReturned(_)
        | E::GoodsHandedOver(_)
        | E::GoodsTakenBack(_)
        | E::StockTakenIn(_)
        | E::CancelRefused(_)
        | E::UpstreamIgnored(_) => {}
    }
}

fn distribution(event: &distribution::Event, at: At, tables: &mut Tables) {
    use distribution::Event as E;
    match event {
        E::SiteOpened(fact) => directory::place(&PlaceRecord::from(fact), fact.operator, fact.site, tables),
        E::ShipmentDispatched(fact) => money::freight(fact, at, tables),
        E::ShipmentReceived(fact) => goods::received(fact, at, tables),
        E::GoodsBoughtIn(fact) => goods::bought_in(fact, at, tables),
        E::StockReserved(fact) => orders::note(fact.order, OrderStep::Reserved, at.fact, &fact.picks, tables),
        E::StockRefused(fact) => orders::note(fact.order, OrderStep::Refused, at.fact, &[], tables),
        E::ReservationReleased(fact) => orders::note(fact.order, OrderStep::Released, at.fact, &fact.picks, tables),
        E::GoodsIssued(fact) => orders::note(fact.order, OrderStep::Issued, at.fact, &fact.issued, tables),
        E::HandOverRefused(_) | E::CancelRefused(_) | E::UpstreamIgnored(_) => {}
    }
}

fn sales(event: &sales::Event, at: At, tables: &mut Tables) {
    use sales::Event as E;
    match event {
        E::OrderPlaced(fact) => orders::note(fact.order, OrderStep::Placed, at.fact, &[], tables),
        E::OrderLineCancelled(fact) => orders::note(fact.order, OrderStep::LineCancelled, at.fact, &[], tables),
        E::CancellationRequested(fact) => orders::note(fact.order, OrderStep::CancelRequested, at.fact, &[], tables),
        E::OrderLineStands(fact) => orders::note(fact.order, OrderStep::LineStands, at.fact, &[], tables),
        E::OrderFulfilled(fact) => money::fulfilled(fact, at, tables),
        E::PaymentReceived(fact) => orders::note(fact.order, OrderStep::Paid, at.fact, &[], tables),
        E::PrepaymentReturned(fact) => orders::note(fact.order, OrderStep::PrepaymentReturned, at.fact, &[], tables),
        E::ConsignmentSettled(fact) => money::settled(fact, at, tables),
        E::ChannelOpened(_) | E::UpstreamIgnored(_) => {}
    }
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
    previous: RecordOffset,
    tables: &mut Tables,
) -> RecordOffset {
    tables.log.append(previous, |out| match exception {
        Exception::Money { event, book, amount } => {
            FactRef::of(commit, *event).write(out);
            out.byte(0).id(&book.id.0).byte(party_kind_code(book.kind)).signed(*amount);
        }
        Exception::Goods { event, product, quantity } => {
            FactRef::of(commit, *event).write(out);
            out.byte(1).id(&product.0).signed(*quantity);
        }
        Exception::BuyerInLoop { event, buyer } => {
            FactRef::of(commit, *event).write(out);
            out.byte(2).id(&buyer.0);
        }
    })
}

pub(crate) fn read_exception(from: &mut Reader<'_>) -> Option<ListedException> {
    let at = FactRef::read(from)?;
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

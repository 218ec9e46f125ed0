//! How facts change what sales remembers. No rules: what was decided is done.

use std::sync::Arc;

use loopledger_types::{BusinessDate, DivisionCode, Money, OrderId, PartyId, PlaceId, Quantity, Service};

use super::{
    Channel, ConsignedPool, ConsignmentSettled, Entity, Event, Key, LineState, Lot, Order, OrderFulfilled, OrderPlaced,
    Party, Place, PoolKey, Sale, Sales, Settled, SettledLine, Tally,
};
use crate::station::GoodsCollected;
use crate::stock::Product;
use crate::{Dated, PartyKind, State, Title, distribution, numbers, procurement, station};

pub(super) fn evolve(state: &mut State<Sales>, event: &Event) {
    match event {
        Event::ChannelOpened(e) => {
            let channel = Channel {
                since: e.occasion.business_date,
                medium: e.medium,
                operator: e.operator,
                label: e.label.as_str().into(),
            };
            state.entities.put(Key::Channel(e.channel), Entity::Channel(Box::new(channel)));
        }
        Event::OrderPlaced(e) => placed(state, e),
        Event::CancellationRequested(e) => change(state, e.order, |order| {
            order.set(e.line, LineState::CancellationPending);
        }),
        Event::OrderLineCancelled(e) => {
            let on = e.occasion.business_date;
            let cancelled = LineState::Cancelled { on, refusal: e.refusal, available: e.available };
            change(state, e.order, |order| order.set(e.line, cancelled));
            free_number(state, e.order);
        }
        Event::OrderLineStands(e) => change(state, e.order, |order| order.stands(e.line)),
        Event::OrderFulfilled(e) => {
            change(state, e.order, |order| order.fulfilled(e));
            sold(state, e);
        }
        Event::PaymentReceived(e) => change(state, e.order, |order| {
            order.owed = Money(order.owed.0.saturating_sub(e.applied.0));
            order.prepaid.add(e.occasion.business_date, e.prepaid.0);
        }),
        Event::PrepaymentReturned(e) => change(state, e.order, |order| {
            order.prepaid.take(e.occasion.business_date, e.amount.0);
        }),
        Event::ConsignmentSettled(e) => settled(state, e),
        Event::UpstreamIgnored(_) | Event::AnswerRepeated(_) | Event::TailLost(_) => {}
    }
}

pub(super) fn note(state: &mut State<Sales>, event: &crate::Event) {
    match event {
        crate::Event::Procurement(procurement::Event::HouseholdRegistered(e)) => {
            put_party(state, e.household, PartyKind::Household, (e.from, e.division));
        }
        crate::Event::Procurement(procurement::Event::PartyRegistered(e)) => {
            put_party(state, e.party.id, e.party.kind, (e.occasion.business_date, e.division));
        }
        crate::Event::Procurement(procurement::Event::ProductRegistered(e)) => {
            let product = Product { since: e.occasion.business_date, base: e.base };
            state.entities.put_reference(Key::Product(e.product), Entity::Product(product));
        }
        crate::Event::Station(station::Event::StationOpened(e)) => {
            put_place(state, e.station, e.kind.holder(), (e.occasion.business_date, e.division));
        }
        crate::Event::Distribution(distribution::Event::SiteOpened(e)) => {
            put_place(state, e.site, e.kind.holder(), (e.occasion.business_date, e.division));
        }
        crate::Event::Station(station::Event::GoodsCollected(e)) => collected(state, e),
        crate::Event::Procurement(_)
        | crate::Event::Station(_)
        | crate::Event::Distribution(_)
        | crate::Event::Sales(_) => {}
    }
}

impl Order {
    pub(super) fn set(&mut self, line: u32, state: LineState) {
        if let Some(slot) = usize::try_from(line).ok().and_then(|index| self.states.get_mut(index)) {
            *slot = state;
        }
    }

    /// The holder did not release the line: whatever ended it meanwhile holds.
    pub(super) fn stands(&mut self, line: u32) {
        if self.line(line).is_some_and(|(_, state)| state == LineState::CancellationPending) {
            self.set(line, LineState::Open);
        }
    }

    pub(super) fn fulfilled(&mut self, fulfilled: &OrderFulfilled) {
        let (quantity, amount) = (fulfilled.quantity, fulfilled.amount);
        let on = fulfilled.occasion.business_date;
        self.set(fulfilled.line, LineState::Fulfilled { on, quantity, amount });
        self.prepaid.take(on, fulfilled.from_prepayment.0);
        let owed = amount.0.saturating_sub(fulfilled.from_prepayment.0);
        self.owed = Money(self.owed.0.saturating_add(owed));
    }
}

fn placed(state: &mut State<Sales>, event: &OrderPlaced) {
    let order = Order {
        number: event.number.as_str().into(),
        channel: event.channel,
        medium: event.medium,
        seller: event.seller,
        buyer: event.buyer,
        ordered_on: event.occasion.business_date,
        lines: Arc::from(event.lines.as_slice()),
        states: event.lines.iter().map(|_| LineState::Open).collect(),
        owed: Money::ZERO,
        prepaid: Dated::default(),
    };
    if let Some(number) = order.number_id() {
        let orders = numbers::with(state.numbered(number), event.order, order.ordered_on);
        state.entities.put(Key::Number(number), Entity::Number(orders));
    }
    state.entities.put(Key::Order(event.order), Entity::Order(Box::new(order)));
}

/// An order of which nothing is left keeps its number from no other.
fn free_number(state: &mut State<Sales>, id: OrderId) {
    let void = state.order(id).filter(|order| order.is_void());
    if let Some(number) = void.and_then(Order::number_id) {
        let orders = numbers::without(state.numbered(number), id);
        state.entities.put(Key::Number(number), Entity::Number(orders));
    }
}

fn change(state: &mut State<Sales>, id: OrderId, change: impl FnOnce(&mut Order)) {
    let Some(mut order) = state.order(id).cloned() else { return };
    change(&mut order);
    state.entities.put(Key::Order(id), Entity::Order(Box::new(order)));
}

fn sold(state: &mut State<Sales>, event: &OrderFulfilled) {
    for part in &event.parts {
        if matches!(part.stock.title, Title::Consigned { .. }) {
            let key = PoolKey { lot: part.stock.lot, pool: part.stock.pool };
            let mut tally = state.tally(key).cloned().unwrap_or_default();
            tally.shared = part.shared;
            let until = event.occasion.business_date;
            let sale = Sale { quantity: part.stock.quantity, amount: part.amount, until };
            tally.sold = plus(tally.sold, sale.quantity);
            match tally.unsettled.last_mut() {
                Some(last) if !part.shared => {
                    last.quantity = plus(last.quantity, sale.quantity);
                    last.amount = sum(last.amount, sale.amount);
                    last.until = last.until.max(until);
                }
                Some(_) | None => tally.unsettled.push(sale),
            }
            state.entities.put(Key::Tally(key), Entity::Tally(tally));
        }
    }
}

/// A settlement settles all that was sold of the pools that it names.
fn settled(state: &mut State<Sales>, event: &ConsignmentSettled) {
    for line in &event.lines {
        let key = PoolKey { lot: line.lot, pool: line.pool };
        if let Some(tally) = state.tally(key).filter(|tally| !tally.unsettled.is_empty()) {
            let tally = Tally { unsettled: Vec::new(), ..*tally };
            state.entities.put(Key::Tally(key), Entity::Tally(tally));
        }
        let before = state.settled(line.receipt);
        state.entities.put(Key::Settled(line.receipt), Entity::Settled(before.with(line)));
    }
}

impl Settled {
    /// The same, and the line.
    pub(super) fn with(self, line: &SettledLine) -> Self {
        Self { source_quantity: plus(self.source_quantity, line.source_quantity), gross: sum(self.gross, line.gross) }
    }
}

fn plus(a: Quantity, b: Quantity) -> Quantity {
    a.checked_add(b).expect("quantities of one lot or receipt stay far below 2^63")
}

fn sum(a: Money, b: Money) -> Money {
    a.checked_add(b).expect("amounts of one lot or receipt stay far below 2^63")
}

fn put_party(state: &mut State<Sales>, id: PartyId, kind: PartyKind, (since, division): (BusinessDate, DivisionCode)) {
    state.entities.put_reference(Key::Party(id), Entity::Party(Party { kind, since, division }));
}

fn put_place(state: &mut State<Sales>, id: PlaceId, holder: Service, (since, division): (BusinessDate, DivisionCode)) {
    state.entities.put_reference(Key::Place(id), Entity::Place(Place { since, holder, division }));
}

/// A lot of one origin, hence of one pool.
fn collected(state: &mut State<Sales>, event: &GoodsCollected) {
    if let Title::Consigned { consignee, mode } = event.origin.terms.title() {
        let pool = ConsignedPool { pool: 0, consignee, mode, origins: Arc::new([event.origin]) };
        let lot = Lot { product: event.product, pools: Arc::new([pool]) };
        state.entities.put_reference(Key::Lot(event.lot), Entity::Lot(Box::new(lot)));
    }
}

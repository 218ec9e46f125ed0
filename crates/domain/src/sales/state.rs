//! What sales remembers: channels, orders until they are issued and paid, what was sold of consigned pools and not yet
//! settled, and what it needs to know of parties, products, places and consigned lots.

use std::collections::BTreeSet;
use std::sync::Arc;

use loopledger_types::{
    BusinessDate, ChannelId, DivisionCode, LotId, Money, NumberId, OrderId, PartyId, PlaceId, ProductId, Quantity,
    ReceiptId, Service,
};

use super::{OrderLine, Sales};
use crate::stock::{Product, StockRefusal};
use crate::{BuyerRef, Dated, Index, Medium, Origin, Paper, PartyKind, PartyRef, SettlementMode, State};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// Reference.
    Party(PartyId),
    /// Reference.
    Product(ProductId),
    /// Reference: any place that holds stock.
    Place(PlaceId),
    /// Reference: the consigned pools of a lot.
    Lot(LotId),
    Channel(ChannelId),
    Order(OrderId),
    Tally(PoolKey),
    /// What was settled of a receipt.
    Settled(ReceiptId),
    /// An order number of a seller in a business year.
    Number(NumberId),
}

/// A pool of a lot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PoolKey {
    pub lot: LotId,
    pub pool: u16,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entity {
    Party(Party),
    Product(Product),
    Place(Place),
    Lot(Box<Lot>),
    Channel(Box<Channel>),
    Order(Box<Order>),
    Tally(Tally),
    Settled(Settled),
    /// The orders that have it, oldest first; none if nothing is left of them.
    Number(Box<[Paper<OrderId>]>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Party {
    pub kind: PartyKind,
    /// The day from which on there is such a party.
    pub since: BusinessDate,
    /// Where it was registered, by the code of that day; a buyer does not move.
    pub division: DivisionCode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The day on which it opened.
    pub since: BusinessDate,
    /// Who holds stock there: station or distribution.
    pub holder: Service,
    pub division: DivisionCode,
}

/// The consigned pools of a lot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lot {
    pub product: ProductId,
    pub pools: Arc<[ConsignedPool]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsignedPool {
    /// Its index within the lot.
    pub pool: u16,
    pub consignee: PartyRef,
    pub mode: SettlementMode,
    /// In the lot's order, which decides ties.
    pub origins: Arc<[Origin]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// The day on which it opened.
    pub since: BusinessDate,
    pub medium: Medium,
    pub operator: PartyRef,
    pub label: Box<str>,
}

/// An order, until every line has ended and everything is paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub number: Box<str>,
    pub channel: ChannelId,
    pub medium: Medium,
    pub seller: PartyRef,
    pub buyer: BuyerRef,
    pub ordered_on: BusinessDate,
    /// What was ordered.
    pub lines: Arc<[OrderLine]>,
    /// What became of each line.
    pub states: Box<[LineState]>,
    /// What the buyer owes now, of issued goods.
    pub owed: Money,
    /// What is paid ahead, by day. Never together with something owed.
    pub prepaid: Dated,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineState {
    /// Waits for its holder: to be reserved, or issued.
    Open,
    CancellationPending,
    /// On request, or refused by its holder, with what that could have reserved.
    Cancelled {
        on: BusinessDate,
        refusal: Option<StockRefusal>,
        available: Option<Quantity>,
    },
    /// At actual weight.
    Fulfilled {
        on: BusinessDate,
        quantity: Quantity,
        amount: Money,
    },
}

impl LineState {
    /// Whether goods may still be issued for it.
    pub const fn may_be_issued(self) -> bool {
        match self {
            Self::Open | Self::CancellationPending => true,
            Self::Cancelled { .. } | Self::Fulfilled { .. } => false,
        }
    }

    /// The day on which it ended.
    pub const fn ended_on(self) -> Option<BusinessDate> {
        match self {
            Self::Open | Self::CancellationPending => None,
            Self::Cancelled { on, .. } | Self::Fulfilled { on, .. } => Some(on),
        }
    }
}

impl Order {
    pub fn line(&self, index: u32) -> Option<(&OrderLine, LineState)> {
        let index = usize::try_from(index).ok()?;
        Some((self.lines.get(index)?, *self.states.get(index)?))
    }

    /// What its number is unique by.
    pub fn number_id(&self) -> Option<NumberId> {
        NumberId::new(self.seller.id.0, self.ordered_on, &self.number)
    }

    /// Whether every line was cancelled.
    pub fn is_void(&self) -> bool {
        self.states.iter().all(|state| matches!(state, LineState::Cancelled { .. }))
    }

    /// What lines that may still be issued come to at the ordered quantity.
    pub fn open_amount(&self) -> Money {
        self.amount_of(LineState::may_be_issued)
    }

    /// What is paid ahead in all.
    pub fn prepaid(&self) -> Money {
        Money(self.prepaid.balance())
    }

    /// Prepayment that there is on that day, and that no line can use that is open on that day.
    pub fn returnable(&self, day: BusinessDate) -> Money {
        let open = self.amount_of(|state| state.ended_on().is_none_or(|ended| day < ended));
        Money(self.prepaid.on(day).checked_sub(open.0).map_or(0, |left| left.max(0)))
    }

    /// The first day on which that much can be returned.
    pub fn returnable_from(&self, wanted: Money) -> Option<BusinessDate> {
        let paid = self.prepaid.changes.iter().map(|change| change.day);
        let mut days: Vec<BusinessDate> = paid.chain(self.states.iter().filter_map(|state| state.ended_on())).collect();
        days.sort_unstable();
        days.into_iter().find(|day| self.returnable(*day) >= wanted)
    }

    fn amount_of(&self, counts: impl Fn(LineState) -> bool) -> Money {
        let lines = self.lines.iter().zip(&self.states).filter(|(_, state)| counts(**state));
        let amounts = lines.map(|(line, _)| line.amount);
        amounts.fold(Money::ZERO, |sum, amount| sum.checked_add(amount).expect("200 lines stay far below 2^63"))
    }

    /// The most that the customer can still pay: what is owed, and what open lines come to beyond the prepayment.
    pub fn payable(&self) -> Money {
        let ahead = self.open_amount().0.saturating_sub(self.prepaid().0).max(0);
        Money(self.owed.0.saturating_add(ahead))
    }
}

/// What was sold of a consigned pool, and what of that is still to be settled.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// In the lot's unit, so far.
    pub sold: Quantity,
    /// Whether several producers share the pool.
    pub shared: bool,
    /// The end of what was sold, oldest first. Of a shared pool each sale, since each is divided among its producers on
    /// its own; of any other their sum.
    pub unsettled: Vec<Sale>,
}

/// Goods of a pool that were sold, and what they brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sale {
    pub quantity: Quantity,
    pub amount: Money,
    /// The last day on which any of it was sold: it is not settled before.
    pub until: BusinessDate,
}

impl Tally {
    /// How much of what was sold is settled.
    pub fn settled(&self) -> Option<Quantity> {
        self.unsettled.iter().try_fold(self.sold, |settled, sale| settled.checked_sub(sale.quantity))
    }
}

/// What was settled of a receipt so far, over all its lots: what its producer is due follows from these sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settled {
    /// In the receipt's unit.
    pub source_quantity: Quantity,
    pub gross: Money,
}

impl crate::Entity for Entity {
    type Key = Key;

    fn is_closed(&self) -> bool {
        match self {
            Self::Party(_) | Self::Product(_) | Self::Place(_) | Self::Channel(_) => false,
            Self::Order(order) => {
                let open = order.states.iter().any(|state| state.may_be_issued());
                !open && order.owed == Money::ZERO && order.prepaid() == Money::ZERO
            }
            // The next sale of the pool loads it again.
            Self::Tally(tally) => tally.unsettled.is_empty(),
            // Loaded when they are needed: by a settlement of the lot or the receipt, by an order that asks for the number.
            Self::Lot(_) | Self::Settled(_) | Self::Number(_) => true,
        }
    }
}

/// What there is to list, by id.
#[derive(Debug, Default)]
pub struct Channels(BTreeSet<ChannelId>);

impl Channels {
    pub const fn ids(&self) -> &BTreeSet<ChannelId> {
        &self.0
    }
}

impl Index<Entity> for Channels {
    fn update(&mut self, key: &Key, _: Option<&Entity>, new: Option<&Entity>) {
        if let Key::Channel(id) = key {
            if new.is_some() {
                self.0.insert(*id);
            } else {
                self.0.remove(id);
            }
        }
    }
}

impl State<Sales> {
    pub fn party(&self, id: PartyId) -> Option<&Party> {
        let Entity::Party(party) = self.entities.get(&Key::Party(id))? else { return None };
        Some(party)
    }

    pub fn product(&self, id: ProductId) -> Option<&Product> {
        let Entity::Product(product) = self.entities.get(&Key::Product(id))? else { return None };
        Some(product)
    }

    pub fn place(&self, id: PlaceId) -> Option<&Place> {
        let Entity::Place(place) = self.entities.get(&Key::Place(id))? else { return None };
        Some(place)
    }

    pub fn lot(&self, id: LotId) -> Option<&Lot> {
        let Entity::Lot(lot) = self.entities.get(&Key::Lot(id))? else { return None };
        Some(lot)
    }

    pub fn channel(&self, id: ChannelId) -> Option<&Channel> {
        let Entity::Channel(channel) = self.entities.get(&Key::Channel(id))? else { return None };
        Some(channel)
    }

    pub fn order(&self, id: OrderId) -> Option<&Order> {
        let Entity::Order(order) = self.entities.get(&Key::Order(id))? else { return None };
        Some(order)
    }

    /// The orders that have a number.
    pub fn numbered(&self, number: NumberId) -> &[Paper<OrderId>] {
        match self.entities.get(&Key::Number(number)) {
            Some(Entity::Number(orders)) => orders,
            _ => &[],
        }
    }

    /// `None` if nothing was sold yet.
    pub fn tally(&self, key: PoolKey) -> Option<&Tally> {
        let Entity::Tally(tally) = self.entities.get(&Key::Tally(key))? else { return None };
        Some(tally)
    }

    /// Nothing yet, if it is not known.
    pub fn settled(&self, receipt: ReceiptId) -> Settled {
        match self.entities.get(&Key::Settled(receipt)) {
            Some(Entity::Settled(settled)) => *settled,
            _ => Settled::default(),
        }
    }

    /// Whether several producers share a pool that goods are sold of: as its tally says, or its lot before the first sale.
    pub(super) fn is_shared(&self, key: PoolKey) -> bool {
        match self.tally(key) {
            Some(tally) => tally.shared,
            None => self
                .lot(key.lot)
                .is_some_and(|lot| lot.pools.iter().any(|pool| pool.pool == key.pool && pool.origins.len() > 1)),
        }
    }
}

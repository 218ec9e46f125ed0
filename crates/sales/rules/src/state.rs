//! What sales remembers: channels, orders until they are issued and paid, what was sold of consigned pools and not yet
//! settled, and what it needs to know of parties, products, places and consigned lots.

use std::collections::BTreeSet;

use loopledger_rules::stock::Product;
use loopledger_rules::{Index, Paper, State};
use loopledger_types::{ChannelId, LotId, Money, NumberId, OrderId, PartyId, PlaceId, ProductId, ReceiptId};

use crate::Sales;
use crate::channels::Channel;
use crate::order::Order;
use crate::reference::{Party, Place};
use crate::settlement::{Lot, Settled, Tally};

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

impl loopledger_rules::Entity for Entity {
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

/// What is asked of the state.
pub trait SalesState {
    fn party(&self, id: PartyId) -> Option<&Party>;

    fn product(&self, id: ProductId) -> Option<&Product>;

    fn place(&self, id: PlaceId) -> Option<&Place>;

    fn lot(&self, id: LotId) -> Option<&Lot>;

    fn channel(&self, id: ChannelId) -> Option<&Channel>;

    fn order(&self, id: OrderId) -> Option<&Order>;

    /// The orders that have a number.
    fn numbered(&self, number: NumberId) -> &[Paper<OrderId>];

    /// `None` if nothing was sold yet.
    fn tally(&self, key: PoolKey) -> Option<&Tally>;

    /// Nothing yet, if it is not known.
    fn settled(&self, receipt: ReceiptId) -> Settled;

    /// Whether several producers share a pool that goods are sold of: as its tally says, or its lot before the first sale.
    fn is_shared(&self, key: PoolKey) -> bool;
}

impl SalesState for State<Sales> {
    fn party(&self, id: PartyId) -> Option<&Party> {
        let Entity::Party(party) = self.entities.get(&Key::Party(id))? else { return None };
        Some(party)
    }

    fn product(&self, id: ProductId) -> Option<&Product> {
        let Entity::Product(product) = self.entities.get(&Key::Product(id))? else { return None };
        Some(product)
    }

    fn place(&self, id: PlaceId) -> Option<&Place> {
        let Entity::Place(place) = self.entities.get(&Key::Place(id))? else { return None };
        Some(place)
    }

    fn lot(&self, id: LotId) -> Option<&Lot> {
        let Entity::Lot(lot) = self.entities.get(&Key::Lot(id))? else { return None };
        Some(lot)
    }

    fn channel(&self, id: ChannelId) -> Option<&Channel> {
        let Entity::Channel(channel) = self.entities.get(&Key::Channel(id))? else { return None };
        Some(channel)
    }

    fn order(&self, id: OrderId) -> Option<&Order> {
        let Entity::Order(order) = self.entities.get(&Key::Order(id))? else { return None };
        Some(order)
    }

    fn numbered(&self, number: NumberId) -> &[Paper<OrderId>] {
        let Some(Entity::Number(orders)) = self.entities.get(&Key::Number(number)) else { return &[] };
        orders
    }

    fn tally(&self, key: PoolKey) -> Option<&Tally> {
        let Entity::Tally(tally) = self.entities.get(&Key::Tally(key))? else { return None };
        Some(tally)
    }

    fn settled(&self, receipt: ReceiptId) -> Settled {
        let Some(Entity::Settled(settled)) = self.entities.get(&Key::Settled(receipt)) else {
            return Settled::default();
        };
        *settled
    }

    fn is_shared(&self, key: PoolKey) -> bool {
        match self.tally(key) {
            Some(tally) => tally.shared,
            None => self
                .lot(key.lot)
                .is_some_and(|lot| lot.pools.iter().any(|pool| pool.pool == key.pool && pool.origins.len() > 1)),
        }
    }
}

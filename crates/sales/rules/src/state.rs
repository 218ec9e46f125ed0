//! What sales remembers: channels, orders until they are issued and paid, what was sold of consigned pools and not yet
//! settled, and what it needs to know of parties, products, places and consigned lots.

use std::collections::BTreeSet;

use loopledger_rules::stock::Product;
use loopledger_rules::{Index, Paper, entities};
use loopledger_types::{ChannelId, LotId, NumberId, OrderId, PartyId, PlaceId, ProductId, ReceiptId};

use crate::Sales;
use crate::channels::Channel;
use crate::order::Order;
use crate::reference::{Party, Place};
use crate::settlement::{Lot, Settled, Tally};

entities! {
    sales_entities, [trait SalesState for Sales];

    /// Reference.
    0 Party(PartyId => Party)                   [never]                              [party];
    /// Reference.
    1 Product(ProductId => Product)             [never]                              [product];
    /// Reference: any place that holds stock.
    2 Place(PlaceId => Place)                   [never]                              [place];
    /// Reference: the consigned pools of a lot. Loaded by a settlement of it, and before the first sale of a pool.
    3 Lot(LotId => Box<Lot>)                    [always]                             [lot];
    4 Channel(ChannelId => Box<Channel>)        [never]                              [channel];
    5 Order(OrderId => Box<Order>)              [|order| order.is_over()]            [order];
    /// What was sold of a pool; none if nothing was sold yet. The next sale of the pool loads it again.
    6 Tally(PoolKey => Tally)                   [|tally| tally.unsettled.is_empty()] [tally];
    /// What was settled of a receipt. Loaded by the next settlement of it.
    7 Settled(ReceiptId => Settled)             [always]                             [settled or default];
    /// The orders that have a number of a seller in a business year, oldest first; none if nothing is left of them.
    /// Loaded by an order that asks for the number.
    8 Number(NumberId => Box<[Paper<OrderId>]>) [always]                             [numbered or default];
}

/// A pool of a lot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PoolKey {
    pub lot: LotId,
    pub pool: u16,
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

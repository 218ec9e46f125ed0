//! Which entities of this module a decision needs.

use loopledger_types::{PartyId, PlaceId};

use super::{BuyIn, CellKey, Holder, IssueGoods, Key, MoveLine, OrderLineKey};
use crate::{State, StockLine, sales};

/// Collects keys that nothing is known of.
///
/// Cells are never asked for: those that hold something are always in memory, and the others count as nothing.
#[derive(Debug)]
pub(crate) struct Missing<'s, H: Holder> {
    state: &'s State<H>,
    keys: Vec<<H::Entity as crate::Entity>::Key>,
}

impl<'s, H: Holder> Missing<'s, H> {
    pub(crate) const fn new(state: &'s State<H>) -> Self {
        Self { state, keys: Vec::new() }
    }

    pub(crate) fn into_keys(self) -> Vec<<H::Entity as crate::Entity>::Key> {
        self.keys
    }

    pub(crate) fn ask(&mut self, key: impl Into<<H::Entity as crate::Entity>::Key>) {
        let key = key.into();
        if !self.state.entities.is_known(&key) && !self.keys.contains(&key) {
            self.keys.push(key);
        }
    }

    pub(crate) fn ask_all(&mut self, keys: impl IntoIterator<Item = <H::Entity as crate::Entity>::Key>) {
        for key in keys {
            self.ask(key);
        }
    }

    /// Goods come to a place: how old they are is remembered where none of them lie yet.
    pub(crate) fn arrival<'a>(&mut self, place: PlaceId, lines: impl IntoIterator<Item = &'a StockLine>) {
        for line in lines {
            if self.state.cell(CellKey { place, lot: line.lot, pool: line.pool }).is_none() {
                self.ask(Key::Lot(line.lot));
            }
        }
    }

    pub(crate) fn buy_in(&mut self, command: &BuyIn) {
        self.ask(Key::Place(command.place));
        self.ask(Key::Party(command.owner));
        self.ask(Key::Party(command.supplier));
        self.ask(Key::Product(command.product));
    }

    pub(crate) fn issue(&mut self, command: &IssueGoods) {
        self.reservation(OrderLineKey { order: command.order, line: command.line });
    }

    pub(crate) fn reservation(&mut self, key: OrderLineKey) {
        self.ask(Key::Reservation(key));
    }

    /// What moving goods from an own place needs.
    pub(crate) fn movement(
        &mut self,
        (from, to): (PlaceId, PlaceId),
        principal: PartyId,
        carrier: PartyId,
        lines: &[MoveLine],
    ) {
        self.ask(Key::Place(from));
        self.ask(Key::Place(to));
        self.ask(Key::OtherPlace(to));
        self.ask(Key::Party(principal));
        self.ask(Key::Party(carrier));
        for line in lines {
            self.ask(Key::Product(line.product));
        }
    }

    /// What noting or answering an event of sales needs.
    pub(crate) fn sales(&mut self, event: &sales::Event) {
        match event {
            sales::Event::OrderPlaced(e) => {
                for line in e.lines.iter().filter(|line| line.holder == H::SERVICE) {
                    self.ask(Key::Place(line.place));
                }
            }
            sales::Event::CancellationRequested(e) if e.holder == H::SERVICE => {
                self.reservation(OrderLineKey { order: e.order, line: e.line });
            }
            sales::Event::CancellationRequested(_)
            | sales::Event::ChannelOpened(_)
            | sales::Event::OrderLineCancelled(_)
            | sales::Event::OrderLineStands(_)
            | sales::Event::OrderFulfilled(_)
            | sales::Event::PaymentReceived(_)
            | sales::Event::PrepaymentReturned(_)
            | sales::Event::ConsignmentSettled(_)
            | sales::Event::UpstreamIgnored(_)
            | sales::Event::AnswerRepeated(_)
            | sales::Event::TailLost(_) => {}
        }
    }
}

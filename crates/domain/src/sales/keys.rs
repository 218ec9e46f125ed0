//! Which entities a command or commit needs that may have left memory.

use loopledger_types::{NumberId, OrderId};

use super::{Command, Event, Key, Order, PoolKey, Sales, react};
use crate::{Commit, State, StockLine, Subject, Title};

pub(super) fn keys(state: &State<Sales>, subject: &Subject<'_, Command>) -> Vec<Key> {
    let mut missing = Missing { state, keys: Vec::new() };
    match subject {
        Subject::Command(command) => missing.command(command),
        Subject::Own(commit) => missing.own(commit),
        Subject::Upstream(commit) => missing.upstream(commit),
    }
    missing.keys
}

/// Collects keys that nothing is known of.
struct Missing<'s> {
    state: &'s State<Sales>,
    keys: Vec<Key>,
}

impl Missing<'_> {
    fn ask(&mut self, key: Key) {
        if !self.state.entities.is_known(&key) && !self.keys.contains(&key) {
            self.keys.push(key);
        }
    }

    fn command(&mut self, command: &Command) {
        match command {
            Command::OpenChannel(c) => self.ask(Key::Party(c.operator)),
            Command::PlaceOrder(c) => {
                self.ask(Key::Channel(c.channel));
                self.ask(Key::Party(c.seller));
                self.number(NumberId::new(c.seller.0, c.occasion.business_date, &c.number));
                if let Some(buyer) = c.buyer {
                    self.ask(Key::Party(buyer));
                }
                for line in &c.lines {
                    self.ask(Key::Product(line.product));
                    self.ask(Key::Place(line.place));
                }
            }
            Command::CancelOrderLine(c) => self.ask(Key::Order(c.order)),
            Command::RecordPayment(c) => self.ask(Key::Order(c.order)),
            Command::ReturnPrepayment(c) => self.ask(Key::Order(c.order)),
            Command::SettleConsignment(c) => {
                self.ask(Key::Party(c.consignee));
                for lot in &c.lots {
                    self.ask(Key::Lot(lot.lot));
                    let pools = self.state.lot(lot.lot).map_or(&[][..], |known| &known.pools);
                    for pool in pools {
                        self.ask(Key::Tally(PoolKey { lot: lot.lot, pool: pool.pool }));
                        for origin in pool.origins.iter() {
                            self.ask(Key::Settled(origin.receipt));
                        }
                    }
                }
            }
        }
    }

    fn own(&mut self, commit: &Commit) {
        for event in &commit.events {
            let crate::Event::Sales(event) = event else { continue };
            match event {
                Event::OrderLineCancelled(e) => self.order_and_number(e.order),
                Event::OrderPlaced(e) => {
                    self.number(NumberId::new(e.seller.id.0, e.occasion.business_date, &e.number));
                }
                Event::CancellationRequested(e) => self.ask(Key::Order(e.order)),
                Event::OrderLineStands(e) => self.ask(Key::Order(e.order)),
                Event::OrderFulfilled(e) => {
                    self.ask(Key::Order(e.order));
                    for part in &e.parts {
                        self.tally(&part.stock);
                    }
                }
                Event::PaymentReceived(e) => self.ask(Key::Order(e.order)),
                Event::PrepaymentReturned(e) => self.ask(Key::Order(e.order)),
                Event::ConsignmentSettled(e) => {
                    for line in &e.lines {
                        self.ask(Key::Tally(PoolKey { lot: line.lot, pool: line.pool }));
                        self.ask(Key::Settled(line.receipt));
                    }
                }
                // These create what they name, or change nothing.
                Event::ChannelOpened(_) | Event::UpstreamIgnored(_) | Event::AnswerRepeated(_) | Event::TailLost(_) => {
                }
            }
        }
    }

    /// What the answer is decided on, and what folding it changes.
    fn upstream(&mut self, commit: &Commit) {
        for (order, sold) in commit.heard().filter_map(react::touches) {
            // What was issued stands, so it frees no number.
            if sold.is_empty() {
                self.order_and_number(order);
            } else {
                self.ask(Key::Order(order));
            }
            for stock in sold {
                self.tally(stock);
                self.lot_before_first_sale(stock);
            }
        }
    }

    /// The lot says whether several producers share a pool that nothing was sold of yet.
    fn lot_before_first_sale(&mut self, stock: &StockLine) {
        let key = PoolKey { lot: stock.lot, pool: stock.pool };
        let first = self.state.entities.is_known(&Key::Tally(key)) && self.state.tally(key).is_none();
        if first && matches!(stock.title, Title::Consigned { .. }) {
            self.ask(Key::Lot(stock.lot));
        }
    }

    fn number(&mut self, number: Option<NumberId>) {
        if let Some(number) = number {
            self.ask(Key::Number(number));
        }
    }

    /// The number is known once the order is, and is free once every line is cancelled.
    fn order_and_number(&mut self, id: OrderId) {
        self.ask(Key::Order(id));
        self.number(self.state.order(id).and_then(Order::number_id));
    }

    fn tally(&mut self, stock: &StockLine) {
        if matches!(stock.title, Title::Consigned { .. }) {
            self.ask(Key::Tally(PoolKey { lot: stock.lot, pool: stock.pool }));
        }
    }
}

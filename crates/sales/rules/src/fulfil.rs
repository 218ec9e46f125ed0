//! A line is issued by its holder: that is the sale, at actual weight, and sales alone says what it comes to.

use std::collections::BTreeMap;

use loopledger_facts::sales::{FulfilledPart, OrderFulfilled};
use loopledger_facts::stock::GoodsIssued;
use loopledger_facts::{IgnoreReason, StockLine, Title, UpstreamIgnored, consequence};
use loopledger_rules::{Answer, Answers, Evolve, Missing, State};
use loopledger_types::{Money, OrderId, Quantity, largest_remainder};

use crate::order::{Order, change};
use crate::settlement::sold;
use crate::state::PoolKey;
use crate::{Key, Sales, SalesState as _};

/// Orders as they are after what the answers have said of them so far.
#[derive(Debug, Default)]
pub struct Draft {
    orders: BTreeMap<OrderId, Order>,
}

impl Answer<Sales> for GoodsIssued {
    fn keys(&self, missing: &mut Missing<'_, Sales>) {
        missing.ask(Key::Order(self.order));
        for stock in &self.issued {
            ask_tally(missing, stock);
            ask_lot_before_first_sale(missing, stock);
        }
    }

    fn answer(&self, answers: &mut Answers<'_, Sales>) {
        let known = answers.draft.orders.get(&self.order).or_else(|| answers.state.order(self.order));
        let Some((fulfilled, mut order)) =
            known.and_then(|order| Some((fulfilled(answers.state, order, self)?, order.clone())))
        else {
            return answers.say(UpstreamIgnored::of(&self.occasion, IgnoreReason::NotAsked));
        };
        order.fulfilled(&fulfilled);
        answers.draft.orders.insert(self.order, order);
        answers.say(fulfilled);
    }
}

/// The sale at actual weight. `None` if the order has no such line.
fn fulfilled(state: &State<Sales>, order: &Order, issued: &GoodsIssued) -> Option<OrderFulfilled> {
    let (line, _) = order.line(issued.line)?;
    let quantities: Vec<i64> = issued.issued.iter().map(|stock| stock.quantity.0).collect();
    let quantity = quantities.iter().try_fold(0_i64, |sum, quantity| sum.checked_add(*quantity)).map(Quantity);
    let quantity = quantity.expect("an issue's lines add up to the quantity that was asked for");
    // An issue cannot be refused here, and no amount is changed: its holder knows the price and refuses such a quantity.
    let amount = line.price.amount(quantity).filter(|amount| *amount <= Money::MAX);
    let amount = amount.expect("a holder issues no more than an amount can name");
    let amounts = largest_remainder(amount.0, &quantities).expect("an issue has lines of positive quantities");
    let parts = issued.issued.iter().zip(amounts).map(|(stock, amount)| FulfilledPart {
        stock: *stock,
        amount: Money(amount),
        shared: matches!(stock.title, Title::Consigned { .. })
            && is_shared(state, PoolKey { lot: stock.lot, pool: stock.pool }),
    });
    Some(OrderFulfilled {
        occasion: consequence(&issued.occasion),
        order: issued.order,
        line: issued.line,
        issue: issued.issue,
        channel: order.channel,
        medium: order.medium,
        place: issued.place,
        seller: order.seller,
        buyer: order.buyer,
        product: line.product,
        quantity,
        price: line.price,
        amount,
        from_prepayment: order.prepaid().min(amount),
        parts: parts.collect(),
    })
}

/// Whether several producers share a pool that goods are sold of: as its tally says, or its lot before the first sale.
fn is_shared(state: &State<Sales>, key: PoolKey) -> bool {
    match state.tally(key) {
        Some(tally) => tally.shared,
        None => state
            .lot(key.lot)
            .is_some_and(|lot| lot.pools.iter().any(|pool| pool.pool == key.pool && pool.origins.len() > 1)),
    }
}

/// The lot says whether several producers share a pool that nothing was sold of yet.
fn ask_lot_before_first_sale(missing: &mut Missing<'_, Sales>, stock: &StockLine) {
    let (state, key) = (missing.state(), PoolKey { lot: stock.lot, pool: stock.pool });
    let first = state.entities.is_known(&Key::Tally(key)) && state.tally(key).is_none();
    if first && matches!(stock.title, Title::Consigned { .. }) {
        missing.ask(Key::Lot(stock.lot));
    }
}

fn ask_tally(missing: &mut Missing<'_, Sales>, stock: &StockLine) {
    if matches!(stock.title, Title::Consigned { .. }) {
        missing.ask(Key::Tally(PoolKey { lot: stock.lot, pool: stock.pool }));
    }
}

impl Evolve<Sales> for OrderFulfilled {
    fn keys(&self, missing: &mut Missing<'_, Sales>) {
        missing.ask(Key::Order(self.order));
        for part in &self.parts {
            ask_tally(missing, &part.stock);
        }
    }

    fn evolve(&self, state: &mut State<Sales>) {
        change(state, self.order, |order| order.fulfilled(self));
        sold(state, self);
    }
}

//! Answers to the holders of stock: what they refuse, release or issue of an order.

use std::collections::BTreeMap;

use loopledger_types::{Money, OrderId, Quantity, largest_remainder};

use super::{Event, FulfilledPart, Order, OrderFulfilled, OrderLineCancelled, OrderLineStands, PoolKey, Sales};
use crate::stock::{CancelRefused, GoodsIssued, ReservationReleased, StockRefused, consequence};
use crate::{Commit, IgnoreReason, State, Title, UpstreamIgnored, distribution, station};

/// What a holder says that sales answers.
enum Said<'a> {
    Refused(&'a StockRefused),
    Released(&'a ReservationReleased),
    CancelRefused(&'a CancelRefused),
    Issued(&'a GoodsIssued),
}

fn said(event: &crate::Event) -> Option<Said<'_>> {
    use distribution::Event as D;
    use station::Event as S;
    match event {
        crate::Event::Station(S::StockRefused(e)) | crate::Event::Distribution(D::StockRefused(e)) => {
            Some(Said::Refused(e))
        }
        crate::Event::Station(S::ReservationReleased(e)) | crate::Event::Distribution(D::ReservationReleased(e)) => {
            Some(Said::Released(e))
        }
        crate::Event::Station(S::CancelRefused(e)) | crate::Event::Distribution(D::CancelRefused(e)) => {
            Some(Said::CancelRefused(e))
        }
        crate::Event::Station(S::GoodsIssued(e)) | crate::Event::Distribution(D::GoodsIssued(e)) => {
            Some(Said::Issued(e))
        }
        crate::Event::Station(_)
        | crate::Event::Distribution(_)
        | crate::Event::Procurement(_)
        | crate::Event::Sales(_) => None,
    }
}

pub(super) fn concerns(event: &crate::Event) -> bool {
    said(event).is_some()
}

/// The order that an event which concerns sales is about, and the pools that it sells of.
pub(super) fn touches(event: &crate::Event) -> Option<(OrderId, &[crate::StockLine])> {
    Some(match said(event)? {
        Said::Refused(e) => (e.order, &[]),
        Said::Released(e) => (e.order, &[]),
        Said::CancelRefused(e) => (e.order, &[]),
        Said::Issued(e) => (e.order, &e.issued),
    })
}

/// One answer to each event that concerns sales.
pub(super) fn react(state: &State<Sales>, upstream: &Commit) -> Vec<Event> {
    // Orders as they are after what this answer has said of them so far.
    let mut orders: BTreeMap<OrderId, Order> = BTreeMap::new();
    let mut events = Vec::new();
    for said in upstream.heard().filter_map(said) {
        match said {
            Said::Refused(e) => events.push(Event::OrderLineCancelled(OrderLineCancelled {
                occasion: consequence(&e.occasion),
                order: e.order,
                line: e.line,
                refusal: Some(e.reason),
                available: Some(e.available),
            })),
            Said::Released(e) => events.push(Event::OrderLineCancelled(OrderLineCancelled {
                occasion: consequence(&e.occasion),
                order: e.order,
                line: e.line,
                refusal: None,
                available: None,
            })),
            Said::CancelRefused(e) => events.push(Event::OrderLineStands(OrderLineStands {
                occasion: consequence(&e.occasion),
                order: e.order,
                line: e.line,
            })),
            Said::Issued(e) => {
                if !orders.contains_key(&e.order)
                    && let Some(order) = state.order(e.order)
                {
                    orders.insert(e.order, order.clone());
                }
                let order = orders.get_mut(&e.order);
                events.push(match order.and_then(|order| Some((fulfilled(state, order, e)?, order))) {
                    Some((fulfilled, order)) => {
                        order.fulfilled(&fulfilled);
                        Event::OrderFulfilled(fulfilled)
                    }
                    None => Event::UpstreamIgnored(UpstreamIgnored::of(&e.occasion, IgnoreReason::NotAsked)),
                });
            }
        }
    }
    events
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
            && state.is_shared(PoolKey { lot: stock.lot, pool: stock.pool }),
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

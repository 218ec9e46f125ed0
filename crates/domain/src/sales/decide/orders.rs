//! Orders and the cancelling of their lines.

use loopledger_types::{DivisionCode, EntityKind, NumberId, OrderId};

use super::{order, party};
use crate::numbers::same_number;
use crate::sales::{
    CancelOrderLine, CancellationRequested, LineState, OrderLine, OrderPlaced, PlaceOrder, PlaceOrderLine, Sales,
};
use crate::size::ORDER_LINES_MAX;
use crate::stock::{Checks, found, trades};
use crate::{BuyerRef, Context, PartyRef, Rejection, Rule, State};

pub(super) fn place(state: &State<Sales>, command: &PlaceOrder, context: &Context) -> Result<OrderPlaced, Rejection> {
    let mut checks = Checks::new(&command.occasion, context);
    let channel = found(state.channel(command.channel), EntityKind::Channel, command.channel)?;
    checks.rests_on(channel.since, command.channel);
    let seller = trades(party(&mut checks, state, command.seller)?)?;
    let buyer = buyer(&mut checks, state, command)?;
    let mut lines = Vec::with_capacity(command.lines.len());
    for (index, asked) in command.lines.iter().enumerate() {
        lines.push(line(&mut checks, state, index, asked)?);
    }
    checks.pass()?;
    if lines.len() > ORDER_LINES_MAX {
        return Err(Rejection::broken(Rule::TooLarge, context.request_id).with("lines_max", ORDER_LINES_MAX));
    }
    if let Some(buyer) = buyer {
        if buyer.id == seller.id {
            return Err(Rejection::broken(Rule::SellerIsBuyer, seller.id));
        }
        if buyer.kind.has_book() {
            return Err(Rejection::broken(Rule::BuyerInLoop, buyer.id));
        }
    }
    let number = NumberId::new(seller.id.0, command.occasion.business_date, &command.number);
    let orders = number.map_or(&[][..], |number| state.numbered(number));
    let same_number_as = same_number(orders, command.same_number_as, &command.number)?;
    let (division, scope) = (command.buyer_division, command.buyer_division.scope_from(state.county));
    Ok(OrderPlaced {
        occasion: command.occasion,
        order: OrderId::derive(context.request_id, context.stream, 0),
        number: command.number.clone(),
        channel: command.channel,
        medium: channel.medium,
        seller,
        buyer: BuyerRef { party: buyer, division, scope },
        lines,
        same_number_as,
    })
}

fn buyer(checks: &mut Checks, state: &State<Sales>, command: &PlaceOrder) -> Result<Option<PartyRef>, Rejection> {
    let Some(id) = command.buyer else { return Ok(None) };
    let buyer = party(checks, state, id)?;
    let registered = state.party(id).map(|party| party.division);
    // A buyer with a book is refused for that, wherever it stands.
    let elsewhere = |registered: &DivisionCode| !registered.is_same_unit(command.buyer_division);
    if let Some(registered) = registered.filter(|d| !buyer.kind.has_book() && elsewhere(d)) {
        let description = format!("The buyer is registered in {}.", registered.current());
        checks.refuse("buyer_division_code", "NOT_THE_REGISTERED_DIVISION", description);
    }
    Ok(Some(buyer))
}

fn line(
    checks: &mut Checks,
    state: &State<Sales>,
    index: usize,
    asked: &PlaceOrderLine,
) -> Result<OrderLine, Rejection> {
    let product = *found(state.product(asked.product), EntityKind::Product, asked.product)?;
    let place = found(state.place(asked.place), EntityKind::Place, asked.place)?;
    checks.rests_on(product.since, asked.product);
    checks.rests_on(place.since, asked.place);
    let (quantity, price) = (asked.quantity, asked.price);
    checks.unit(format!("lines[{index}].quantity"), quantity, product.base);
    let price_field = format!("lines[{index}].price");
    checks.price_unit(&price_field, price, product.base);
    Ok(OrderLine {
        product: asked.product,
        quantity: quantity.quantity,
        price,
        amount: checks.amount(&price_field, price, quantity.quantity),
        place: asked.place,
        holder: place.holder,
    })
}

pub(super) fn cancel_line(
    state: &State<Sales>,
    command: &CancelOrderLine,
    context: &Context,
) -> Result<CancellationRequested, Rejection> {
    let mut checks = Checks::new(&command.occasion, context);
    checks.pass()?;
    let order = order(&mut checks, state, command.order)?;
    let Some((line, line_state)) = order.line(command.line) else {
        let description = format!("The order has {} lines.", order.lines.len());
        return Err(Rejection::invalid("line", "OUT_OF_RANGE", description));
    };
    let subject = || format!("{}/{}", command.order, command.line);
    match line_state {
        LineState::Open => {}
        LineState::CancellationPending => return Err(Rejection::broken(Rule::CancellationPending, subject())),
        LineState::Cancelled { .. } | LineState::Fulfilled { .. } => {
            return Err(Rejection::broken(Rule::LineNotOpen, subject()));
        }
    }
    Ok(CancellationRequested {
        occasion: command.occasion,
        order: command.order,
        line: command.line,
        place: line.place,
        holder: line.holder,
    })
}

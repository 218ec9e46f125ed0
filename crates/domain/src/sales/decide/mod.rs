//! What sales can decide, and when it must not.

mod orders;
mod payments;
mod settlement;

use loopledger_types::{ChannelId, EntityKind, OrderId, PartyId};

use super::{ChannelOpened, Command, Event, OpenChannel, Order, Sales};
use crate::stock::{Checks, found, trades};
use crate::{Context, PartyRef, Rejection, State};

pub(super) fn decide(state: &State<Sales>, command: &Command, context: &Context) -> Result<Event, Rejection> {
    match command {
        Command::OpenChannel(c) => open_channel(state, c, context).map(Event::ChannelOpened),
        Command::PlaceOrder(c) => orders::place(state, c, context).map(Event::OrderPlaced),
        Command::CancelOrderLine(c) => orders::cancel_line(state, c, context).map(Event::CancellationRequested),
        Command::RecordPayment(c) => payments::record(state, c, context).map(Event::PaymentReceived),
        Command::ReturnPrepayment(c) => payments::give_back(state, c, context).map(Event::PrepaymentReturned),
        Command::SettleConsignment(c) => settlement::settle(state, c, context).map(Event::ConsignmentSettled),
    }
}

fn open_channel(state: &State<Sales>, command: &OpenChannel, context: &Context) -> Result<ChannelOpened, Rejection> {
    let mut checks = Checks::new(&command.occasion, context);
    checks.pass()?;
    let operator = party(&mut checks, state, command.operator)?;
    checks.pass()?;
    let operator = trades(operator)?;
    Ok(ChannelOpened {
        occasion: command.occasion,
        channel: ChannelId::derive(context.request_id, context.stream, 0),
        medium: command.medium,
        operator,
        label: command.label.clone(),
    })
}

/// A party that the command rests on.
fn party(checks: &mut Checks, state: &State<Sales>, id: PartyId) -> Result<PartyRef, Rejection> {
    let party = found(state.party(id), EntityKind::Party, id)?;
    checks.rests_on(party.since, id);
    Ok(PartyRef { id, kind: party.kind })
}

/// An order that the command rests on.
fn order<'s>(checks: &mut Checks, state: &'s State<Sales>, id: OrderId) -> Result<&'s Order, Rejection> {
    let order = found(state.order(id), EntityKind::Order, id)?;
    checks.rests_on(order.ordered_on, id);
    checks.pass()?;
    Ok(order)
}

//! What sales can decide, and when it must not.

mod orders;
mod payments;
mod settlement;

use loopledger_types::{ChannelId, EntityKind, OrderId, PartyId};

use super::{ChannelOpened, Command, Event, OpenChannel, Order, Sales};
use crate::stock::{Checks, found};
use crate::{Context, PartyRef, Rejection, Rule, State};

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
    Checks::new(&command.occasion, context).pass()?;
    let operator = trader(state, command.operator)?;
    Ok(ChannelOpened {
        occasion: command.occasion,
        channel: ChannelId::derive(context.request_id, context.stream, 0),
        medium: command.medium,
        operator,
        label: command.label.clone(),
    })
}

fn party(state: &State<Sales>, id: PartyId) -> Result<PartyRef, Rejection> {
    let party = found(state.party(id), EntityKind::Party, id)?;
    Ok(PartyRef { id, kind: party.kind })
}

/// A party that can sell.
fn trader(state: &State<Sales>, id: PartyId) -> Result<PartyRef, Rejection> {
    let party = party(state, id)?;
    if party.kind.trades() { Ok(party) } else { Err(Rejection::broken(Rule::PartyCannotTrade, id)) }
}

fn order(state: &State<Sales>, id: OrderId) -> Result<&Order, Rejection> {
    found(state.order(id), EntityKind::Order, id)
}

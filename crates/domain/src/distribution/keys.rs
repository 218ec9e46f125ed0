//! Which entities a command or commit needs that may have left memory.

use super::{Command, Distribution, Event, Key, ReceiveShipment};
use crate::stock::{self, Missing, OrderLineKey};
use crate::{Commit, State, Subject, procurement, station};

pub(super) fn keys(state: &State<Distribution>, subject: &Subject<'_, Command>) -> Vec<Key> {
    let mut missing = Missing::new(state);
    match subject {
        Subject::Command(command) => of_command(&mut missing, state, command),
        Subject::Own(commit) => of_own(&mut missing, commit),
        Subject::Upstream(commit) => of_upstream(&mut missing, commit),
    }
    missing.into_keys()
}

fn of_command(missing: &mut Missing<'_, Distribution>, state: &State<Distribution>, command: &Command) {
    match command {
        Command::OpenSite(c) => missing.ask(stock::Key::Party(c.operator)),
        Command::DispatchShipment(c) => missing.movement((c.from, c.to), c.principal, c.carrier, &c.lines),
        Command::ReceiveShipment(c) => of_receive(missing, state, c),
        Command::BuyInGoods(c) => missing.buy_in(c),
        Command::IssueGoods(c) => missing.issue(c),
    }
}

fn of_receive(missing: &mut Missing<'_, Distribution>, state: &State<Distribution>, command: &ReceiveShipment) {
    missing.ask(stock::Key::Place(command.place));
    missing.ask(stock::Key::OtherPlace(command.place));
    missing.ask(Key::Shipment(command.shipment));
    // The products are known once the shipment is: they are asked for in the second round.
    if let Some(shipment) = state.shipment(command.shipment) {
        for line in shipment.lines.iter() {
            missing.ask(stock::Key::Product(line.stock.product));
        }
        if state.place(command.place).is_some() {
            missing.arrival(command.place, shipment.lines.iter().map(|line| &line.stock));
        }
    }
}

fn of_own(missing: &mut Missing<'_, Distribution>, commit: &Commit) {
    for event in &commit.events {
        let crate::Event::Distribution(event) = event else { continue };
        match event {
            Event::ShipmentReceived(e) => {
                missing.ask(Key::Shipment(e.shipment));
                if !e.at_station {
                    missing.arrival(e.place, e.lines.iter().map(|line| &line.stock));
                }
            }
            Event::ReservationReleased(e) => missing.reservation(OrderLineKey { order: e.order, line: e.line }),
            Event::GoodsIssued(e) => missing.reservation(OrderLineKey { order: e.order, line: e.line }),
            // These create what they name, move stock of cells, which need no loading, or change nothing.
            Event::SiteOpened(_)
            | Event::ShipmentDispatched(_)
            | Event::HandOverRefused(_)
            | Event::GoodsBoughtIn(_)
            | Event::StockReserved(_)
            | Event::StockRefused(_)
            | Event::CancelRefused(_)
            | Event::UpstreamIgnored(_)
            | Event::AnswerRepeated(_)
            | Event::TailLost(_) => {}
        }
    }
}

fn of_upstream(missing: &mut Missing<'_, Distribution>, commit: &Commit) {
    for event in commit.heard() {
        match event {
            crate::Event::Procurement(procurement::Event::HouseholdRelocated(e)) => {
                missing.ask(stock::Key::Party(e.household));
            }
            crate::Event::Station(station::Event::GoodsHandedOver(e)) => {
                missing.ask(stock::Key::Place(e.to));
                missing.ask(stock::Key::OtherPlace(e.to));
                missing.ask(stock::Key::Party(e.carrier.id));
            }
            crate::Event::Sales(event) => missing.sales(event),
            crate::Event::Procurement(_) | crate::Event::Station(_) | crate::Event::Distribution(_) => {}
        }
    }
}

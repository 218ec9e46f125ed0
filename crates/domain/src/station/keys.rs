//! Which entities a command or commit needs that may have left memory.

use loopledger_types::{NumberId, ReceiptId};

use super::{CollectTerms, Command, Entity, Event, Key, Station};
use crate::stock::{self, Missing, OrderLineKey};
use crate::{Commit, State, Subject, distribution, procurement};

pub(super) fn keys(state: &State<Station>, subject: &Subject<'_, Command>) -> Vec<Key> {
    let mut missing = Missing::new(state);
    match subject {
        Subject::Command(command) => of_command(&mut missing, state, command),
        Subject::Own(commit) => of_own(&mut missing, state, commit),
        Subject::Upstream(commit) => of_upstream(&mut missing, state, commit),
    }
    missing.into_keys()
}

fn of_command(missing: &mut Missing<'_, Station>, state: &State<Station>, command: &Command) {
    match command {
        Command::OpenStation(c) => missing.ask(stock::Key::Party(c.operator)),
        Command::CollectGoods(c) => {
            missing.ask(stock::Key::Place(c.station));
            missing.ask(stock::Key::Party(c.producer));
            missing.ask(stock::Key::Product(c.product));
            missing.ask_all(NumberId::new(c.station.0, c.occasion.business_date, &c.receipt_number).map(Key::Number));
            if c.member.is_some() {
                missing.ask(Key::Members(c.producer));
            }
            match c.terms {
                CollectTerms::Contract(id) => {
                    missing.ask(Key::Contract(id));
                    missing.ask(Key::Collected(id));
                    if let Some(contract) = state.contract(id) {
                        missing.ask(stock::Key::Party(contract.firm.id));
                    }
                }
                CollectTerms::Stated { principal, .. } => missing.ask(stock::Key::Party(principal)),
            }
        }
        Command::HandOverGoods(c) => missing.movement((c.from, c.to), c.principal, c.carrier, &c.lines),
        Command::BuyInGoods(c) => missing.buy_in(c),
        Command::IssueGoods(c) => missing.issue(c),
    }
}

fn of_own(missing: &mut Missing<'_, Station>, state: &State<Station>, commit: &Commit) {
    for event in &commit.events {
        let crate::Event::Station(event) = event else { continue };
        match event {
            Event::GoodsReleased(e) => missing.ask(Key::Receipt(e.receipt)),
            Event::GoodsReturned(e) => returned(missing, state, e.receipt),
            Event::ReservationReleased(e) => missing.reservation(OrderLineKey { order: e.order, line: e.line }),
            Event::GoodsIssued(e) => missing.reservation(OrderLineKey { order: e.order, line: e.line }),
            Event::GoodsCollected(e) => {
                missing.ask_all(e.origin.terms.contract().map(Key::Collected));
                let number = NumberId::new(e.station.0, e.occasion.business_date, &e.receipt_number);
                missing.ask_all(number.map(Key::Number));
            }
            Event::GoodsTakenBack(e) => missing.arrival(e.from, &e.lines),
            Event::StockTakenIn(e) => missing.arrival(e.place, e.received.iter().chain(&e.damaged)),
            // These create what they name, move stock of cells, which need no loading, or change nothing.
            Event::StationOpened(_)
            | Event::GoodsHandedOver(_)
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

fn of_upstream(missing: &mut Missing<'_, Station>, state: &State<Station>, commit: &Commit) {
    for event in commit.heard() {
        match event {
            crate::Event::Procurement(event) => of_procurement(missing, state, event),
            crate::Event::Distribution(distribution::Event::HandOverRefused(e)) => {
                missing.ask(Key::HandOver(e.shipment));
                if let Some(Entity::HandOver(hand_over)) = state.entities.get(&Key::HandOver(e.shipment)) {
                    missing.arrival(hand_over.from, hand_over.lines.iter());
                }
            }
            crate::Event::Distribution(distribution::Event::ShipmentReceived(e)) if e.at_station => {
                missing.arrival(e.place, e.lines.iter().map(|line| &line.stock));
            }
            crate::Event::Sales(event) => missing.sales(event),
            crate::Event::Distribution(_) | crate::Event::Station(_) => {}
        }
    }
}

fn of_procurement(missing: &mut Missing<'_, Station>, state: &State<Station>, event: &procurement::Event) {
    use procurement::Event as E;
    match event {
        E::MemberJoined(e) => missing.ask(Key::Members(e.household)),
        E::MemberLeft(e) => missing.ask(Key::Members(e.household)),
        E::HouseholdRelocated(e) => missing.ask(stock::Key::Party(e.household)),
        E::PurchaseAccepted(e) => missing.ask(Key::Receipt(e.receipt)),
        E::PurchaseDeclined(e) => returned(missing, state, e.receipt),
        E::HouseholdRegistered(_)
        | E::HouseholdCategoryChanged(_)
        | E::PartyRegistered(_)
        | E::ProductRegistered(_)
        | E::LinkageContracted(_)
        | E::PayableOpened(_)
        | E::PayoutMade(_)
        | E::PayoutFailed(_)
        | E::UpstreamIgnored(_)
        | E::AnswerRepeated(_)
        | E::TailLost(_) => {}
    }
}

/// A receipt whose goods go back, and its number, which is known once the receipt is: asked for in the second round.
fn returned(missing: &mut Missing<'_, Station>, state: &State<Station>, receipt: ReceiptId) {
    missing.ask(Key::Receipt(receipt));
    missing.ask_all(state.receipt(receipt).and_then(|receipt| receipt.number).map(Key::Number));
}

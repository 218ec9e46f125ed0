//! Stations and workshops: goods come in from producers against receipts, wait for their buyer's answer, and leave in the
//! hands of a carrier or of the customer.
//!
//! An outright purchase stays pending until procurement answers; a hand-over leaves the books at once and comes back if
//! distribution refuses it. Not here: shipments and what becomes of them (distribution), limits of outright purchases and
//! every payment (procurement), and stock as such (`stock`).

mod command;
mod decide;
mod event;
mod evolve;
mod keys;
mod react;
mod state;

use loopledger_types::Service;

pub use command::*;
pub use event::*;
pub use state::{Contract, Entity, HandOver, Key, Membership, PendingReceipt};

use crate::core::answered;
use crate::stock::{Answer, Holder, Shelves};
use crate::{Commit, Context, Decider, Rejection, State, Subject};

/// The rules of the station service.
#[derive(Debug)]
pub struct Station;

impl Decider for Station {
    const SERVICE: Service = Service::Station;
    const UPSTREAM: &'static [Service] = &[Service::Procurement, Service::Distribution, Service::Sales];

    type Command = Command;
    type Entity = Entity;
    type Index = Shelves;

    fn keys(state: &State<Self>, subject: Subject<'_, Command>) -> Vec<Key> {
        keys::keys(state, &subject)
    }

    fn decide(state: &State<Self>, command: &Command, context: &Context) -> Result<Vec<crate::Event>, Rejection> {
        let event = match command {
            Command::OpenStation(c) => decide::open(state, c, context).map(Event::StationOpened),
            Command::CollectGoods(c) => decide::collect(state, c, context).map(Event::GoodsCollected),
            Command::HandOverGoods(c) => decide::hand_over(state, c, context).map(Event::GoodsHandedOver),
            Command::BuyInGoods(c) => crate::stock::buy_in(state, c, context).map(Event::GoodsBoughtIn),
            Command::IssueGoods(c) => crate::stock::issue(state, c, context).map(Event::GoodsIssued),
        };
        Ok(vec![crate::Event::Station(event?)])
    }

    fn evolve(state: &mut State<Self>, event: &crate::Event, _: &Commit) {
        if let crate::Event::Station(event) = event {
            evolve::evolve(state, event);
        }
    }

    fn note(state: &mut State<Self>, upstream: &Commit) {
        for event in upstream.heard() {
            evolve::note(state, event);
        }
    }

    fn concerns(event: &crate::Event) -> bool {
        event.heard().iter().any(react::concerns)
    }

    fn react(state: &State<Self>, upstream: &Commit, _: &Context) -> Vec<crate::Event> {
        let answers = upstream.heard().flat_map(|event| react::react(state, event));
        answered::<Self>(upstream, answers.collect())
    }
}

impl Holder for Station {
    fn answer(answer: Answer) -> crate::Event {
        crate::Event::Station(match answer {
            Answer::Reserved(e) => Event::StockReserved(e),
            Answer::Refused(e) => Event::StockRefused(e),
            Answer::Released(e) => Event::ReservationReleased(e),
            Answer::CancelRefused(e) => Event::CancelRefused(e),
        })
    }
}

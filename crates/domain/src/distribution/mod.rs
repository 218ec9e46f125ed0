//! Sites (county centre, hubs, front warehouses, outlets), shipments, and stock in transit and at sites.
//!
//! A shipment begins with an own site's dispatch or with a station's hand-over, which is answered here, and ends when its
//! destination takes it in; what is missing then stays in transit on the shipment. Not here: stock at stations, what a
//! carrier is owed (procurement learns it from the dispatch), and stock as such (`stock`).

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
pub use state::{Entity, Key, Shipment, TransitLine};

use crate::core::answered;
use crate::stock::{self, Answer, Holder, Shelves};
use crate::{Commit, Context, Decider, Rejection, State, Subject};

/// The rules of the distribution service.
#[derive(Debug)]
pub struct Distribution;

impl Decider for Distribution {
    const SERVICE: Service = Service::Distribution;
    const UPSTREAM: &'static [Service] = &[Service::Procurement, Service::Station, Service::Sales];

    type Command = Command;
    type Entity = Entity;
    type Index = Shelves;

    fn keys(state: &State<Self>, subject: Subject<'_, Command>) -> Vec<Key> {
        keys::keys(state, &subject)
    }

    fn decide(state: &State<Self>, command: &Command, context: &Context) -> Result<Vec<crate::Event>, Rejection> {
        let event = match command {
            Command::OpenSite(c) => decide::open(state, c, context).map(Event::SiteOpened),
            Command::DispatchShipment(c) => decide::dispatch(state, c, context).map(Event::ShipmentDispatched),
            Command::ReceiveShipment(c) => decide::receive(state, c, context).map(Event::ShipmentReceived),
            Command::BuyInGoods(c) => stock::buy_in(state, c, context).map(Event::GoodsBoughtIn),
            Command::IssueGoods(c) => stock::issue(state, c, context).map(Event::GoodsIssued),
        };
        Ok(vec![crate::Event::Distribution(event?)])
    }

    fn evolve(state: &mut State<Self>, event: &crate::Event, _: &Commit) {
        if let crate::Event::Distribution(event) = event {
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

impl Holder for Distribution {
    fn answer(answer: Answer) -> crate::Event {
        crate::Event::Distribution(match answer {
            Answer::Reserved(e) => Event::StockReserved(e),
            Answer::Refused(e) => Event::StockRefused(e),
            Answer::Released(e) => Event::ReservationReleased(e),
            Answer::CancelRefused(e) => Event::CancelRefused(e),
        })
    }
}

//! Sales: channels, customers' orders and what they pay, and the settlement of consigned lots.
//!
//! An order line waits for its holder (station or distribution), which reserves, issues, refuses or releases; sales alone
//! says what a line comes to, at actual weight, and what a producer of consigned goods is owed for what was sold.
//! Not here: stock, and paying producers (procurement).

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
pub use state::{
    Channel, Channels, ConsignedPool, Entity, Key, LineState, Lot, Order, Party, Place, PoolKey, Sale, Settled, Tally,
};

use crate::core::answered;
use crate::{Commit, Context, Decider, Rejection, State, Subject};

/// The rules of the sales service.
#[derive(Debug)]
pub struct Sales;

impl Decider for Sales {
    const SERVICE: Service = Service::Sales;
    const UPSTREAM: &'static [Service] = &[Service::Procurement, Service::Station, Service::Distribution];

    type Command = Command;
    type Entity = Entity;
    type Index = Channels;

    fn keys(state: &State<Self>, subject: Subject<'_, Command>) -> Vec<Key> {
        keys::keys(state, &subject)
    }

    fn decide(state: &State<Self>, command: &Command, context: &Context) -> Result<Vec<crate::Event>, Rejection> {
        let event = decide::decide(state, command, context)?;
        Ok(vec![crate::Event::Sales(event)])
    }

    fn evolve(state: &mut State<Self>, event: &crate::Event, _: &Commit) {
        if let crate::Event::Sales(event) = event {
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
        let answers = react::react(state, upstream).into_iter().map(crate::Event::Sales);
        answered::<Self>(upstream, answers.collect())
    }
}

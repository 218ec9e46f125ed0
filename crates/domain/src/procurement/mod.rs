//! Procurement: who there is (households as pseudonymous ids, co-ops, firms, carriers, buyers, suppliers), what is traded,
//! linkage contracts 企业+站点+户, and everything that is owed to producers, carriers and suppliers, with every payment out.
//!
//! It answers station's outright collections for the buyer (contracts are in force here, whatever station knew), and notes
//! an obligation for each settlement, freight and purchase from outside that another service decides. Not here: stock,
//! sales, customers' money (sales), and names or any other personal data.

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
    Account, Contract, Directory, Entity, Household, Key, Membership, Party, Payable, Payout, Product, ResidenceAt,
    Station,
};

use crate::core::answered;
use crate::{Commit, Context, Decider, Rejection, State, Subject};

/// The rules of the procurement service.
#[derive(Debug)]
pub struct Procurement;

impl Decider for Procurement {
    const SERVICE: Service = Service::Procurement;
    const UPSTREAM: &'static [Service] = &[Service::Station, Service::Distribution, Service::Sales];

    type Command = Command;
    type Entity = Entity;
    type Index = Directory;

    fn keys(state: &State<Self>, subject: Subject<'_, Command>) -> Vec<Key> {
        keys::keys(state, &subject)
    }

    fn decide(state: &State<Self>, command: &Command, context: &Context) -> Result<Vec<crate::Event>, Rejection> {
        let event = decide::decide(state, command, context)?;
        Ok(vec![crate::Event::Procurement(event)])
    }

    fn evolve(state: &mut State<Self>, event: &crate::Event, _: &Commit) {
        if let crate::Event::Procurement(event) = event {
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

    fn react(state: &State<Self>, upstream: &Commit, context: &Context) -> Vec<crate::Event> {
        let answers = react::react(state, upstream, context).into_iter().map(crate::Event::Procurement);
        answered::<Self>(upstream, answers.collect())
    }
}

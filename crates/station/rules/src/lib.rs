//! Stations and workshops: goods come in from producers against receipts, wait for their buyer's answer, and leave in the
//! hands of a carrier or of the customer.
//!
//! An outright purchase stays pending until procurement answers; a hand-over leaves the books at once and comes back if
//! distribution refuses it. Not here: shipments and what becomes of them (distribution), limits of outright purchases and
//! every payment (procurement), and stock as such (`stock`).

mod collect;
mod contracts;
mod hand_over;
mod inspect;
mod members;
mod places;
mod purchase;
mod state;

pub use loopledger_facts::station::*;
use loopledger_rules::stock::{BuyIn, Holder, IssueGoods, Shelves};
use loopledger_rules::{commands, rules};

pub use collect::{CollectGoods, CollectTerms};
pub use contracts::Contract;
pub use hand_over::{HandOver, HandOverGoods};
pub use inspect::InspectGoods;
pub use members::Membership;
pub use places::OpenStation;
pub use purchase::PendingReceipt;
pub use state::{Entity, Key, StationState};

/// The rules of the station service.
#[derive(Debug)]
pub struct Station;

commands! {
    Station {
        OpenStation(OpenStation),
        CollectGoods(CollectGoods),
        HandOverGoods(HandOverGoods),
        BuyInGoods(BuyIn),
        IssueGoods(IssueGoods),
        InspectGoods(InspectGoods),
    }
}

rules!(station Station hears [Procurement, Distribution, Sales], Entity, Shelves, ());

impl Holder for Station {}

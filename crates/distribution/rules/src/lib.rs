//! Sites (county centre, hubs, front warehouses, outlets), shipments, and stock in transit and at sites.
//!
//! A shipment begins with an own site's dispatch or with a station's hand-over, which is answered here, and ends when its
//! destination takes it in; what is missing then stays in transit on the shipment. Not here: stock at stations, what a
//! carrier is owed (procurement learns it from the dispatch), and stock as such (`stock`).

mod dispatch;
mod receive;
mod reference;
mod sites;
mod state;

pub use loopledger_facts::distribution::*;
use loopledger_rules::stock::{BuyIn, Holder, IssueGoods, Shelves};
use loopledger_rules::{commands, rules};

pub use dispatch::DispatchShipment;
pub use receive::{ReceiptDifference, ReceiveShipment};
pub use sites::OpenSite;
pub use state::{DistributionState, Entity, Key, Shipment, TransitLine};

/// The rules of the distribution service.
#[derive(Debug)]
pub struct Distribution;

commands! {
    Distribution {
        OpenSite(OpenSite),
        DispatchShipment(DispatchShipment),
        ReceiveShipment(ReceiveShipment),
        BuyInGoods(BuyIn),
        IssueGoods(IssueGoods),
    }
}

rules!(distribution Distribution hears [Procurement, Station, Sales], Entity, Shelves, ());

impl Holder for Distribution {}

//! Sales: channels, customers' orders and what they pay, and the settlement of consigned lots.
//!
//! An order line waits for its holder (station or distribution), which reserves, issues, refuses or releases; sales alone
//! says what a line comes to, at actual weight, and what a producer of consigned goods is owed for what was sold.
//! Not here: stock, and paying producers (procurement).

mod cancel;
mod channels;
mod fulfil;
mod order;
mod payments;
mod place_order;
mod reference;
mod settlement;
mod state;

pub use loopledger_facts::sales::*;
use loopledger_rules::{commands, rules};

pub use cancel::CancelOrderLine;
pub use channels::{Channel, OpenChannel};
pub use fulfil::Draft;
pub use order::{LineState, Order};
pub use payments::{RecordPayment, ReturnPrepayment};
pub use place_order::{PlaceOrder, PlaceOrderLine};
pub use reference::{Party, Place};
pub use settlement::{ConsignedPool, Lot, Sale, SettleConsignment, SettleLot, Settled, Tally};
pub use state::{Channels, Entity, Key, PoolKey, SalesState};

/// The rules of the sales service.
#[derive(Debug)]
pub struct Sales;

commands! {
    Sales {
        OpenChannel(OpenChannel),
        PlaceOrder(PlaceOrder),
        CancelOrderLine(CancelOrderLine),
        RecordPayment(RecordPayment),
        ReturnPrepayment(ReturnPrepayment),
        SettleConsignment(SettleConsignment),
    }
}

rules!(sales Sales hears [Procurement, Station, Distribution], Entity, Channels, Draft);

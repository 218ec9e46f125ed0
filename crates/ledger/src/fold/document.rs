//! Which paper an event belongs to: its facts are kept under one head with it.

use loopledger_facts::distribution::{ShipmentDispatched, ShipmentReceived};
use loopledger_facts::procurement::{PayoutFailed, PayoutMade};
use loopledger_facts::sales::ConsignmentSettled;
use loopledger_facts::station::{GoodsCollected, GoodsHandedOver, GoodsReleased, GoodsReturned, GoodsTakenBack};
use loopledger_facts::stock::{GoodsIssued, ReservationReleased, StockReserved};
use loopledger_facts::{Event, distribution, facts, procurement, sales, station};

use crate::heads::Document;

/// A fact that belongs to a paper, as the list of facts says.
trait File {
    fn document(&self) -> Document;
}

/// `Fact: Kind(its id)`.
macro_rules! papers {
    ($($fact:ident: $kind:ident($id:expr);)*) => {
        $(impl File for $fact {
            fn document(&self) -> Document {
                let id: fn(&Self) -> _ = $id;
                Document::$kind(id(self))
            }
        })*
    };
}

papers! {
    GoodsCollected: Receipt(|fact| fact.origin.receipt);
    GoodsReleased: Receipt(|fact| fact.receipt);
    GoodsReturned: Receipt(|fact| fact.receipt);
    GoodsHandedOver: Other(|fact| fact.shipment.0);
    GoodsTakenBack: Other(|fact| fact.shipment.0);
    ShipmentDispatched: Other(|fact| fact.shipment.0);
    ShipmentReceived: Other(|fact| fact.shipment.0);
    StockReserved: Order(|fact| fact.order);
    ReservationReleased: Order(|fact| fact.order);
    GoodsIssued: Order(|fact| fact.order);
    ConsignmentSettled: Other(|fact| fact.settlement.0);
    PayoutMade: Other(|fact| fact.payout.0);
    PayoutFailed: Other(|fact| fact.original.payout.0);
}

/// The paper if the list says `file`.
macro_rules! if_filed {
    (file $fact:ident) => {
        Some(File::document($fact))
    };
    (_ $fact:ident) => {{
        let _ = $fact;
        None
    }};
}

macro_rules! filing {
    ($(
        $service:ident $variant:ident $package:literal {
            $($fact:ident [$post:tt $fold:tt $file:tt] $readers:tt;)*
        }
    )*) => {
        /// The paper that an event of goods, a payout or a settlement belongs to.
        pub(super) fn document(event: &Event) -> Option<Document> {
            match event {
                $(Event::$variant(event) => match event {
                    $($service::Event::$fact(fact) => if_filed!($file fact),)*
                    $service::Event::UpstreamIgnored(_)
                    | $service::Event::AnswerRepeated(_)
                    | $service::Event::TailLost(_) => None,
                },)*
            }
        }
    };
}

facts!(filing);

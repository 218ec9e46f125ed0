//! Which paper an event belongs to: its facts are kept under one head with it.

use loopledger_domain::{Event, distribution, procurement, sales, station};

use crate::heads::Document;

/// The paper that an event of goods, a payout or a settlement belongs to.
pub(super) fn document(event: &Event) -> Option<Document> {
    match event {
        Event::Procurement(procurement::Event::PayoutMade(fact)) => Some(Document::Other(fact.payout.0)),
        Event::Procurement(procurement::Event::PayoutFailed(fact)) => Some(Document::Other(fact.original.payout.0)),
        Event::Sales(sales::Event::ConsignmentSettled(fact)) => Some(Document::Other(fact.settlement.0)),
        Event::Station(event) => of_station(event),
        Event::Distribution(event) => of_distribution(event),
        Event::Procurement(_) | Event::Sales(_) => None,
    }
}

fn of_station(event: &station::Event) -> Option<Document> {
    use station::Event as E;
    match event {
        E::GoodsCollected(fact) => Some(Document::Receipt(fact.origin.receipt)),
        E::GoodsReleased(fact) => Some(Document::Receipt(fact.receipt)),
        E::GoodsReturned(fact) => Some(Document::Receipt(fact.receipt)),
        E::GoodsHandedOver(fact) => Some(Document::Other(fact.shipment.0)),
        E::GoodsTakenBack(fact) => Some(Document::Other(fact.shipment.0)),
        E::StockReserved(fact) => Some(Document::Order(fact.order)),
        E::ReservationReleased(fact) => Some(Document::Order(fact.order)),
        E::GoodsIssued(fact) => Some(Document::Order(fact.order)),
        E::StationOpened(_)
        | E::StockTakenIn(_)
        | E::GoodsBoughtIn(_)
        | E::StockRefused(_)
        | E::CancelRefused(_)
        | E::UpstreamIgnored(_)
        | E::AnswerRepeated(_)
        | E::TailLost(_) => None,
    }
}

fn of_distribution(event: &distribution::Event) -> Option<Document> {
    use distribution::Event as E;
    match event {
        E::ShipmentDispatched(fact) => Some(Document::Other(fact.shipment.0)),
        E::ShipmentReceived(fact) => Some(Document::Other(fact.shipment.0)),
        E::StockReserved(fact) => Some(Document::Order(fact.order)),
        E::ReservationReleased(fact) => Some(Document::Order(fact.order)),
        E::GoodsIssued(fact) => Some(Document::Order(fact.order)),
        E::SiteOpened(_)
        | E::HandOverRefused(_)
        | E::GoodsBoughtIn(_)
        | E::StockRefused(_)
        | E::CancelRefused(_)
        | E::UpstreamIgnored(_)
        | E::AnswerRepeated(_)
        | E::TailLost(_) => None,
    }
}

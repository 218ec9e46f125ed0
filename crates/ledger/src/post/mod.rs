//! Posting: a total, pure function of one commit.
//!
//! Every entry balances in every book that it touches and for every product. Nothing is looked up: events carry what
//! posting needs. What no single fact can know (cost of a lot, cost of sales) is not posted; see `valuation`.
//!
//! `docs/postings.md` has a row for every fact. Two of its choices: a co-op that supplies another party earns in
//! 6001, and its commission and charges as a consignor stand in 6602, 6601 and 6402 by kind; charges on an agreed-price
//! settlement are a cost (5401) of the producer, whose gross is what it is owed plus those charges.

mod goods;
mod money;

use loopledger_domain::{Commit, Event, distribution, procurement, sales, station};

use crate::{Exception, Journal};

/// Posts every event of `commit` into `journal`, which is cleared first.
pub fn post(commit: &Commit, journal: &mut Journal) {
    journal.clear();
    for (index, event) in commit.events.iter().enumerate() {
        journal.begin_event(u32::try_from(index).unwrap_or(u32::MAX));
        match event {
            Event::Procurement(event) => procurement(event, journal),
            Event::Station(event) => station(event, journal),
            Event::Distribution(event) => distribution(event, journal),
            Event::Sales(event) => sales(event, journal),
        }
    }
}

/// Why a commit must not be written: its entries do not balance. A bug of whoever decided it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the commit does not post cleanly: {exceptions:?}")]
pub struct Unbalanced {
    pub exceptions: Vec<Exception>,
}

/// Whether `commit` posts without an exception.
pub fn check(commit: &Commit) -> Result<(), Unbalanced> {
    check_with(commit, &mut Journal::new())
}

/// The same with a buffer of the caller's, for hot paths.
pub fn check_with(commit: &Commit, journal: &mut Journal) -> Result<(), Unbalanced> {
    post(commit, journal);
    if journal.exceptions().is_empty() { Ok(()) } else { Err(Unbalanced { exceptions: journal.exceptions().to_vec() }) }
}

fn procurement(event: &procurement::Event, journal: &mut Journal) {
    use procurement::Event as E;
    match event {
        E::PurchaseAccepted(fact) => money::purchase_accepted(fact, journal),
        E::PayableOpened(fact) => money::payable_opened(fact, journal),
        E::PayoutMade(fact) => money::payout_made(fact, journal),
        E::PayoutFailed(fact) => money::payout_failed(fact, journal),
        E::HouseholdRegistered(_)
        | E::HouseholdCategoryChanged(_)
        | E::MemberJoined(_)
        | E::MemberLeft(_)
        | E::HouseholdRelocated(_)
        | E::PartyRegistered(_)
        | E::ProductRegistered(_)
        | E::LinkageContracted(_)
        | E::PurchaseDeclined(_)
        | E::UpstreamIgnored(_)
        | E::AnswerRepeated(_)
        | E::TailLost(_) => {}
    }
}

fn station(event: &station::Event, journal: &mut Journal) {
    use station::Event as E;
    match event {
        E::GoodsCollected(fact) => goods::collected(fact, journal),
        E::GoodsReleased(fact) => goods::released(fact, journal),
        E::GoodsReturned(fact) => goods::returned(fact, journal),
        E::GoodsHandedOver(fact) => goods::handed_over(fact, journal),
        E::GoodsTakenBack(fact) => goods::taken_back(fact, journal),
        E::GoodsBoughtIn(fact) => goods::bought_in(fact, journal),
        E::StockReserved(fact) => goods::reserved(fact, journal),
        E::ReservationReleased(fact) => goods::unreserved(fact, journal),
        E::GoodsIssued(fact) => goods::issued(fact, journal),
        // The goods of a delivery are posted by distribution.
        E::StationOpened(_)
        | E::StockTakenIn(_)
        | E::StockRefused(_)
        | E::CancelRefused(_)
        | E::UpstreamIgnored(_)
        | E::AnswerRepeated(_)
        | E::TailLost(_) => {}
    }
}

fn distribution(event: &distribution::Event, journal: &mut Journal) {
    use distribution::Event as E;
    match event {
        E::ShipmentDispatched(fact) => {
            if !fact.handed_over {
                goods::dispatched(fact, journal);
            }
            money::freight(fact, journal);
        }
        E::ShipmentReceived(fact) => goods::received(fact, journal),
        E::GoodsBoughtIn(fact) => goods::bought_in(fact, journal),
        E::StockReserved(fact) => goods::reserved(fact, journal),
        E::ReservationReleased(fact) => goods::unreserved(fact, journal),
        E::GoodsIssued(fact) => goods::issued(fact, journal),
        E::SiteOpened(_)
        | E::HandOverRefused(_)
        | E::StockRefused(_)
        | E::CancelRefused(_)
        | E::UpstreamIgnored(_)
        | E::AnswerRepeated(_)
        | E::TailLost(_) => {}
    }
}

fn sales(event: &sales::Event, journal: &mut Journal) {
    use sales::Event as E;
    match event {
        E::OrderFulfilled(fact) => money::fulfilled(fact, journal),
        E::PaymentReceived(fact) => money::payment_received(fact, journal),
        E::PrepaymentReturned(fact) => money::prepayment_returned(fact, journal),
        E::ConsignmentSettled(fact) => money::settled(fact, journal),
        E::ChannelOpened(_)
        | E::OrderPlaced(_)
        | E::OrderLineCancelled(_)
        | E::CancellationRequested(_)
        | E::OrderLineStands(_)
        | E::UpstreamIgnored(_)
        | E::AnswerRepeated(_)
        | E::TailLost(_) => {}
    }
}

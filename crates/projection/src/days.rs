//! The span of business dates that the facts cover: what an empty end of a window means.

use loopledger_domain::{Commit, Event, distribution, procurement, sales, station};
use loopledger_types::BusinessDate;

/// The first and the last business date with a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Days {
    pub(crate) first: BusinessDate,
    pub(crate) last: BusinessDate,
}

/// Widens `days` by what the commit's events are dated.
pub(crate) fn widen(days: &mut Option<Days>, commit: &Commit) {
    for date in commit.events.iter().filter_map(business_date) {
        let days = days.get_or_insert(Days { first: date, last: date });
        days.first = days.first.min(date);
        days.last = days.last.max(date);
    }
}

macro_rules! date_of {
    ($event:expr, $module:ident { $($variant:ident)* }) => {
        match $event {
            $($module::Event::$variant(fact) => Some(fact.occasion.business_date),)*
            // No facts of business: an answer that is repeated was dated when it was given.
            $module::Event::AnswerRepeated(_) | $module::Event::TailLost(_) => None,
        }
    };
}

fn business_date(event: &Event) -> Option<BusinessDate> {
    match event {
        Event::Procurement(event) => date_of!(event, procurement {
            HouseholdRegistered HouseholdCategoryChanged MemberJoined MemberLeft HouseholdRelocated PartyRegistered
            ProductRegistered LinkageContracted PurchaseAccepted PurchaseDeclined PayableOpened PayoutMade PayoutFailed
            UpstreamIgnored
        }),
        Event::Station(event) => date_of!(event, station {
            StationOpened GoodsCollected GoodsReleased GoodsReturned GoodsHandedOver GoodsTakenBack StockTakenIn
            GoodsBoughtIn StockReserved StockRefused ReservationReleased CancelRefused GoodsIssued
            UpstreamIgnored
        }),
        Event::Distribution(event) => date_of!(event, distribution {
            SiteOpened ShipmentDispatched HandOverRefused ShipmentReceived GoodsBoughtIn StockReserved StockRefused
            ReservationReleased CancelRefused GoodsIssued UpstreamIgnored
        }),
        Event::Sales(event) => date_of!(event, sales {
            ChannelOpened OrderPlaced OrderLineCancelled CancellationRequested OrderLineStands OrderFulfilled
            PaymentReceived PrepaymentReturned ConsignmentSettled UpstreamIgnored
        }),
    }
}

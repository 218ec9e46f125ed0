//! Events of the domain as the bytes of `loopledger.<service>.event.v1`, both ways and total.
//!
//! What cannot be read exactly (another type, an unknown enum value, an unknown field at any depth, a form that we
//! would not write) is [`Unknown`]: the reader's stream halts, nothing is skipped.

#[cfg(test)]
mod largest;
mod nested;
mod shapes;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use tests::samples;

pub use nested::decode_answer;

use loopledger_domain::{Event, distribution, procurement, sales, station};
use loopledger_types::Service;

use crate::codec::{Message, Reader};

/// Reads one service's events by their names within its package.
type Decode = fn(&str, Reader<'_>) -> Result<Event, Unknown>;

/// Why an event cannot be read: one English sentence.
pub(crate) type Unknown = String;

/// `service "package" { Event, .. }`: the type names, which are in hashed bytes for ever.
macro_rules! catalogue {
    ($($service:ident $package:literal { $($event:ident),* $(,)? })*) => {
        /// The type URLs of every event of every service, in the order of the contracts.
        pub const TYPE_URLS: &[&str] = &[
            $($(concat!("type.googleapis.com/", $package, ".", stringify!($event)),)*)*
        ];

        /// The type of the event, as it stands in `google.protobuf.Any`.
        pub fn type_url(event: &Event) -> &'static str {
            match event {
                $($(catalogue!(@pattern $service $event _) => {
                    concat!("type.googleapis.com/", $package, ".", stringify!($event))
                })*)*
            }
        }

        /// Appends the bytes of the event.
        pub fn encode_event(event: &Event, out: &mut Vec<u8>) {
            match event {
                $($(catalogue!(@pattern $service $event body) => body.encode(out),)*)*
            }
        }

        $(fn $service(name: &str, body: Reader<'_>) -> Result<Event, Unknown> {
            let event = match name {
                $(stringify!($event) => Message::decode(body).map($service::Event::$event),)*
                _ => return Err(format!("{} has no event {name}", $package)),
            };
            event.map(catalogue!(@wrap $service)).map_err(|fault| fault.to_string())
        })*
    };
    (@pattern procurement $event:ident $body:tt) => { Event::Procurement(procurement::Event::$event($body)) };
    (@pattern station $event:ident $body:tt) => { Event::Station(station::Event::$event($body)) };
    (@pattern distribution $event:ident $body:tt) => { Event::Distribution(distribution::Event::$event($body)) };
    (@pattern sales $event:ident $body:tt) => { Event::Sales(sales::Event::$event($body)) };
    (@wrap procurement) => { Event::Procurement };
    (@wrap station) => { Event::Station };
    (@wrap distribution) => { Event::Distribution };
    (@wrap sales) => { Event::Sales };
}

catalogue! {
    procurement "loopledger.procurement.event.v1" {
        HouseholdRegistered, HouseholdCategoryChanged, MemberJoined, MemberLeft, HouseholdRelocated, PartyRegistered,
        ProductRegistered, LinkageContracted, PurchaseAccepted, PurchaseDeclined, PayableOpened, PayoutMade,
        PayoutFailed, UpstreamIgnored, AnswerRepeated, TailLost,
    }
    station "loopledger.station.event.v1" {
        StationOpened, GoodsCollected, GoodsReleased, GoodsReturned, GoodsHandedOver, GoodsTakenBack, StockTakenIn,
        GoodsBoughtIn, StockReserved, StockRefused, ReservationReleased, CancelRefused, GoodsIssued,
        UpstreamIgnored, AnswerRepeated, TailLost,
    }
    distribution "loopledger.distribution.event.v1" {
        SiteOpened, ShipmentDispatched, HandOverRefused, ShipmentReceived, GoodsBoughtIn, StockReserved, StockRefused,
        ReservationReleased, CancelRefused, GoodsIssued, UpstreamIgnored, AnswerRepeated, TailLost,
    }
    sales "loopledger.sales.event.v1" {
        ChannelOpened, OrderPlaced, OrderLineCancelled, CancellationRequested, OrderLineStands, OrderFulfilled,
        PaymentReceived, PrepaymentReturned, ConsignmentSettled, UpstreamIgnored, AnswerRepeated, TailLost,
    }
}

/// What begins the type names of a service's events, and what reads them; the ledger has none yet.
const fn package(service: Service) -> Option<(&'static str, Decode)> {
    Some(match service {
        Service::Procurement => ("type.googleapis.com/loopledger.procurement.event.v1.", procurement),
        Service::Station => ("type.googleapis.com/loopledger.station.event.v1.", station),
        Service::Distribution => ("type.googleapis.com/loopledger.distribution.event.v1.", distribution),
        Service::Sales => ("type.googleapis.com/loopledger.sales.event.v1.", sales),
        Service::Ledger => return None,
    })
}

/// Reads an event of a stream of `service`; another service's event does not belong there, nor in an answer of it.
pub(crate) fn decode_event(service: Service, type_url: &str, body: &[u8]) -> Result<Event, Unknown> {
    let (package, decode) = package(service).ok_or("events of the ledger are not known here")?;
    let name = type_url.strip_prefix(package).ok_or_else(|| format!("not an event of {service}"))?;
    let event = decode(name, Reader::new(body))?;
    nested::check(package, &event)?;
    Ok(event)
}

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

use loopledger_facts::{Event, distribution, facts, procurement, sales, station};
use loopledger_types::Service;

use crate::codec::{Message, Reader};

/// Reads one service's events by their names within its package.
type Decode = fn(&str, Reader<'_>) -> Result<Event, Unknown>;

/// Why an event cannot be read: one English sentence.
pub(crate) type Unknown = String;

/// The type names, which are in hashed bytes for ever, and both directions.
macro_rules! catalogue {
    ($(
        $service:ident $variant:ident $package:literal { $($fact:ident $ledger:tt $readers:tt;)* }
    )*) => {
        /// The type URLs of every event of every service, in the order of the contracts.
        pub const TYPE_URLS: &[&str] = &[
            $(
                $(concat!("type.googleapis.com/", $package, ".", stringify!($fact)),)*
                concat!("type.googleapis.com/", $package, ".UpstreamIgnored"),
                concat!("type.googleapis.com/", $package, ".AnswerRepeated"),
                concat!("type.googleapis.com/", $package, ".TailLost"),
            )*
        ];

        /// The type of the event, as it stands in `google.protobuf.Any`.
        pub fn type_url(event: &Event) -> &'static str {
            match event {
                $(Event::$variant(event) => match event {
                    $($service::Event::$fact(_) => {
                        concat!("type.googleapis.com/", $package, ".", stringify!($fact))
                    })*
                    $service::Event::UpstreamIgnored(_) => {
                        concat!("type.googleapis.com/", $package, ".UpstreamIgnored")
                    }
                    $service::Event::AnswerRepeated(_) => {
                        concat!("type.googleapis.com/", $package, ".AnswerRepeated")
                    }
                    $service::Event::TailLost(_) => concat!("type.googleapis.com/", $package, ".TailLost"),
                },)*
            }
        }

        /// Appends the bytes of the event.
        pub fn encode_event(event: &Event, out: &mut Vec<u8>) {
            match event {
                $(Event::$variant(event) => match event {
                    $($service::Event::$fact(fact) => fact.encode(out),)*
                    $service::Event::UpstreamIgnored(fact) => fact.encode(out),
                    $service::Event::AnswerRepeated(fact) => fact.encode(out),
                    $service::Event::TailLost(fact) => fact.encode(out),
                },)*
            }
        }

        $(fn $service(name: &str, body: Reader<'_>) -> Result<Event, Unknown> {
            let event = match name {
                $(stringify!($fact) => Message::decode(body).map($service::Event::$fact),)*
                "UpstreamIgnored" => Message::decode(body).map($service::Event::UpstreamIgnored),
                "AnswerRepeated" => Message::decode(body).map($service::Event::AnswerRepeated),
                "TailLost" => Message::decode(body).map($service::Event::TailLost),
                _ => return Err(format!("{} has no event {name}", $package)),
            };
            event.map(Event::$variant).map_err(|fault| fault.to_string())
        })*

        /// What begins the type names of a service's events, and what reads them; the ledger has none yet.
        const fn package(service: Service) -> Option<(&'static str, Decode)> {
            Some(match service {
                $(Service::$variant => (concat!("type.googleapis.com/", $package, "."), $service),)*
                Service::Ledger => return None,
            })
        }
    };
}

facts!(catalogue);

/// Reads an event of a stream of `service`; another service's event does not belong there, nor in an answer of it.
pub(crate) fn decode_event(service: Service, type_url: &str, body: &[u8]) -> Result<Event, Unknown> {
    let (package, decode) = package(service).ok_or("events of the ledger are not known here")?;
    let name = type_url.strip_prefix(package).ok_or_else(|| format!("not an event of {service}"))?;
    let event = decode(name, Reader::new(body))?;
    nested::check(package, &event)?;
    Ok(event)
}

//! Identifiers: 16 bytes each, one type per kind of thing, so that a lot can never stand for a receipt.

use core::fmt;
use uuid::Uuid;

use crate::{BusinessDate, Hash, StreamId, comparison_key};

/// Why a text is not an identifier that a caller may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    #[error("not a UUID in its 36-character form")]
    NotAUuid,
    /// A caller's `request_id` must be of version 4, 7 or 8: version 5 is what this system derives itself.
    #[error("a request id must be a UUID of version 4, 7 or 8")]
    Version,
    #[error("the nil UUID names nothing")]
    Nil,
}

/// Parses the hyphenated form of a UUID, in either case of letters.
pub fn parse_uuid(text: &str) -> Result<[u8; 16], IdError> {
    if text.len() != 36 {
        return Err(IdError::NotAUuid);
    }
    let uuid = Uuid::try_parse(text).map_err(|_| IdError::NotAUuid)?;
    if uuid.is_nil() {
        return Err(IdError::Nil);
    }
    Ok(*uuid.as_bytes())
}

/// Writes 16 bytes in the hyphenated lower-case form.
pub fn write_uuid(bytes: [u8; 16], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    fmt::Display::fmt(Uuid::from_bytes(bytes).as_hyphenated(), f)
}

/// What an id names; part of the name from which `UUIDv5` derives it, so it must never be renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntityKind {
    Party,
    Member,
    Product,
    Contract,
    Place,
    Receipt,
    Lot,
    Shipment,
    Channel,
    Order,
    Issue,
    Payment,
    Settlement,
    Payable,
    Payout,
}

impl EntityKind {
    /// The stable word for this kind: in derived ids and in `google.rpc.ResourceInfo`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Party => "party",
            Self::Member => "member",
            Self::Product => "product",
            Self::Contract => "contract",
            Self::Place => "place",
            Self::Receipt => "receipt",
            Self::Lot => "lot",
            Self::Shipment => "shipment",
            Self::Channel => "channel",
            Self::Order => "order",
            Self::Issue => "issue",
            Self::Payment => "payment",
            Self::Settlement => "settlement",
            Self::Payable => "payable",
            Self::Payout => "payout",
        }
    }
}

macro_rules! entity_id {
    ($($(#[$doc:meta])* $name:ident => $kind:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 16]);

        impl $name {
            /// The kind that this id names.
            pub const KIND: EntityKind = EntityKind::$kind;

            /// The id of the `index`-th such entity that `request_id` creates in `stream`:
            /// UUIDv5(request id, "stream/kind/index"), so a repeated request names the same things.
            pub fn derive(request_id: RequestId, stream: StreamId, index: u32) -> Self {
                Self(derive(request_id.0, stream, EntityKind::$kind.as_str(), index))
            }

            /// Parses the hyphenated form.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                parse_uuid(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_uuid(self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_uuid(self.0, f)
            }
        }
    )*};
}

entity_id! {
    /// A household, co-op, firm, carrier or registered buyer.
    PartyId => Party;
    /// A person in a household; says nothing of who it is.
    MemberId => Member;
    /// A product with its base unit.
    ProductId => Product;
    /// A linkage contract 企业+站点+户.
    ContractId => Contract;
    /// A station, workshop, county centre, hub, warehouse or outlet.
    PlaceId => Place;
    /// A weigh slip 过磅单.
    ReceiptId => Receipt;
    /// A batch 批次.
    LotId => Lot;
    /// A consignment note 运单.
    ShipmentId => Shipment;
    /// A sales channel.
    ChannelId => Channel;
    /// A customer's order.
    OrderId => Order;
    /// One issue of goods against an order line.
    IssueId => Issue;
    /// A customer's payment.
    PaymentId => Payment;
    /// A settlement of consigned lots.
    SettlementId => Settlement;
    /// One obligation to pay.
    PayableId => Payable;
    /// One payment out.
    PayoutId => Payout;
}

/// What people's number of a paper is unique by: its issuer, the business year, and the number as it is compared.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NumberId(pub [u8; 16]);

impl NumberId {
    /// UUIDv5(issuer, "year/number"); `None` for an empty number, which is none.
    pub fn new(issuer: [u8; 16], day: BusinessDate, number: &str) -> Option<Self> {
        let number = comparison_key(number);
        let year = day.ymd().0;
        let id = || Uuid::new_v5(&Uuid::from_bytes(issuer), format!("{year}/{number}").as_bytes());
        (!number.is_empty()).then(|| Self(*id().as_bytes()))
    }
}

impl fmt::Debug for NumberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_uuid(self.0, f)
    }
}

/// The idempotency key of a write.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub [u8; 16]);

impl RequestId {
    /// Parses what a caller sent: a UUID of version 4, 7 or 8.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let bytes = parse_uuid(text)?;
        match Uuid::from_bytes(bytes).get_version_num() {
            4 | 7 | 8 => Ok(Self(bytes)),
            _ => Err(IdError::Version),
        }
    }

    /// The id of the reaction of `own` to a commit of `upstream` that `self` asked for.
    #[must_use]
    pub fn for_reaction(self, upstream: StreamId, own: StreamId) -> Self {
        let namespace = Uuid::from_bytes(self.0);
        Self(*Uuid::new_v5(&namespace, format!("{upstream}>{own}").as_bytes()).as_bytes())
    }

    /// The id of the commit that accepts the loss of `stream` up to the commit with this hash: there is one such commit.
    #[must_use]
    pub fn for_loss(stream: StreamId, lost_head: Hash) -> Self {
        let namespace = lost_head.0.first_chunk().copied().unwrap_or_default();
        Self(*Uuid::new_v5(&Uuid::from_bytes(namespace), format!("{stream}!lost").as_bytes()).as_bytes())
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_uuid(self.0, f)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_uuid(self.0, f)
    }
}

fn derive(namespace: [u8; 16], stream: StreamId, kind: &str, index: u32) -> [u8; 16] {
    *Uuid::new_v5(&Uuid::from_bytes(namespace), format!("{stream}/{kind}/{index}").as_bytes()).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CountyCode, Service};

    const STREAM: StreamId = StreamId { service: Service::Station, county: CountyCode::TUOLI };

    #[test]
    fn a_repeat_names_the_same_things_and_kinds_never_collide() {
        let request = RequestId::parse("6f1f7d2e-0d5c-4c65-9a3a-2f5d6f0a7b11").unwrap();
        assert_eq!(LotId::derive(request, STREAM, 0), LotId::derive(request, STREAM, 0));
        assert_ne!(LotId::derive(request, STREAM, 0), LotId::derive(request, STREAM, 1));
        assert_ne!(LotId::derive(request, STREAM, 0).0, ReceiptId::derive(request, STREAM, 0).0);
    }

    #[test]
    fn numbers_that_look_the_same_are_one_within_a_year_and_an_issuer() {
        let day = |text| BusinessDate::parse(text).unwrap();
        let number = NumberId::new([1; 16], day("2026-01-01"), "A-0001").unwrap();
        for same in [" A-0001", "a-0001 ", "Ａ－０００１"] {
            assert_eq!(NumberId::new([1; 16], day("2026-12-31"), same), Some(number), "{same}");
        }
        assert_ne!(NumberId::new([1; 16], day("2025-12-31"), "A-0001"), Some(number));
        assert_ne!(NumberId::new([2; 16], day("2026-01-01"), "A-0001"), Some(number));
        assert_ne!(NumberId::new([1; 16], day("2026-01-01"), "A-001"), Some(number));
        assert_eq!(NumberId::new([1; 16], day("2026-01-01"), "  "), None);
    }

    #[test]
    fn callers_send_versions_4_7_and_8_only() {
        assert!(RequestId::parse("6f1f7d2e-0d5c-4c65-9a3a-2f5d6f0a7b11").is_ok());
        assert!(RequestId::parse("6f1f7d2e-0d5c-8c65-9a3a-2f5d6f0a7b11").is_ok());
        assert_eq!(RequestId::parse("6f1f7d2e-0d5c-5c65-9a3a-2f5d6f0a7b11"), Err(IdError::Version));
        assert_eq!(RequestId::parse("00000000-0000-0000-0000-000000000000"), Err(IdError::Nil));
        assert_eq!(RequestId::parse("6f1f7d2e0d5c4c659a3a2f5d6f0a7b11"), Err(IdError::NotAUuid));
    }
}

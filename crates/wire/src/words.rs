//! The enums of the contracts and of the domain, one to one. A number that has no word here is not understood in an
//! event, and refused in a request.

use loopledger_domain as domain;
use loopledger_domain::{distribution, procurement, stock};
use loopledger_proto::common::v1 as pb;
use loopledger_types::{BaseUnit, Scope, Service, Unit};

use crate::codec::{Fault, Problem, Reader, VARINT, Value, put_varint};

/// A word of the domain with its word in the contracts.
pub trait Word: Copy + Sized + 'static {
    /// The generated enum.
    type Pb: Into<i32> + TryFrom<i32> + Copy;

    /// Every word, in the order of the contract.
    const ALL: &'static [Self];

    /// The word in the contract.
    fn to_pb(self) -> Self::Pb;

    /// The word of the contract, unless it is `UNSPECIFIED`.
    fn from_pb(pb: Self::Pb) -> Option<Self>;

    /// The number that goes into a message.
    fn number(self) -> i32 {
        self.to_pb().into()
    }

    /// From the number in a message; `None` if unspecified or unknown.
    fn from_number(number: i32) -> Option<Self> {
        Self::Pb::try_from(number).ok().and_then(Self::from_pb)
    }
}

macro_rules! words {
    ($($name:ty = $pb:ident { $($word:ident),* $(,)? })*) => {$(
        impl Word for $name {
            type Pb = pb::$pb;

            const ALL: &'static [Self] = &[$(Self::$word,)*];

            #[inline]
            fn to_pb(self) -> pb::$pb {
                match self { $(Self::$word => pb::$pb::$word,)* }
            }

            #[inline]
            fn from_pb(pb: pb::$pb) -> Option<Self> {
                match pb {
                    pb::$pb::Unspecified => None,
                    $(pb::$pb::$word => Some(Self::$word),)*
                }
            }
        }

        impl Value for $name {
            const WIRE: u32 = VARINT;

            #[inline]
            fn put(&self, out: &mut Vec<u8>) {
                put_varint(u64::from(self.number().unsigned_abs()), out);
            }

            #[inline]
            fn take(from: &mut Reader<'_>) -> Result<Self, Fault> {
                let number = from.varint()?;
                i32::try_from(number)
                    .ok()
                    .and_then(Self::from_number)
                    .ok_or_else(|| Fault::new(Problem::UnknownValue(number)))
            }
        }
    )*};
}

words! {
    Unit = Unit { Gram, Liang, Jin, Kilogram, Tonne, Millilitre, Litre, Head, Piece }
    BaseUnit = BaseUnit { Gram, Millilitre, Head, Piece }
    Scope = Scope { County, Prefecture, Region, Outside }
    Service = Service { Procurement, Station, Distribution, Sales, Ledger }
    domain::PartyKind = PartyKind { Household, Cooperative, Firm, Carrier, Buyer, Supplier }
    domain::HouseholdCategory = HouseholdCategory {
        General, RegisteredPoor, Exited, ExitedUnstable, AtRisk, SuddenHardship,
    }
    domain::Relation = Relation { Head, Spouse, Child, Parent, Other }
    domain::ProductClass = ProductClass { Speciality, Handicraft, Industrial }
    domain::PlaceKind = PlaceKind { Station, Workshop, CountyCentre, TownshipHub, FrontWarehouse, Outlet }
    domain::Direction = Direction { Up, Down, Local }
    domain::Medium = Medium { Online, Offline }
    domain::PaymentMethod = PaymentMethod { Cash, BankTransfer, Mobile }
    domain::SettlementMode = SettlementMode { AgreedPrice, Commission }
    domain::ChargeKind = ChargeKind { Freight, Platform, Processing }
    domain::IgnoreReason = IgnoreReason { NotAsked, AlreadyAnswered, NothingOwed }
    stock::StockRefusal = StockRefusal { PlaceUnknown, InsufficientStock, TooManyLots, DateTooEarly }
    procurement::DeclineReason = DeclineReason {
        BuyerUnknown, ProducerUnknown, ContractUnknown, ContractNotInForce, ContractMismatch, PriceMismatch,
        QuantityExceeded, DateTooEarly,
    }
    distribution::HandOverRefusal = HandOverRefusal { DestinationUnknown, CarrierUnknown, DateTooEarly }
}

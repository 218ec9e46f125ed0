//! Words that several services share. A change here is a change of every service's `SCHEMA`.

use bincode::de::Decoder;
use bincode::enc::Encoder;
use bincode::error::{DecodeError, EncodeError};
use loopledger_domain::{
    Age, BuyerRef, CategoryAt, Change, Dated, Direction, HouseholdCategory, Medium, Numbered, Occasion, Origin, Paper,
    PartyKind, PartyRef, PaymentMethod, PlaceKind, ProductClass, Relation, SettlementMode, StockLine, Terms, Title,
};
use loopledger_types::{
    BaseUnit, BusinessDate, ChannelId, ContractId, DivisionCode, LotId, MemberId, Money, NumberId, OrderId, PartyId,
    PayableId, PayoutId, PlaceId, ProductId, Quantity, ReceiptId, Scope, Service, SettlementId, ShipmentId, Timestamp,
    Unit, UnitPrice,
};

use super::{Record, record_enum, record_struct};

/// A newtype as what it holds.
macro_rules! newtypes {
    ($($name:ident),*) => {$(
        impl Record for $name {
            fn write<W: Encoder>(&self, to: &mut W) -> Result<(), EncodeError> {
                self.0.write(to)
            }

            fn read<R: Decoder<Context = ()>>(from: &mut R) -> Result<Self, DecodeError> {
                Record::read(from).map(Self)
            }
        }
    )*};
}

newtypes!(
    ChannelId,
    ContractId,
    LotId,
    MemberId,
    NumberId,
    OrderId,
    PartyId,
    PayableId,
    PayoutId,
    PlaceId,
    ProductId,
    ReceiptId,
    SettlementId,
    ShipmentId,
    Money,
    Quantity
);

impl Record for Numbered {
    fn write<W: Encoder>(&self, to: &mut W) -> Result<(), EncodeError> {
        self.0.write(to)
    }

    fn read<R: Decoder<Context = ()>>(from: &mut R) -> Result<Self, DecodeError> {
        Record::read(from).map(Self)
    }
}

impl<T: Record> Record for Paper<T> {
    fn write<W: Encoder>(&self, to: &mut W) -> Result<(), EncodeError> {
        let Self { id, on } = self;
        id.write(to)?;
        on.write(to)
    }

    fn read<R: Decoder<Context = ()>>(from: &mut R) -> Result<Self, DecodeError> {
        Ok(Self { id: Record::read(from)?, on: Record::read(from)? })
    }
}

impl Record for BusinessDate {
    fn write<W: Encoder>(&self, to: &mut W) -> Result<(), EncodeError> {
        self.days().write(to)
    }

    fn read<R: Decoder<Context = ()>>(from: &mut R) -> Result<Self, DecodeError> {
        Self::from_days(Record::read(from)?).map_err(|_| DecodeError::Other("no such business date"))
    }
}

impl Record for DivisionCode {
    fn write<W: Encoder>(&self, to: &mut W) -> Result<(), EncodeError> {
        self.get().write(to)
    }

    fn read<R: Decoder<Context = ()>>(from: &mut R) -> Result<Self, DecodeError> {
        Self::from_number(Record::read(from)?).map_err(|_| DecodeError::Other("no such division"))
    }
}

record_enum! {
    Service { 0 => Procurement, 1 => Station, 2 => Distribution, 3 => Sales, 4 => Ledger }
    BaseUnit { 0 => Gram, 1 => Millilitre, 2 => Head, 3 => Piece }
    Unit {
        0 => Gram, 1 => Liang, 2 => Jin, 3 => Kilogram, 4 => Tonne, 5 => Millilitre, 6 => Litre, 7 => Head, 8 => Piece,
    }
    Scope { 0 => County, 1 => Prefecture, 2 => Region, 3 => Outside }
    PartyKind { 0 => Household, 1 => Cooperative, 2 => Firm, 3 => Carrier, 4 => Buyer, 5 => Supplier }
    HouseholdCategory {
        0 => General, 1 => RegisteredPoor, 2 => Exited, 3 => ExitedUnstable, 4 => AtRisk, 5 => SuddenHardship,
    }
    Relation { 0 => Head, 1 => Spouse, 2 => Child, 3 => Parent, 4 => Other }
    ProductClass { 0 => Speciality, 1 => Handicraft, 2 => Industrial }
    PlaceKind {
        0 => Station, 1 => Workshop, 2 => CountyCentre, 3 => TownshipHub, 4 => FrontWarehouse, 5 => Outlet,
    }
    Direction { 0 => Up, 1 => Down, 2 => Local }
    Medium { 0 => Online, 1 => Offline }
    PaymentMethod { 0 => Cash, 1 => BankTransfer, 2 => Mobile }
    SettlementMode { 0 => AgreedPrice, 1 => Commission }
    Title { 0 => Owned { owner }, 1 => Consigned { consignee, mode } }
    Terms {
        0 => Outright { buyer, price, contract },
        1 => AgreedPrice { consignee, price, contract },
        2 => Commission { consignee, commission_bp, price_basis, contract },
    }
}

record_struct! {
    Timestamp { seconds, nanos }
    Age { day, at, number }
    Change { day, amount }
    Dated { changes }
    UnitPrice { e4, per }
    PartyRef { id, kind }
    CategoryAt { category, from }
    Occasion { business_date, occurred_at, device_utc_offset_min, division }
    Origin { receipt, producer, division, terms, quantity, source_quantity }
    StockLine { lot, pool, product, title, collected_on, quantity }
    BuyerRef { party, division, scope }
}

//! How the shared words look as fields: ids are 16 bytes, dates days, divisions their digits as a number, money
//! zigzag fen (it may be negative), quantities plain base units.

use loopledger_types::{
    BusinessDate, ChannelId, ContractId, DivisionCode, Hash, IssueId, LotId, MemberId, Money, OrderId, PartyId,
    PayableId, PaymentId, PayoutId, PlaceId, ProductId, Quantity, ReceiptId, SettlementId, ShipmentId, Timestamp,
    UnitPrice,
};

use super::{Fault, Field, Message, Problem, Reader, SIZED, VARINT, Value, message_value, messages, put_varint};

/// Integers: `Type: write as, read from, whether zero is left out`.
macro_rules! varints {
    ($($name:ty: |$value:ident| $to:expr, |$wire:ident| $from:expr;)*) => {$(
        impl Value for $name {
            const WIRE: u32 = VARINT;

            #[inline]
            fn put(&self, out: &mut Vec<u8>) {
                let $value = self;
                put_varint($to, out);
            }

            #[inline]
            fn take(from: &mut Reader<'_>) -> Result<Self, Fault> {
                let $wire = from.varint()?;
                $from
            }

            #[inline]
            fn is_default(&self) -> bool {
                let $value = self;
                $to == 0
            }

            #[inline]
            fn absent() -> Option<Self> {
                let $wire = 0_u64;
                let value: Result<Self, Fault> = $from;
                value.ok()
            }
        }
    )*};
}

varints! {
    bool: |v| u64::from(*v), |w| match w {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Fault::new(Problem::NotCanonical)),
    };
    u16: |v| u64::from(*v), |w| u16::try_from(w).map_err(|_| Fault::new(Problem::OutOfRange));
    u32: |v| u64::from(*v), |w| u32::try_from(w).map_err(|_| Fault::new(Problem::OutOfRange));
    u64: |v| *v, |w| Ok(w);
    i64: |v| v.cast_unsigned(), |w| Ok(w.cast_signed());
    // sint32: the device's offset.
    i16: |v| zigzag(i64::from(*v)), |w| i16::try_from(unzigzag(w)).map_err(|_| Fault::new(Problem::OutOfRange));
    Quantity: |v| v.0.cast_unsigned(), |w| Ok(Self(w.cast_signed()));
    Money: |v| zigzag(v.0), |w| Ok(Self(unzigzag(w)));
    // Neither can be zero, so neither is ever left out.
    BusinessDate: |v| i64::from(v.days()).cast_unsigned(), |w| i32::try_from(w)
        .ok()
        .and_then(|days| Self::from_days(days).ok())
        .ok_or_else(|| Fault::new(Problem::OutOfRange));
    DivisionCode: |v| v.get(), |w| Self::from_number(w).map_err(|_| Fault::new(Problem::OutOfRange));
}

const fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63).cast_unsigned()
}

const fn unzigzag(wire: u64) -> i64 {
    (wire >> 1).cast_signed() ^ (wire & 1).cast_signed().wrapping_neg()
}

macro_rules! ids {
    ($($name:ident),* $(,)?) => {$(
        impl Value for $name {
            const WIRE: u32 = SIZED;

            #[inline]
            fn put(&self, out: &mut Vec<u8>) {
                out.push(16);
                out.extend_from_slice(&self.0);
            }

            #[inline]
            fn take(from: &mut Reader<'_>) -> Result<Self, Fault> {
                from.sized()?.try_into().map(Self).map_err(|_| Fault::new(Problem::OutOfRange))
            }
        }
    )*};
}

ids! {
    ChannelId, ContractId, IssueId, LotId, MemberId, OrderId, PartyId, PayableId, PaymentId, PayoutId, PlaceId,
    ProductId, ReceiptId, SettlementId, ShipmentId,
}

/// A SHA-256 value.
impl Value for [u8; 32] {
    const WIRE: u32 = SIZED;

    fn put(&self, out: &mut Vec<u8>) {
        out.push(32);
        out.extend_from_slice(self);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Fault> {
        from.sized()?.try_into().map_err(|_| Fault::new(Problem::OutOfRange))
    }
}

impl Value for Hash {
    const WIRE: u32 = SIZED;

    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Fault> {
        Value::take(from).map(Self)
    }
}

impl Value for String {
    const WIRE: u32 = SIZED;

    fn put(&self, out: &mut Vec<u8>) {
        put_varint(u64::try_from(self.len()).unwrap_or(u64::MAX), out);
        out.extend_from_slice(self.as_bytes());
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Fault> {
        core::str::from_utf8(from.sized()?).map(Self::from).map_err(|_| Fault::new(Problem::NotUtf8))
    }

    fn is_default(&self) -> bool {
        self.is_empty()
    }

    fn absent() -> Option<Self> {
        Some(Self::new())
    }
}

messages! { PRICE:
    UnitPrice { 1 e4, 2 per }
}

/// `google.protobuf.Timestamp`.
impl Message for Timestamp {
    fn encode(&self, out: &mut Vec<u8>) {
        self.seconds.write(1, out);
        self.nanos.write(2, out);
    }

    fn decode(mut from: Reader<'_>) -> Result<Self, Fault> {
        let (seconds, nanos) = (Field::read(1, &mut from)?, Field::read(2, &mut from)?);
        from.end()?;
        if nanos < 1_000_000_000 { Ok(Self { seconds, nanos }) } else { Err(Fault::new(Problem::OutOfRange)) }
    }
}

message_value!(Timestamp);

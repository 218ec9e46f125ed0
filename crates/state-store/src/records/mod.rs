//! How the entities of the four services are laid out: a tag, then field by field, in the order that is listed here.
//!
//! Which entities there are, and by which tags, says the list of each service (`entities!`); the domain knows nothing of
//! their layout. Every list here names all fields of its type, so a field that the domain adds does not compile until it
//! is listed; golden bytes notice a layout that changed without its service's `SCHEMA`.
//! Primitives are bincode's, in its standard configuration: integers of variable length, signed ones in zigzag.

mod distribution;
mod procurement;
mod sales;
mod station;
mod stock;
mod words;

use std::sync::Arc;

use bincode::config;
use bincode::de::{Decode, Decoder};
use bincode::enc::{Encode, Encoder};
use bincode::error::{DecodeError, EncodeError};

/// Far more than any entity: an order of 200 lines, a reservation of as many picks, a payout of all its items.
const DECODE_LIMIT: usize = 1024 * 1024;

/// What can be written as part of an entity.
pub(crate) trait Record: Sized {
    fn write<W: Encoder>(&self, to: &mut W) -> Result<(), EncodeError>;
    fn read<R: Decoder<Context = ()>>(from: &mut R) -> Result<Self, DecodeError>;
}

/// Appends `value`.
fn append<T: Record>(value: &T, out: &mut Vec<u8>) {
    struct Borrowed<'a, T>(&'a T);

    impl<T: Record> Encode for Borrowed<'_, T> {
        fn encode<W: Encoder>(&self, to: &mut W) -> Result<(), EncodeError> {
            self.0.write(to)
        }
    }

    bincode::encode_into_std_write(Borrowed(value), out, config::standard()).expect("writing to memory cannot fail");
}

/// The whole of `bytes`, or nothing.
fn take<T: Record>(bytes: &[u8]) -> Option<T> {
    struct Owned<T>(T);

    impl<T: Record> Decode<()> for Owned<T> {
        fn decode<R: Decoder<Context = ()>>(from: &mut R) -> Result<Self, DecodeError> {
            T::read(from).map(Self)
        }
    }

    let config = config::standard().with_limit::<DECODE_LIMIT>();
    let (Owned(value), read) = bincode::decode_from_slice(bytes, config).ok()?;
    (read == bytes.len()).then_some(value)
}

/// A struct as its fields, in this order.
macro_rules! record_struct {
    ($($name:path { $($field:ident),* $(,)? })*) => {$(
        impl $crate::records::Record for $name {
            fn write<W: bincode::enc::Encoder>(&self, to: &mut W) -> Result<(), bincode::error::EncodeError> {
                let Self { $($field),* } = self;
                $($crate::records::Record::write($field, to)?;)*
                Ok(())
            }

            fn read<R: bincode::de::Decoder<Context = ()>>(from: &mut R) -> Result<Self, bincode::error::DecodeError> {
                Ok(Self { $($field: $crate::records::Record::read(from)?),* })
            }
        }
    )*};
}

/// An enum as one byte and the fields of its variant.
macro_rules! record_enum {
    ($($name:path {
        $($tag:literal => $variant:ident $(( $item:ident ))? $({ $($field:ident),* $(,)? })?),* $(,)?
    })*) => {$(
        impl $crate::records::Record for $name {
            fn write<W: bincode::enc::Encoder>(&self, to: &mut W) -> Result<(), bincode::error::EncodeError> {
                match self {
                    $(Self::$variant $(($item))? $({ $($field),* })? => {
                        <u8 as bincode::enc::Encode>::encode(&$tag, to)?;
                        $($crate::records::Record::write($item, to)?;)?
                        $($($crate::records::Record::write($field, to)?;)*)?
                    })*
                }
                Ok(())
            }

            fn read<R: bincode::de::Decoder<Context = ()>>(from: &mut R) -> Result<Self, bincode::error::DecodeError> {
                match <u8 as bincode::de::Decode<()>>::decode(from)? {
                    $($tag => {
                        $(let $item = $crate::records::Record::read(from)?;)?
                        Ok(Self::$variant $(($item))? $({ $($field: $crate::records::Record::read(from)?),* })?)
                    })*
                    _ => Err(bincode::error::DecodeError::Other("no such variant")),
                }
            }
        }
    )*};
}

/// What makes a service's entities storable.
macro_rules! mirror {
    ($service:ident, $schema:literal) => {
        impl $crate::Mirror for loopledger_domain::$service::Entity {
            const SCHEMA: u16 = $schema;

            fn encode_key(key: &Self::Key, out: &mut Vec<u8>) {
                $crate::records::append(key, out);
            }

            fn decode_key(bytes: &[u8]) -> Option<Self::Key> {
                $crate::records::take(bytes)
            }

            fn encode(&self, out: &mut Vec<u8>) {
                $crate::records::append(self, out);
            }

            fn decode(bytes: &[u8]) -> Option<Self> {
                $crate::records::take(bytes)
            }
        }
    };
}

use {mirror, record_enum, record_struct};

macro_rules! primitives {
    ($($name:ty),*) => {$(
        impl Record for $name {
            fn write<W: Encoder>(&self, to: &mut W) -> Result<(), EncodeError> {
                self.encode(to)
            }

            fn read<R: Decoder<Context = ()>>(from: &mut R) -> Result<Self, DecodeError> {
                <Self as Decode<()>>::decode(from)
            }
        }
    )*};
}

primitives!(bool, u16, u32, u64, i16, i32, i64, [u8; 16], [u8; 32], String, Box<str>);

impl<T: Record> Record for Option<T> {
    fn write<W: Encoder>(&self, to: &mut W) -> Result<(), EncodeError> {
        self.is_some().encode(to)?;
        self.as_ref().map_or(Ok(()), |value| value.write(to))
    }

    fn read<R: Decoder<Context = ()>>(from: &mut R) -> Result<Self, DecodeError> {
        bool::read(from)?.then(|| T::read(from)).transpose()
    }
}

fn write_all<T: Record, W: Encoder>(values: &[T], to: &mut W) -> Result<(), EncodeError> {
    u64::try_from(values.len()).map_err(|_| EncodeError::Other("too long"))?.encode(to)?;
    values.iter().try_for_each(|value| value.write(to))
}

impl<T: Record> Record for Vec<T> {
    fn write<W: Encoder>(&self, to: &mut W) -> Result<(), EncodeError> {
        write_all(self, to)
    }

    fn read<R: Decoder<Context = ()>>(from: &mut R) -> Result<Self, DecodeError> {
        // Nothing is reserved: a damaged length runs into the end of the bytes first.
        let length = u64::read(from)?;
        (0..length).map(|_| T::read(from)).collect()
    }
}

impl<T: Record> Record for Box<[T]> {
    fn write<W: Encoder>(&self, to: &mut W) -> Result<(), EncodeError> {
        write_all(self, to)
    }

    fn read<R: Decoder<Context = ()>>(from: &mut R) -> Result<Self, DecodeError> {
        Vec::read(from).map(Self::from)
    }
}

impl<T: Record> Record for Arc<[T]> {
    fn write<W: Encoder>(&self, to: &mut W) -> Result<(), EncodeError> {
        write_all(self, to)
    }

    fn read<R: Decoder<Context = ()>>(from: &mut R) -> Result<Self, DecodeError> {
        Vec::read(from).map(Self::from)
    }
}

impl<T: Record> Record for Arc<T> {
    fn write<W: Encoder>(&self, to: &mut W) -> Result<(), EncodeError> {
        T::write(self, to)
    }

    fn read<R: Decoder<Context = ()>>(from: &mut R) -> Result<Self, DecodeError> {
        T::read(from).map(Self::new)
    }
}

impl<T: Record> Record for Box<T> {
    fn write<W: Encoder>(&self, to: &mut W) -> Result<(), EncodeError> {
        T::write(self, to)
    }

    fn read<R: Decoder<Context = ()>>(from: &mut R) -> Result<Self, DecodeError> {
        T::read(from).map(Self::new)
    }
}

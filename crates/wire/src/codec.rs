//! A strict reader and writer of protobuf messages, driven by the fields of our own types.
//!
//! It writes the one canonical form (fields once and ascending, minimal varints, proto3 defaults omitted) and reads
//! nothing else. So whatever it accepts it would write the same way, and a field that it does not know, at any depth,
//! is an error instead of being dropped, as the usual generated decoders do. It also allocates nothing but lists and
//! texts, which is why events do not go through generated types at all.

use core::fmt;

mod values;

#[cfg(test)]
pub(crate) use values::PRICE;

/// Wire type of integers.
pub(crate) const VARINT: u32 = 0;
/// Wire type of texts, bytes and messages.
pub(crate) const SIZED: u32 = 2;

/// Why bytes are not understood, and in which field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault(Box<(Vec<&'static str>, Problem)>);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    #[error("ends too early")]
    Truncated,
    #[error("is not in its canonical form")]
    NotCanonical,
    #[error("has a field that is not known here, or out of order (key {0})")]
    UnknownField(u64),
    #[error("has a value that is not known here: {0}")]
    UnknownValue(u64),
    #[error("is missing")]
    Missing,
    #[error("is out of range")]
    OutOfRange,
    #[error("is not UTF-8")]
    NotUtf8,
    #[error("is an event that is not understood: {0}")]
    Unknown(String),
}

impl Fault {
    #[cold]
    pub(crate) fn new(problem: Problem) -> Self {
        Self(Box::new((Vec::new(), problem)))
    }

    /// The same problem, seen from the message around it.
    #[cold]
    pub(crate) fn at(mut self, field: &'static str) -> Self {
        self.0.0.push(field);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, problem) = &*self.0;
        for (index, field) in path.iter().rev().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            f.write_str(field)?;
        }
        if path.is_empty() { write!(f, "the event {problem}") } else { write!(f, " {problem}") }
    }
}

/// What is left to read of a message.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Whether the next field is `number` of that wire type; if so, its key is consumed.
    #[inline]
    pub(crate) fn next_is(&mut self, number: u32, wire: u32) -> bool {
        let key = key(number, wire);
        let rest = match *self.rest {
            [byte, ref rest @ ..] if u32::from(byte) == key && key < 0x80 => rest,
            [low, high, ref rest @ ..]
                if key >= 0x80 && u32::from(low) == (key & 0x7f | 0x80) && u32::from(high) == key >> 7 =>
            {
                rest
            }
            _ => return false,
        };
        self.rest = rest;
        true
    }

    /// A minimal varint.
    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u64, Fault> {
        match *self.rest {
            [byte, ref rest @ ..] if byte < 0x80 => {
                self.rest = rest;
                Ok(u64::from(byte))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, Fault> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte, ref rest @ ..] = *self.rest else { return Err(Fault::new(Problem::Truncated)) };
            self.rest = rest;
            let bits = u64::from(byte & 0x7f);
            // The tenth byte has room for one bit only.
            if shift == 63 && byte > 1 {
                return Err(Fault::new(Problem::NotCanonical));
            }
            value |= bits << shift;
            if byte < 0x80 {
                // A last byte of zero adds nothing: a shorter form exists.
                return if byte == 0 { Err(Fault::new(Problem::NotCanonical)) } else { Ok(value) };
            }
        }
        Err(Fault::new(Problem::NotCanonical))
    }

    /// Bytes behind their length.
    #[inline]
    pub(crate) fn sized(&mut self) -> Result<&'a [u8], Fault> {
        let len = usize::try_from(self.varint()?).map_err(|_| Fault::new(Problem::Truncated))?;
        let (bytes, rest) = self.rest.split_at_checked(len).ok_or_else(|| Fault::new(Problem::Truncated))?;
        self.rest = rest;
        Ok(bytes)
    }

    /// All fields were read.
    #[inline]
    pub(crate) fn end(mut self) -> Result<(), Fault> {
        if self.rest.is_empty() { Ok(()) } else { Err(Fault::new(Problem::UnknownField(self.varint().unwrap_or(0)))) }
    }
}

const fn key(number: u32, wire: u32) -> u32 {
    (number << 3) | wire
}

/// Writes the key of a field.
#[inline]
pub(crate) fn put_key(number: u32, wire: u32, out: &mut Vec<u8>) {
    put_varint(u64::from(key(number, wire)), out);
}

#[inline]
pub(crate) fn put_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(low_bits(value) | 0x80);
        value >>= 7;
    }
    out.push(low_bits(value));
}

#[expect(clippy::as_conversions, reason = "the seven low bits fit a byte")]
const fn low_bits(value: u64) -> u8 {
    (value & 0x7f) as u8
}

/// Writes what `body` writes behind its length.
pub(crate) fn put_sized(out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.push(0);
    body(out);
    let body_start = start.saturating_add(1);
    let len = u64::try_from(out.len().saturating_sub(body_start)).unwrap_or(u64::MAX);
    let mut prefix = Vec::new();
    if let (0..0x80, Some(slot)) = (len, out.get_mut(start)) {
        *slot = low_bits(len);
    } else {
        put_varint(len, &mut prefix);
        out.splice(start..body_start, prefix);
    }
}

/// What a field holds, after its key.
pub(crate) trait Value: Sized {
    const WIRE: u32;

    fn put(&self, out: &mut Vec<u8>);

    fn take(from: &mut Reader<'_>) -> Result<Self, Fault>;

    /// Whether proto3 leaves the field out.
    #[inline]
    fn is_default(&self) -> bool {
        false
    }

    /// What a field means that is left out; `None` where it must not be.
    #[inline]
    fn absent() -> Option<Self> {
        None
    }
}

/// A field: a value, one that may be absent, or a list.
pub(crate) trait Field: Sized {
    fn write(&self, number: u32, out: &mut Vec<u8>);

    fn read(number: u32, from: &mut Reader<'_>) -> Result<Self, Fault>;
}

impl<V: Value> Field for V {
    #[inline]
    fn write(&self, number: u32, out: &mut Vec<u8>) {
        if !self.is_default() {
            put_key(number, V::WIRE, out);
            self.put(out);
        }
    }

    #[inline]
    fn read(number: u32, from: &mut Reader<'_>) -> Result<Self, Fault> {
        if !from.next_is(number, V::WIRE) {
            return V::absent().ok_or_else(|| Fault::new(Problem::Missing));
        }
        let value = V::take(from)?;
        if value.is_default() { Err(Fault::new(Problem::NotCanonical)) } else { Ok(value) }
    }
}

/// Present whatever its value: `optional` in the contract.
impl<V: Value> Field for Option<V> {
    #[inline]
    fn write(&self, number: u32, out: &mut Vec<u8>) {
        if let Some(value) = self {
            put_key(number, V::WIRE, out);
            value.put(out);
        }
    }

    #[inline]
    fn read(number: u32, from: &mut Reader<'_>) -> Result<Self, Fault> {
        if from.next_is(number, V::WIRE) { V::take(from).map(Some) } else { Ok(None) }
    }
}

/// Lists of messages (lists of numbers would be packed; events have none).
impl<V: Value> Field for Vec<V> {
    fn write(&self, number: u32, out: &mut Vec<u8>) {
        for value in self {
            put_key(number, V::WIRE, out);
            value.put(out);
        }
    }

    #[inline]
    fn read(number: u32, from: &mut Reader<'_>) -> Result<Self, Fault> {
        let mut values = Self::new();
        while from.next_is(number, V::WIRE) {
            values.push(V::take(from)?);
        }
        Ok(values)
    }
}

/// A message: its fields, without a length.
pub(crate) trait Message: Sized {
    fn encode(&self, out: &mut Vec<u8>);

    fn decode(from: Reader<'_>) -> Result<Self, Fault>;
}

/// A message's name and its fields: compared with the contracts.
#[cfg(test)]
pub(crate) type Layout = (&'static str, &'static [(u32, &'static str)]);

/// `Type { number field, .. }`: how a struct is laid out as a message.
macro_rules! messages {
    ($layout:ident: $($name:ident { $($number:literal $field:ident),* $(,)? })*) => {
        #[cfg(test)]
        pub(crate) const $layout: &[$crate::codec::Layout] =
            &[$((stringify!($name), &[$(($number, stringify!($field)),)*]),)*];

        $(
        impl $crate::codec::Message for $name {
            fn encode(&self, out: &mut Vec<u8>) {
                $($crate::codec::Field::write(&self.$field, $number, out);)*
            }

            fn decode(mut from: $crate::codec::Reader<'_>) -> Result<Self, $crate::codec::Fault> {
                // Fields of a struct expression are evaluated in the order in which they are written here.
                let message = Self {
                    $($field: $crate::codec::Field::read($number, &mut from)
                        .map_err(|fault| fault.at(stringify!($field)))?,)*
                };
                from.end()?;
                Ok(message)
            }
        }

        $crate::codec::message_value!($name);
        )*
    };
}

/// `Type { number Variant { number field, .. }, .. }`: an enum as a message with one `oneof` of messages.
macro_rules! oneofs {
    ($layout:ident: $($name:ident { $($key:literal $variant:ident { $($number:literal $field:ident),* $(,)? }),* $(,)? })*) => {
        /// Each variant under `Type.number`.
        #[cfg(test)]
        pub(crate) const $layout: &[$crate::codec::Layout] =
            &[$($((concat!(stringify!($name), ".", $key), &[$(($number, stringify!($field)),)*]),)*)*];

        $(
        impl $crate::codec::Message for $name {
            fn encode(&self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$variant { $($field),* } => {
                        $crate::codec::put_key($key, $crate::codec::SIZED, out);
                        $crate::codec::put_sized(out, |out| {
                            $($crate::codec::Field::write($field, $number, out);)*
                        });
                    })*
                }
            }

            fn decode(mut from: $crate::codec::Reader<'_>) -> Result<Self, $crate::codec::Fault> {
                $(if from.next_is($key, $crate::codec::SIZED) {
                    let mut inner = $crate::codec::Reader::new(from.sized()?);
                    let message = Self::$variant {
                        $($field: $crate::codec::Field::read($number, &mut inner)
                            .map_err(|fault| fault.at(stringify!($field)))?,)*
                    };
                    inner.end()?;
                    from.end()?;
                    return Ok(message);
                })*
                from.end()?;
                Err($crate::codec::Fault::new($crate::codec::Problem::Missing))
            }
        }

        $crate::codec::message_value!($name);
        )*
    };
}

/// A message as a value: behind its length.
macro_rules! message_value {
    ($name:ident) => {
        impl $crate::codec::Value for $name {
            const WIRE: u32 = $crate::codec::SIZED;

            fn put(&self, out: &mut Vec<u8>) {
                $crate::codec::put_sized(out, |out| $crate::codec::Message::encode(self, out));
            }

            fn take(from: &mut $crate::codec::Reader<'_>) -> Result<Self, $crate::codec::Fault> {
                $crate::codec::Message::decode($crate::codec::Reader::new(from.sized()?))
            }
        }
    };
}

pub(crate) use {message_value, messages, oneofs};

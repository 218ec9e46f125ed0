//! A protobuf reader so strict that every value has exactly one encoding.

use loopledger_types::{Hash, StreamId};

use crate::EnvelopeError;

/// What is left of a message, and the last field read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
    last_field: u32,
}

/// A field's content.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Content<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(message: &'a [u8]) -> Self {
        Self { rest: message, last_field: 0 }
    }

    /// The next field; its number is greater than the last one's, or the same if `may_repeat` says so.
    pub(crate) fn next(
        &mut self,
        may_repeat: impl Fn(u32) -> bool,
    ) -> Result<Option<(u32, Content<'a>)>, EnvelopeError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let field = u32::try_from(tag >> 3).map_err(|_| EnvelopeError::Field)?;
        let in_order = field > self.last_field || (field == self.last_field && may_repeat(field));
        if !in_order {
            return Err(EnvelopeError::Field);
        }
        self.last_field = field;
        let content = match tag & 7 {
            0 => Content::Varint(self.varint()?),
            2 => Content::Bytes(self.bytes()?),
            _ => return Err(EnvelopeError::Field),
        };
        Ok(Some((field, content)))
    }

    fn varint(&mut self) -> Result<u64, EnvelopeError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.rest.split_first().ok_or(EnvelopeError::Truncated)?;
            self.rest = rest;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(EnvelopeError::Varint);
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                // A last byte of zero adds nothing: a shorter encoding exists.
                return if bits == 0 && shift > 0 { Err(EnvelopeError::Varint) } else { Ok(value) };
            }
        }
        Err(EnvelopeError::Varint)
    }

    fn bytes(&mut self) -> Result<&'a [u8], EnvelopeError> {
        let length = usize::try_from(self.varint()?).map_err(|_| EnvelopeError::Truncated)?;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(EnvelopeError::Truncated)?;
        self.rest = rest;
        Ok(bytes)
    }
}

impl<'a> Content<'a> {
    /// A number that is not the default.
    pub(crate) const fn number(self) -> Result<u64, EnvelopeError> {
        match self {
            Self::Varint(0) => Err(EnvelopeError::Default),
            Self::Varint(value) => Ok(value),
            Self::Bytes(_) => Err(EnvelopeError::Field),
        }
    }

    /// Bytes, possibly none: a message's presence means something.
    pub(crate) const fn message(self) -> Result<&'a [u8], EnvelopeError> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Varint(_) => Err(EnvelopeError::Field),
        }
    }

    /// Bytes that are not the default.
    pub(crate) const fn some_bytes(self) -> Result<&'a [u8], EnvelopeError> {
        match self {
            Self::Bytes([]) => Err(EnvelopeError::Default),
            Self::Bytes(bytes) => Ok(bytes),
            Self::Varint(_) => Err(EnvelopeError::Field),
        }
    }

    /// A text that is not the default.
    pub(crate) fn text(self) -> Result<&'a str, EnvelopeError> {
        core::str::from_utf8(self.some_bytes()?).map_err(|_| EnvelopeError::Utf8)
    }

    /// 32 bytes.
    pub(crate) fn hash(self) -> Result<Hash, EnvelopeError> {
        self.message()?.try_into().map(Hash).map_err(|_| EnvelopeError::HashLength)
    }

    /// The name of a stream.
    pub(crate) fn stream(self) -> Result<StreamId, EnvelopeError> {
        StreamId::parse(self.text()?).map_err(|_| EnvelopeError::Stream)
    }
}

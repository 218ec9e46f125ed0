//! A cursor over protobuf bytes that accepts the canonical form alone. It knows wire types, not the envelope.

use crate::Problem;

/// A field's tag where its number is below 16, as all of the envelope's are: one byte, in ascending order of fields.
pub(crate) const fn varint_tag(field: u8) -> u8 {
    field << 3
}

/// As [`varint_tag`], for text, bytes and embedded messages.
pub(crate) const fn bytes_tag(field: u8) -> u8 {
    (field << 3) | 2
}

/// Reads one message front to back; `known` holds its tags, ascending.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    known: &'static [u8],
    /// The tag taken last; 0 is no tag.
    last: u8,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(message: &'a [u8], known: &'static [u8]) -> Self {
        Self { rest: message, known, last: 0 }
    }

    /// Whether the next field is `tag`; steps over the tag if so.
    pub(crate) fn take(&mut self, tag: u8) -> bool {
        match self.rest.split_first() {
            Some((first, rest)) if *first == tag => {
                self.rest = rest;
                self.last = tag;
                true
            }
            _ => false,
        }
    }

    /// Steps over `tag`, which must be next.
    pub(crate) fn require(&mut self, tag: u8) -> Result<(), Problem> {
        if self.take(tag) { Ok(()) } else { Err(self.misplaced().unwrap_or(Problem::Missing)) }
    }

    /// The message must end here.
    pub(crate) fn finish(&self) -> Result<(), Problem> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.misplaced().unwrap_or(Problem::FieldOrder)) }
    }

    /// What is wrong with the next tag in itself; `None` if it is one that may still follow, or there is none.
    fn misplaced(&self) -> Option<Problem> {
        match self.rest.first() {
            Some(tag) if !self.known.contains(tag) => Some(Problem::UnknownField),
            Some(tag) if *tag <= self.last => Some(Problem::FieldOrder),
            _ => None,
        }
    }

    /// A varint in its shortest form.
    pub(crate) fn varint(&mut self) -> Result<u64, Problem> {
        let mut value = 0_u64;
        for (index, (byte, shift)) in self.rest.iter().zip((0_u32..=63).step_by(7)).enumerate() {
            let bits = u64::from(byte & 0x7f);
            // The tenth byte holds the 64th bit alone.
            if shift == 63 && *byte > 1 {
                return Err(Problem::Varint);
            }
            value |= bits.wrapping_shl(shift);
            if byte & 0x80 == 0 {
                if bits == 0 && index > 0 {
                    return Err(Problem::Varint);
                }
                self.rest = self.rest.get(index.saturating_add(1)..).unwrap_or_default();
                return Ok(value);
            }
        }
        Err(Problem::Truncated)
    }

    /// A varint that is not the default.
    pub(crate) fn positive(&mut self) -> Result<u64, Problem> {
        match self.varint()? {
            0 => Err(Problem::DefaultPresent),
            value => Ok(value),
        }
    }

    /// Length-delimited bytes: an embedded message, whose presence alone may mean something.
    pub(crate) fn message(&mut self) -> Result<&'a [u8], Problem> {
        let length = usize::try_from(self.varint()?).map_err(|_| Problem::Truncated)?;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(Problem::Truncated)?;
        self.rest = rest;
        Ok(bytes)
    }

    /// Bytes that are not the default.
    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Problem> {
        match self.message()? {
            [] => Err(Problem::DefaultPresent),
            bytes => Ok(bytes),
        }
    }

    /// Text that is not the default.
    pub(crate) fn text(&mut self) -> Result<&'a str, Problem> {
        core::str::from_utf8(self.bytes()?).map_err(|_| Problem::NotUtf8)
    }

    /// A hash.
    pub(crate) fn hash(&mut self) -> Result<[u8; 32], Problem> {
        self.bytes()?.try_into().map_err(|_| Problem::HashLength)
    }
}

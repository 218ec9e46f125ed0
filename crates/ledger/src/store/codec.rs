//! Packed records: LEB128 numbers, zigzag for signed ones, ids as 16 bytes. Read back totally: damage is `None`.

/// Appends fields to a record.
#[derive(Debug, Default)]
pub(crate) struct Writer(pub(crate) Vec<u8>);

impl Writer {
    pub(crate) fn byte(&mut self, value: u8) -> &mut Self {
        self.0.push(value);
        self
    }

    #[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "the low seven bits, by definition")]
    pub(crate) fn number(&mut self, mut value: u64) -> &mut Self {
        while value >= 0x80 {
            self.0.push((value as u8) | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
        self
    }

    pub(crate) fn index(&mut self, value: u32) -> &mut Self {
        self.number(u64::from(value))
    }

    /// A row number, of which `u32::MAX` is common too: it stands for none.
    pub(crate) fn row(&mut self, number: u32) -> &mut Self {
        self.index(number.wrapping_add(1))
    }

    /// Signed numbers are spread over the naturals, small ones first.
    pub(crate) fn signed(&mut self, value: i64) -> &mut Self {
        self.number((value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned())
    }

    pub(crate) fn id(&mut self, id: &[u8; 16]) -> &mut Self {
        self.0.extend_from_slice(id);
        self
    }

    pub(crate) fn hash(&mut self, hash: &[u8; 32]) -> &mut Self {
        self.0.extend_from_slice(hash);
        self
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.number(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }
}

/// Reads fields of a record, in the order in which they were written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(crate) fn number(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    pub(crate) fn index(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }

    pub(crate) fn row(&mut self) -> Option<u32> {
        Some(self.index()?.wrapping_sub(1))
    }

    pub(crate) fn signed(&mut self) -> Option<i64> {
        let value = self.number()?;
        Some((value >> 1).cast_signed() ^ (value & 1).cast_signed().wrapping_neg())
    }

    pub(crate) fn id(&mut self) -> Option<[u8; 16]> {
        let (id, rest) = self.0.split_first_chunk::<16>()?;
        self.0 = rest;
        Some(*id)
    }

    pub(crate) fn hash(&mut self) -> Option<[u8; 32]> {
        let (hash, rest) = self.0.split_first_chunk::<32>()?;
        self.0 = rest;
        Some(*hash)
    }

    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        core::str::from_utf8(self.bytes()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_round_trip_at_every_edge() {
        let naturals = [0, 1, 0x7f, 0x80, 0x3fff, 0x4000, u64::from(u32::MAX), u64::MAX];
        let integers = [0, 1, -1, 63, -64, 64, i64::MAX, i64::MIN];
        let mut out = Writer::default();
        for n in &naturals {
            out.number(*n);
        }
        for n in &integers {
            out.signed(*n);
        }
        out.text("托里");
        let mut reader = Reader(&out.0);
        for n in naturals {
            assert_eq!(reader.number(), Some(n));
        }
        for n in integers {
            assert_eq!(reader.signed(), Some(n));
        }
        assert_eq!(reader.text(), Some("托里"));
        assert_eq!(reader.byte(), None);
    }
}

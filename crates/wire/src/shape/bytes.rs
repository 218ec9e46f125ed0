//! Fields of a protobuf message, as far as one can tell them apart without its contract.

use super::DEPTH_MAX;

const VARINT: u64 = 0;
const EIGHT_BYTES: u64 = 1;
const SIZED: u64 = 2;
const GROUP_BEGIN: u64 = 3;
const GROUP_END: u64 = 4;
const FOUR_BYTES: u64 = 5;

/// The bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unreadable;

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Payload<'a> {
    Sized(&'a [u8]),
    /// A number, or a group, which no contract of ours has.
    Other,
}

/// What is left of a message.
pub(super) struct Bytes<'a> {
    rest: &'a [u8],
}

impl<'a> Bytes<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next field's number and payload; none at the end.
    #[inline]
    pub(super) fn next_field(&mut self, depth: usize) -> Result<Option<(u32, Payload<'a>)>, Unreadable> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (number, wire) = self.key()?;
        let payload = match wire {
            SIZED => Payload::Sized(self.sized()?),
            GROUP_BEGIN => {
                self.skip_group(number, depth)?;
                Payload::Other
            }
            other => {
                self.skip_number(other)?;
                Payload::Other
            }
        };
        Ok(Some((number, payload)))
    }

    #[inline]
    fn key(&mut self) -> Result<(u32, u64), Unreadable> {
        let key = u32::try_from(self.varint()?).map_err(|_| Unreadable)?;
        let number = key >> 3;
        if number == 0 { Err(Unreadable) } else { Ok((number, u64::from(key & 7))) }
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, Unreadable> {
        match *self.rest {
            [byte, ref rest @ ..] if byte < 0x80 => {
                self.rest = rest;
                Ok(u64::from(byte))
            }
            _ => self.long_varint(),
        }
    }

    /// Of at most ten bytes, minimal or not, as decoders take it.
    fn long_varint(&mut self) -> Result<u64, Unreadable> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte, ref rest @ ..] = *self.rest else { return Err(Unreadable) };
            self.rest = rest;
            if shift == 63 && byte > 1 {
                return Err(Unreadable);
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Unreadable)
    }

    fn sized(&mut self) -> Result<&'a [u8], Unreadable> {
        let length = usize::try_from(self.varint()?).map_err(|_| Unreadable)?;
        self.take(length)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Unreadable> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Unreadable)?;
        self.rest = rest;
        Ok(taken)
    }

    fn skip_number(&mut self, wire: u64) -> Result<(), Unreadable> {
        match wire {
            VARINT => self.varint().map(drop),
            EIGHT_BYTES => self.take(8).map(drop),
            FOUR_BYTES => self.take(4).map(drop),
            _ => Err(Unreadable),
        }
    }

    /// Up to the end of the group `number`, and of every group within it.
    fn skip_group(&mut self, number: u32, depth: usize) -> Result<(), Unreadable> {
        let mut open = vec![number];
        while let Some(innermost) = open.last().copied() {
            let (number, wire) = self.key()?;
            match wire {
                GROUP_BEGIN if depth.saturating_add(open.len()) < DEPTH_MAX => open.push(number),
                GROUP_END if number == innermost => drop(open.pop()),
                SIZED => drop(self.sized()?),
                other => self.skip_number(other)?,
            }
        }
        Ok(())
    }
}

//! The only form in which anything is written: a page of entries under one version byte and one CRC-32.
//!
//! ```text
//! version u8 | crc32 u32 of all that follows | count u32 | length u32 of the page | stream u32 | entries … | count × offset u32
//! entry: key length u16 | value length u32 (0xffff_ffff: deleted) | key | value      (little endian)
//! ```
//!
//! All entries of a page are of one stream, so that the stream, which is the first part of every key, stands once.

use core::cmp::Ordering;
use core::ops::Range;

use sled::IVec;

use crate::StreamKey;

/// Version of the byte layout of this module and of everything in [`super`].
pub(crate) const FORMAT: u8 = 3;

const CRC_AT: Range<usize> = 1..5;
const COUNT_AT: Range<usize> = 5..9;
const LENGTH_AT: Range<usize> = 9..13;
const STREAM_AT: Range<usize> = 13..17;
const HEADER_BYTES: usize = 17;
const ENTRY_HEADER_BYTES: usize = 6;
const DELETED: u32 = u32::MAX;

/// Why bytes are not a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PageError {
    Version(u8),
    Damaged,
}

/// The size at which a page is full. With one more entry and what sled puts before it, most still take 6 KiB, which is a
/// size of the allocator; what is a little larger takes 7.
const FULL_BYTES: usize = 6 * 1024 - 256;

/// Room for a page as most are.
const USUAL_BYTES: usize = 7 * 1024;

/// Collects entries in the order given. Its memory is used again for the next page.
#[derive(Debug)]
pub(crate) struct PageBuilder {
    bytes: Vec<u8>,
    offsets: Vec<u32>,
}

impl Default for PageBuilder {
    fn default() -> Self {
        let mut bytes = Vec::with_capacity(USUAL_BYTES);
        bytes.resize(HEADER_BYTES, 0);
        Self { bytes, offsets: Vec::new() }
    }
}

impl PageBuilder {
    /// # Panics
    /// On a key of 64 KiB or a page of 4 GiB: keys are fixed-size ids, and callers seal pages long before.
    pub(crate) fn push(&mut self, key: &[u8], value: Option<&[u8]>) {
        self.offsets.push(u32::try_from(self.bytes.len()).expect("a page is far below 4 GiB"));
        let key_len = u16::try_from(key.len()).expect("a key is shorter than 64 KiB");
        self.bytes.extend_from_slice(&key_len.to_le_bytes());
        let value_len = value.map_or(DELETED, |v| u32::try_from(v.len()).expect("a value is far below 4 GiB"));
        self.bytes.extend_from_slice(&value_len.to_le_bytes());
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(value.unwrap_or_default());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.offsets.is_empty()
    }

    /// Whether it is time to seal it: almost always one value of sled's. Some 30 to 100 entries.
    pub(crate) fn is_full(&self) -> bool {
        let offsets = self.offsets.len().saturating_mul(size_of::<u32>());
        self.bytes.len().saturating_add(offsets) >= FULL_BYTES
    }

    /// The finished page of `stream`; the builder is empty again.
    pub(crate) fn seal(&mut self, stream: StreamKey) -> Page {
        let Self { bytes, offsets } = self;
        let count = u32::try_from(offsets.len()).expect("a page is far below 4 GiB");
        let offsets_at = bytes.len();
        for offset in offsets.iter() {
            bytes.extend_from_slice(&offset.to_le_bytes());
        }
        put(bytes, 0..1, &[FORMAT]);
        put(bytes, COUNT_AT, &count.to_le_bytes());
        let length = u32::try_from(bytes.len()).expect("a page is far below 4 GiB");
        put(bytes, LENGTH_AT, &length.to_le_bytes());
        put(bytes, STREAM_AT, &stream.0.to_le_bytes());
        let crc = checksum(bytes);
        put(bytes, CRC_AT, &crc.to_le_bytes());
        let page = Page { bytes: IVec::from(bytes.as_slice()), offsets_at, count, stream };
        // A large value's room is given back.
        bytes.truncate(HEADER_BYTES);
        bytes.shrink_to(USUAL_BYTES);
        offsets.clear();
        page
    }
}

/// A page of a single entry with an empty key: what the store keeps of itself, and of no stream.
pub(crate) fn seal_one(value: &[u8]) -> Page {
    let mut builder = PageBuilder::default();
    builder.push(&[], Some(value));
    builder.seal(StreamKey::default())
}

/// A checked page. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    bytes: IVec,
    offsets_at: usize,
    count: u32,
    stream: StreamKey,
}

/// Where one entry lies in its page.
#[derive(Debug, Clone, Default)]
pub(crate) struct Span {
    pub(crate) key: Range<usize>,
    pub(crate) value: Option<Range<usize>>,
}

/// A key as the store orders them: its stream first.
pub(crate) type Key<'a> = (StreamKey, &'a [u8]);

/// A key and its value, or that it was deleted.
pub(crate) type Entry<'a> = (&'a [u8], Option<&'a [u8]>);

impl Page {
    /// Checks version and checksum.
    pub(crate) fn open(bytes: IVec) -> Result<Self, PageError> {
        match bytes.first() {
            Some(&FORMAT) => {}
            Some(&other) => return Err(PageError::Version(other)),
            None => return Err(PageError::Damaged),
        }
        let crc = read_u32(&bytes, CRC_AT.start).ok_or(PageError::Damaged)?;
        let count = read_u32(&bytes, COUNT_AT.start).ok_or(PageError::Damaged)?;
        let stream = StreamKey(read_u32(&bytes, STREAM_AT.start).ok_or(PageError::Damaged)?);
        if crc != checksum(&bytes) || stated_length(&bytes) != Some(bytes.len()) {
            return Err(PageError::Damaged);
        }
        let offsets_len = usize::try_from(count).ok().and_then(|n| n.checked_mul(4)).ok_or(PageError::Damaged)?;
        let offsets_at = bytes.len().checked_sub(offsets_len).ok_or(PageError::Damaged)?;
        if offsets_at < HEADER_BYTES {
            return Err(PageError::Damaged);
        }
        Ok(Self { bytes, offsets_at, count, stream })
    }

    pub(crate) const fn bytes(&self) -> &IVec {
        &self.bytes
    }

    pub(crate) const fn count(&self) -> u32 {
        self.count
    }

    /// Whose entries these are.
    pub(crate) const fn stream(&self) -> StreamKey {
        self.stream
    }

    /// At which byte entry `index` begins; `None` past the end.
    pub(crate) fn offset(&self, index: u32) -> Option<u32> {
        if index >= self.count {
            return None;
        }
        read_u32(&self.bytes, usize::try_from(index).ok()?.checked_mul(4)?.checked_add(self.offsets_at)?)
    }

    /// Where entry `index` lies; `None` past the end.
    pub(crate) fn span(&self, index: u32) -> Option<Span> {
        self.span_at(self.offset(index)?)
    }

    /// Where the entry lies that begins at byte `offset`.
    pub(crate) fn span_at(&self, offset: u32) -> Option<Span> {
        let at = usize::try_from(offset).ok()?;
        let key_len = usize::from(u16::from_le_bytes(*self.bytes.get(at..)?.first_chunk()?));
        let value_len = read_u32(&self.bytes, at.checked_add(2)?)?;
        let key_at = at.checked_add(ENTRY_HEADER_BYTES)?;
        let value_at = key_at.checked_add(key_len)?;
        let value_end = match value_len {
            DELETED => value_at,
            len => value_at.checked_add(usize::try_from(len).ok()?)?,
        };
        if value_end > self.offsets_at {
            return None;
        }
        Some(Span { key: key_at..value_at, value: (value_len != DELETED).then_some(value_at..value_end) })
    }

    pub(crate) fn key(&self, span: &Span) -> &[u8] {
        self.bytes.get(span.key.clone()).unwrap_or_default()
    }

    pub(crate) fn value(&self, span: &Span) -> Option<&[u8]> {
        span.value.clone().map(|range| self.bytes.get(range).unwrap_or_default())
    }

    pub(crate) fn entry(&self, index: u32) -> Option<Entry<'_>> {
        let span = self.span(index)?;
        Some((self.key(&span), self.value(&span)))
    }

    /// The key of the entry that begins at byte `offset`.
    pub(crate) fn key_at(&self, offset: u32) -> Option<&[u8]> {
        self.span_at(offset).map(|span| self.key(&span))
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        (0..self.count).map_while(|index| self.entry(index))
    }

    /// In a page sorted by key: the first entry that is not below `key`.
    pub(crate) fn lower_bound(&self, (stream, key): Key<'_>) -> u32 {
        let (mut low, mut high) = match self.stream.cmp(&stream) {
            Ordering::Less => return self.count,
            Ordering::Equal => (0, self.count),
            Ordering::Greater => return 0,
        };
        while low < high {
            let middle = u32::midpoint(low, high);
            match self.entry(middle).map_or(Ordering::Greater, |(found, _)| found.cmp(key)) {
                Ordering::Less => low = middle.saturating_add(1),
                Ordering::Equal | Ordering::Greater => high = middle,
            }
        }
        low
    }

    /// In a page sorted by key: what it says of `key`, if anything.
    #[expect(clippy::option_option, reason = "not mentioned, deleted, or a value")]
    pub(crate) fn search(&self, key: Key<'_>) -> Option<Option<&[u8]>> {
        let (found, value) = self.entry(self.lower_bound(key))?;
        ((self.stream, found) == key).then_some(value)
    }
}

/// How long the page says it is whose first bytes these are. Not checked yet.
pub(crate) fn stated_length(bytes: &[u8]) -> Option<usize> {
    usize::try_from(read_u32(bytes, LENGTH_AT.start)?).ok()
}

fn checksum(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes.get(COUNT_AT.start..).unwrap_or_default())
}

fn read_u32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|chunk| u32::from_le_bytes(*chunk))
}

fn put(bytes: &mut [u8], at: Range<usize>, value: &[u8]) {
    bytes.get_mut(at).expect("the header was reserved").copy_from_slice(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: StreamKey = StreamKey(0x0403_0201);

    fn sample() -> Page {
        let mut builder = PageBuilder::default();
        builder.push(b"a", Some(b"one"));
        builder.push(b"b", None);
        builder.push(b"c", Some(b""));
        builder.seal(STREAM)
    }

    #[test]
    fn entries_come_back_and_are_found() {
        let page = Page::open(sample().bytes().clone()).unwrap();
        let entries: Vec<_> = page.entries().collect();
        assert_eq!(entries, [(&b"a"[..], Some(&b"one"[..])), (&b"b"[..], None), (&b"c"[..], Some(&b""[..]))]);
        assert_eq!(page.stream(), STREAM);
        assert_eq!(page.search((STREAM, b"a")), Some(Some(&b"one"[..])));
        assert_eq!(page.search((STREAM, b"b")), Some(None));
        assert_eq!(page.search((STREAM, b"bb")), None);
        assert_eq!(page.search((STREAM, b"d")), None);
        let (before, after) = (StreamKey(STREAM.0 - 1), StreamKey(STREAM.0 + 1));
        assert_eq!((page.search((before, b"a")), page.search((after, b"a"))), (None, None));
        assert_eq!((page.lower_bound((before, b"c")), page.lower_bound((after, b"a"))), (0, 3));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let good = sample().bytes().to_vec();
        for at in 0..good.len() {
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[at] ^= 1 << bit;
                assert!(Page::open(IVec::from(bad)).is_err(), "byte {at}, bit {bit}");
            }
        }
    }

    #[test]
    fn another_version_is_told_from_damage() {
        let mut bytes = sample().bytes().to_vec();
        bytes[0] = 7;
        assert_eq!(Page::open(IVec::from(bytes)).unwrap_err(), PageError::Version(7));
        assert_eq!(Page::open(IVec::from(&b""[..])).unwrap_err(), PageError::Damaged);
    }

    #[test]
    fn the_layout_is_fixed() {
        assert_eq!(
            loopledger_types::hex::encode(sample().bytes()),
            "030cfc2aa8030000003500000001020304010003000000616f6e650100ffffffff6201000000000063110000001b00000022000000"
        );
    }
}

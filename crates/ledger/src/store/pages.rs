//! An append-only log of records in memory, each chained to the record before it of the same subject, and pointing to
//! a head that it shares with others.
//!
//! A record never spans pages (it is smaller than the commit that it comes of, at most 60 KiB), and a full page never
//! changes: a checkpoint writes new pages and the last one.
//! Deliberately not here: any knowledge of what a record says.

use super::{Reader, Table, Writer};

/// Where a record begins, plus one; `NONE` ends a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct RecordOffset(pub(crate) u32);

impl RecordOffset {
    pub(crate) const NONE: Self = Self(0);
}

/// Bytes in a page: a power of two, small enough for one value of a store.
const PAGE_BYTES: u32 = 1 << 16;
const PAGE_BYTES_USIZE: usize = 1 << 16;

#[derive(Debug, Default)]
pub(crate) struct PageLog {
    pages: Vec<Vec<u8>>,
    /// The first page that may differ from what was saved.
    unsaved: u32,
    /// Pages of the cut that are still to be taken, and the length of the last of them when it was cut.
    frozen: core::ops::Range<u32>,
    frozen_last: usize,
    scratch: Writer,
}

impl PageLog {
    /// Appends a record that is in no chain and has no head.
    ///
    /// # Panics
    /// Beyond 4 GiB of records: some 80 million commits of one county, at 3 million a year.
    pub(crate) fn put(&mut self, write: impl FnOnce(&mut Writer)) -> RecordOffset {
        self.place([], write)
    }

    /// Appends a record under `head` to the chain that ends at `previous`; each may be `NONE`.
    pub(crate) fn append(
        &mut self,
        previous: RecordOffset,
        head: RecordOffset,
        write: impl FnOnce(&mut Writer),
    ) -> RecordOffset {
        self.place([previous, head], write)
    }

    fn place<const N: usize>(&mut self, links: [RecordOffset; N], write: impl FnOnce(&mut Writer)) -> RecordOffset {
        self.scratch.0.clear();
        write(&mut self.scratch);
        // A link is at most five bytes.
        let needed = self.scratch.0.len().saturating_add(N.saturating_mul(5));
        let room = self.pages.last().map_or(0, |page| PAGE_BYTES_USIZE.saturating_sub(page.len()));
        if room < needed {
            self.pages.push(Vec::with_capacity(PAGE_BYTES_USIZE));
        }
        let number = u32::try_from(self.pages.len()).ok().and_then(|n| n.checked_sub(1));
        let page = self.pages.last_mut().expect("a page was pushed if there was none");
        let offset = number
            .and_then(|n| n.checked_mul(PAGE_BYTES))
            .and_then(|start| start.checked_add(u32::try_from(page.len()).ok()?)?.checked_add(1))
            .expect("records of one county stay below 4 GiB");
        let mut record = Writer(core::mem::take(page));
        for link in links {
            record.index(if link == RecordOffset::NONE { 0 } else { offset.saturating_sub(link.0) });
        }
        record.0.extend_from_slice(&self.scratch.0);
        *page = record.0;
        RecordOffset(offset)
    }

    /// What was [`put`](Self::put) at `offset`, to the end of its page: records are self-delimiting.
    pub(crate) fn get(&self, offset: RecordOffset) -> Option<Reader<'_>> {
        let start = offset.0.checked_sub(1)?;
        let page = self.pages.get(usize::try_from(start / PAGE_BYTES).ok()?)?;
        Some(Reader(page.get(usize::try_from(start % PAGE_BYTES).ok()?..)?))
    }

    /// Every record of a chain, newest first, with its head.
    pub(crate) fn chain(&self, last: RecordOffset) -> impl Iterator<Item = (Reader<'_>, RecordOffset)> {
        let mut next = last;
        core::iter::from_fn(move || {
            let mut reader = self.get(next)?;
            let previous = link(next, &mut reader)?;
            let head = link(next, &mut reader)?;
            next = previous;
            Some((reader, head))
        })
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        self.pages.len().saturating_mul(PAGE_BYTES_USIZE)
    }
}

impl Table for PageLog {
    fn cut(&mut self) {
        // A cut that was not taken to its end: its rest belongs to this one.
        let first = if self.frozen.is_empty() { self.unsaved } else { self.frozen.start.min(self.unsaved) };
        let end = u32::try_from(self.pages.len()).unwrap_or(u32::MAX);
        self.frozen = first..end;
        self.frozen_last = self.pages.last().map_or(0, Vec::len);
        self.unsaved = end.saturating_sub(1);
    }

    fn unsave(&mut self) {
        self.unsaved = 0;
        self.frozen = 0..0;
    }

    fn take(&mut self) -> Option<(u32, Vec<u8>)> {
        let number = self.frozen.next()?;
        let page = self.pages.get(usize::try_from(number).ok()?)?;
        let length = if self.frozen.is_empty() { self.frozen_last } else { page.len() };
        Some((number, page.get(..length)?.to_vec()))
    }

    fn load(&mut self, number: u32, bytes: &[u8]) -> Option<()> {
        if usize::try_from(number).ok()? != self.pages.len() || bytes.len() > PAGE_BYTES_USIZE {
            return None;
        }
        let mut page = Vec::with_capacity(PAGE_BYTES_USIZE);
        page.extend_from_slice(bytes);
        self.pages.push(page);
        self.unsaved = number;
        self.frozen = 0..0;
        Some(())
    }
}

/// Reads a link of the record at `offset`.
fn link(offset: RecordOffset, from: &mut Reader<'_>) -> Option<RecordOffset> {
    match from.index()? {
        0 => Some(RecordOffset::NONE),
        distance => Some(RecordOffset(offset.0.checked_sub(distance)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_of_several_subjects_read_back_newest_first_across_pages() {
        let mut log = PageLog::default();
        let mut last = [RecordOffset::NONE; 3];
        for n in 0..60_000_u64 {
            let subject = usize::try_from(n % 3).unwrap();
            let head = log.put(|out| {
                out.number(n);
            });
            last[subject] = log.append(last[subject], head, |out| {
                out.number(n);
            });
        }
        assert!(log.pages.len() > 3);
        for (subject, head) in last.into_iter().enumerate() {
            let read: Vec<u64> = log
                .chain(head)
                .map(|(mut record, head)| {
                    let number = record.number().unwrap();
                    assert_eq!(log.get(head).unwrap().number(), Some(number));
                    number
                })
                .collect();
            let expected: Vec<u64> = (0..60_000).rev().filter(|n| n % 3 == u64::try_from(subject).unwrap()).collect();
            assert_eq!(read, expected);
        }
    }

    #[test]
    fn saved_pages_load_and_go_on() {
        let mut log = PageLog::default();
        let mut last = RecordOffset::NONE;
        let mut saved = std::collections::BTreeMap::new();
        for n in 0..50_000_u64 {
            last = log.append(last, RecordOffset::NONE, |out| {
                out.number(n);
            });
            if n % 7_001 == 0 {
                // Taken only after more was appended, and not to its end every time.
                saved.extend(log.take());
                log.cut();
            }
        }
        log.cut();
        saved.extend(core::iter::from_fn(|| log.take()));
        let mut loaded = PageLog::default();
        for (number, bytes) in &saved {
            loaded.load(*number, bytes).unwrap();
        }
        let before = loaded.append(last, RecordOffset::NONE, |out| {
            out.number(50_000);
        });
        assert_eq!(
            before,
            log.append(last, RecordOffset::NONE, |out| {
                out.number(50_000);
            })
        );
        assert_eq!(loaded.chain(before).count(), 50_001);
    }
}

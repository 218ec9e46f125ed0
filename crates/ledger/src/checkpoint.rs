//! Saving and loading the state by pages: what changed since the last call, and back again without computing anything.
//!
//! Keys are small and ascending, values at most some tens of kilobytes; the caller writes one drain atomically, with
//! whatever it needs to resume. A page that does not read back is damage: the caller throws all away and replays.

use loopledger_types::{CountyCode, Hash, Head, Timestamp};

use crate::days::DaysRecorded;
use crate::state::{ExceptionChain, StreamHead};
use crate::store::{Reader, RecordOffset, Writer};
use crate::{Concerns, Ledger};

/// The form of the saved pages; a state saved in another form is replayed.
pub const CHECKPOINT_VERSION: u64 = 4;

/// A page of one of the state's tables. As bytes: one for the table, four big-endian for the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageKey {
    pub table: u8,
    pub page: u32,
}

impl PageKey {
    pub const fn to_bytes(self) -> [u8; 5] {
        let [a, b, c, d] = self.page.to_be_bytes();
        [self.table, a, b, c, d]
    }

    pub const fn from_bytes(bytes: [u8; 5]) -> Self {
        let [table, a, b, c, d] = bytes;
        Self { table, page: u32::from_be_bytes([a, b, c, d]) }
    }
}

/// Why saved pages cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    #[error("the saved state has another form (version {0})")]
    Version(u64),
    #[error("the saved state is of another county")]
    OtherCounty,
    #[error("page {page} of table {table} cannot be read")]
    Damaged { table: u8, page: u32 },
    #[error("the saved state has no head page")]
    NoHead,
}

const HEAD: u8 = 0;
const PENDING: u8 = 1;

impl Ledger {
    /// Everything that changed since the last call, by key. Call it between two commits.
    pub fn drain_changed(&mut self) -> Vec<(PageKey, Vec<u8>)> {
        let mut changed = self.begin_checkpoint();
        while let Some(page) = self.take_changed() {
            changed.push(page);
        }
        changed.sort_unstable_by_key(|(key, _)| *key);
        changed
    }

    /// Cuts a checkpoint of the state as it is now, between two commits, and gives its first pages. The others are taken
    /// by [`take_changed`](Self::take_changed), a few at a time: commits folded meanwhile are not in them.
    ///
    /// A checkpoint counts once every page of it is written. One that is cut before the last was taken to its end
    /// includes what that one left.
    pub fn begin_checkpoint(&mut self) -> Vec<(PageKey, Vec<u8>)> {
        let mut pending = Writer::default();
        self.pending.write(&mut pending);
        for (_, table) in self.tables.saved() {
            table.cut();
        }
        let (head, pages) = (PageKey { table: HEAD, page: 0 }, PageKey { table: PENDING, page: 0 });
        vec![(head, self.head_page()), (pages, pending.0)]
    }

    /// Forgets what was saved, because it may be gone: the next checkpoint is of everything.
    pub fn forget_checkpoints(&mut self) {
        for (_, table) in self.tables.saved() {
            table.unsave();
        }
    }

    /// The next page of the checkpoint that was cut, at most some tens of kilobytes; `None`: that was all.
    pub fn take_changed(&mut self) -> Option<(PageKey, Vec<u8>)> {
        let mut tables = self.tables.saved().into_iter();
        tables.find_map(|(table, pages)| pages.take().map(|(page, bytes)| (PageKey { table, page }, bytes)))
    }

    /// The state that was saved: the newest value of every key ever drained, in ascending order of keys.
    pub fn load<B: AsRef<[u8]>>(
        county: CountyCode,
        concerns: Concerns,
        pages: impl IntoIterator<Item = (PageKey, B)>,
    ) -> Result<Self, LoadError> {
        let mut ledger = Self::new(county, concerns);
        let mut has_head = false;
        for (key, bytes) in pages {
            let bytes = bytes.as_ref();
            let damaged = LoadError::Damaged { table: key.table, page: key.page };
            if key.table == HEAD {
                ledger.load_head(&mut Reader(bytes), damaged)?;
                has_head = true;
            } else {
                ledger.load_page(key, bytes).ok_or(damaged)?;
            }
        }
        if has_head { Ok(ledger) } else { Err(LoadError::NoHead) }
    }

    fn head_page(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.number(CHECKPOINT_VERSION).index(self.county.get());
        for at in &self.heads {
            out.number(at.head.sequence);
            out.hash(&at.head.hash.0);
            out.signed(at.recorded_at.seconds).index(at.recorded_at.nanos);
        }
        out.index(self.exceptions.last.0).number(self.exceptions.count);
        // A few bytes for every day on which something was recorded.
        self.days.write(&mut out);
        out.0
    }

    fn load_head(&mut self, from: &mut Reader<'_>, damaged: LoadError) -> Result<(), LoadError> {
        let version = from.number().ok_or(damaged)?;
        if version != CHECKPOINT_VERSION {
            return Err(LoadError::Version(version));
        }
        if from.index().ok_or(damaged)? != self.county.get() {
            return Err(LoadError::OtherCounty);
        }
        for at in &mut self.heads {
            *at = read_head(from).ok_or(damaged)?;
        }
        let last = RecordOffset(from.index().ok_or(damaged)?);
        self.exceptions = ExceptionChain { last, count: from.number().ok_or(damaged)? };
        self.days = DaysRecorded::read(from).ok_or(damaged)?;
        Ok(())
    }

    fn load_page(&mut self, key: PageKey, bytes: &[u8]) -> Option<()> {
        if key.table == PENDING {
            return self.pending.read(&mut Reader(bytes));
        }
        let (_, table) = self.tables.saved().into_iter().find(|(number, _)| *number == key.table)?;
        table.load(key.page, bytes)
    }
}

fn read_head(from: &mut Reader<'_>) -> Option<StreamHead> {
    let head = Head { sequence: from.number()?, hash: Hash(from.hash()?) };
    let recorded_at = Timestamp { seconds: from.signed()?, nanos: from.index()? };
    Some(StreamHead { head, recorded_at })
}

//! Where a fact stands within a county: which stream, which commit, which event.

use loopledger_facts::Commit;
use loopledger_types::{BusinessDate, CountyCode, Service, StreamId};

use crate::store::{Reader, Writer};

/// One event of one commit of this county. Every figure rests on such facts; a caller that wants the hash, or the fact
/// itself, reads the commit again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FactRef {
    pub service: Service,
    pub sequence: u64,
    /// Index of the event in the commit.
    pub event: u32,
}

impl FactRef {
    pub(crate) const fn of(commit: &Commit, event: u32) -> Self {
        Self { service: commit.stream.service, sequence: commit.sequence, event }
    }

    /// The stream it stands in.
    pub const fn stream(self, county: CountyCode) -> StreamId {
        StreamId { service: self.service, county }
    }

    /// The commit alone, packed: unique within a county.
    pub(crate) fn commit_key(self) -> CommitKey {
        CommitKey::new(self.service, self.sequence)
    }
}

/// A commit of this county in eight bytes: the service in the highest, then the sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CommitKey(pub(crate) u64);

impl CommitKey {
    pub(crate) fn new(service: Service, sequence: u64) -> Self {
        Self((u64::from(service_code(service)) << 56) | (sequence & 0x00ff_ffff_ffff_ffff))
    }

    pub(crate) fn service(self) -> Option<Service> {
        service_of(u8::try_from(self.0 >> 56).ok()?)
    }

    pub(crate) const fn sequence(self) -> u64 {
        self.0 & 0x00ff_ffff_ffff_ffff
    }

    pub(crate) fn fact(self) -> Option<FactRef> {
        Some(FactRef { service: self.service()?, sequence: self.sequence(), event: 0 })
    }
}

/// The service's dense index, as it is saved.
pub(crate) fn service_code(service: Service) -> u8 {
    u8::try_from(service.index()).unwrap_or(u8::MAX)
}

pub(crate) fn service_of(code: u8) -> Option<Service> {
    Service::ALL.get(usize::from(code)).copied()
}

/// 2000-01-01, the first day that there is: counted from here, days take two bytes until 2044.
const FIRST_DAY: i32 = 10_957;

pub(crate) fn write_date(date: BusinessDate, out: &mut Writer) {
    out.index(date.days().saturating_sub(FIRST_DAY).unsigned_abs());
}

pub(crate) fn read_date(from: &mut Reader<'_>) -> Option<BusinessDate> {
    BusinessDate::from_days(i32::try_from(from.index()?).ok()?.checked_add(FIRST_DAY)?).ok()
}

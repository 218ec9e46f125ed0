//! Where commits stand in the log: the hashes of the newest, and the offset of every 64th, so that any commit is found
//! by reading a few records.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use loopledger_event_log::Offset;
use loopledger_types::{Hash, Head, Service};

/// Commits from one entry to the next.
pub(crate) const SPAN: u64 = 64;
/// Newest commits of a stream whose hashes are in memory: what callers name in `at_least`.
const RECENT: usize = 16_384;
/// Offsets in one saved row.
const ROW_OFFSETS: usize = 1_024;

/// What is known of a commit without reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    Hash(Hash),
    NotYet,
    /// Folded, but so long ago that it must be read again.
    InLog,
}

#[derive(Debug, Default)]
pub(crate) struct CommitIndex([Mutex<Lane>; 5]);

#[derive(Debug)]
struct Lane {
    head: Head,
    head_offset: Offset,
    /// Of the records of commits 1, 65, 129, …
    offsets: Vec<u64>,
    /// Of the newest commits, ending with the head.
    recent: VecDeque<Hash>,
}

impl Default for Lane {
    fn default() -> Self {
        Self { head: Head::EMPTY, head_offset: Offset::START, offsets: Vec::new(), recent: VecDeque::new() }
    }
}

impl CommitIndex {
    fn lane(&self, service: Service) -> MutexGuard<'_, Lane> {
        let lane = self.0.get(service.index()).expect("there are five services");
        lane.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the next commits of a stream.
    pub(crate) fn extend(&self, service: Service, commits: impl Iterator<Item = (Head, Offset)>) {
        let mut lane = self.lane(service);
        for (head, offset) in commits {
            if head.sequence % SPAN == 1 {
                lane.offsets.push(offset.0);
            }
            if lane.recent.len() == RECENT {
                lane.recent.pop_front();
            }
            lane.recent.push_back(head.hash);
            lane.head = head;
            lane.head_offset = offset;
        }
    }

    pub(crate) fn find(&self, service: Service, sequence: u64) -> Known {
        let lane = self.lane(service);
        let Some(age) = lane.head.sequence.checked_sub(sequence) else { return Known::NotYet };
        let at = usize::try_from(age).ok().and_then(|age| lane.recent.len().checked_sub(age.saturating_add(1)));
        at.and_then(|at| lane.recent.get(at)).map_or(Known::InLog, |hash| Known::Hash(*hash))
    }

    /// A commit at or a little before `sequence`, and the offset of its record.
    pub(crate) fn before(&self, service: Service, sequence: u64) -> Option<(u64, Offset)> {
        let entry = sequence.checked_sub(1)? / SPAN;
        let offset = *self.lane(service).offsets.get(usize::try_from(entry).ok()?)?;
        Some((entry.saturating_mul(SPAN).saturating_add(1), Offset(offset)))
    }

    pub(crate) fn head(&self, service: Service) -> (Head, Offset) {
        let lane = self.lane(service);
        (lane.head, lane.head_offset)
    }

    /// Rows to save, from the one that holds entry `from` on, of commits up to `head`; and where to go on next time.
    pub(crate) fn rows(&self, service: Service, head: Head, from: usize) -> (Vec<(u32, Vec<u8>)>, usize) {
        let entries = entries(head);
        let lane = self.lane(service);
        let first = from / ROW_OFFSETS;
        let offsets = lane.offsets.get(..entries.min(lane.offsets.len())).unwrap_or_default();
        let rows = offsets.chunks(ROW_OFFSETS).enumerate().skip(first).map(|(number, chunk)| {
            let bytes = chunk.iter().flat_map(|offset| offset.to_be_bytes()).collect();
            (u32::try_from(number).unwrap_or(u32::MAX), bytes)
        });
        (rows.collect(), offsets.len())
    }

    /// Takes what was saved of a stream; `None` if an entry up to `head` is missing or malformed.
    pub(crate) fn load(&self, service: Service, head: Head, head_offset: Offset, rows: &[Vec<u8>]) -> Option<()> {
        let entries = entries(head);
        let mut offsets = Vec::with_capacity(entries);
        for row in rows {
            let chunks = row.chunks_exact(8);
            if !chunks.remainder().is_empty() {
                return None;
            }
            offsets.extend(chunks.filter_map(|chunk| chunk.try_into().ok()).map(u64::from_be_bytes));
        }
        offsets.truncate(entries);
        if offsets.len() < entries {
            return None;
        }
        let recent = if head == Head::EMPTY { VecDeque::new() } else { VecDeque::from([head.hash]) };
        *self.lane(service) = Lane { head, head_offset, offsets, recent };
        Some(())
    }
}

/// How many entries a stream of that length has.
fn entries(head: Head) -> usize {
    usize::try_from(head.sequence.div_ceil(SPAN)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects, reason = "tests")]

    use super::*;

    const SERVICE: Service = Service::Station;

    fn head(sequence: u64) -> Head {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&sequence.to_be_bytes());
        Head { sequence, hash: Hash(hash) }
    }

    fn filled(commits: u64) -> CommitIndex {
        let index = CommitIndex::default();
        index.extend(SERVICE, (1..=commits).map(|n| (head(n), Offset(n * 10))));
        index
    }

    #[test]
    fn new_commits_are_known_by_hash_and_old_ones_by_place() {
        let index = filled(20_000);
        assert_eq!(index.find(SERVICE, 20_000), Known::Hash(head(20_000).hash));
        assert_eq!(index.find(SERVICE, 20_001), Known::NotYet);
        let oldest = 20_000 - u64::try_from(RECENT).unwrap() + 1;
        assert_eq!(index.find(SERVICE, oldest), Known::Hash(head(oldest).hash));
        assert_eq!(index.find(SERVICE, oldest - 1), Known::InLog);
        for (sequence, entry) in [(1, 1), (64, 1), (65, 65), (128, 65), (129, 129)] {
            assert_eq!(index.before(SERVICE, sequence), Some((entry, Offset(entry * 10))));
        }
        assert_eq!(index.before(SERVICE, 0), None);
    }

    #[test]
    fn rows_saved_in_parts_load_to_the_same_index() {
        let index = filled(200_000);
        let mut saved = std::collections::BTreeMap::new();
        let mut from = 0;
        for cut in [100, 70_000, 70_001, 199_999] {
            let (rows, next) = index.rows(SERVICE, head(cut), from);
            saved.extend(rows);
            from = next;
        }
        let rows: Vec<Vec<u8>> = saved.into_values().collect();
        let loaded = CommitIndex::default();
        loaded.load(SERVICE, head(199_999), Offset(1_999_990), &rows).unwrap();
        assert_eq!(loaded.before(SERVICE, 199_999), index.before(SERVICE, 199_999));
        assert_eq!(loaded.find(SERVICE, 199_999), Known::Hash(head(199_999).hash));
        assert_eq!(loaded.find(SERVICE, 1), Known::InLog);
        assert_eq!(loaded.load(SERVICE, head(300_000), Offset(0), &rows), None, "rows are missing");
    }
}

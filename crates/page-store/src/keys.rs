//! The keys in sled's tree, and the names of the trees of blocks beside it. Numbers are big endian, so sled's order is theirs.

/// The manifest: which runs and pages count.
pub(crate) const MANIFEST: [u8; 1] = *b"m";
/// How many pages count.
pub(crate) const META: [u8; 1] = *b"h";

/// Pages of checkpoints that no run holds yet.
pub(crate) const PAGE: u8 = b'p';
/// Trees of blocks of runs.
pub(crate) const BLOCK: u8 = b'r';
/// Index chunks of runs.
pub(crate) const INDEX: u8 = b'x';
/// Filter chunks of runs.
pub(crate) const FILTER: u8 = b'f';

/// What a run has in the one tree.
pub(crate) const RUN_CLASSES: [u8; 2] = [INDEX, FILTER];

/// The key of a page; also the prefix of one run's parts of a class.
pub(crate) fn numbered(class: u8, number: u64) -> [u8; 9] {
    let mut key = [class; 9];
    if let Some(slot) = key.last_chunk_mut() {
        *slot = number.to_be_bytes();
    }
    key
}

/// The key of one part of a run.
pub(crate) fn part(class: u8, run: u64, part: u32) -> [u8; 13] {
    let mut key = [class; 13];
    if let Some((head, _)) = key.split_first_chunk_mut() {
        *head = numbered(class, run);
    }
    if let Some(slot) = key.last_chunk_mut() {
        *slot = part.to_be_bytes();
    }
    key
}

/// The number in a key of [`numbered`] or [`part`].
pub(crate) fn number(key: &[u8]) -> Option<u64> {
    key.get(1..)?.first_chunk().map(|chunk| u64::from_be_bytes(*chunk))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_by_number_and_parts_lie_under_their_run() {
        assert!(numbered(PAGE, 255) < numbered(PAGE, 256));
        assert!(part(BLOCK, 7, 255) < part(BLOCK, 7, 256));
        assert!(part(BLOCK, 7, 1).starts_with(&numbered(BLOCK, 7)));
        assert_eq!(number(&part(INDEX, 9, 3)), Some(9));
    }
}

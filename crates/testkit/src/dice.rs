//! A seeded random generator, the same on every platform (Steele, Lea and Flood's SplitMix64).

use loopledger_types::RequestId;

#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub const fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 if `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.roll().checked_rem(bound).unwrap_or(0)
    }

    /// The place of one among `count`; 0 if there are none.
    pub fn index(&mut self, count: usize) -> usize {
        let bound = u64::try_from(count).unwrap_or(u64::MAX);
        usize::try_from(self.below(bound)).unwrap_or(0)
    }

    /// A number in `low..=high`.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high.saturating_sub(low)).unwrap_or(0).saturating_add(1);
        low.saturating_add(i64::try_from(self.below(span)).unwrap_or(0))
    }

    /// True `percent` times in a hundred.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of `options`; `None` if there are none.
    pub fn pick<'a, T>(&mut self, options: &'a [T]) -> Option<&'a T> {
        options.get(self.index(options.len()))
    }

    /// Puts the items into some order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.index(last.saturating_add(1)));
        }
    }

    /// Dice of their own, so that one use of chance does not depend on how often another rolled.
    #[must_use]
    pub const fn fork(&mut self) -> Self {
        Self(self.roll())
    }

    /// An id that callers may send: a UUID of version 8.
    pub fn request_id(&mut self) -> RequestId {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.roll().to_be_bytes());
        bytes[8..].copy_from_slice(&self.roll().to_be_bytes());
        bytes[6] = bytes[6] & 0x0f | 0x80;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        RequestId(bytes)
    }
}

//! A seeded random generator, the same on every platform: Steele, Lea and Flood's SplitMix64.
//!
//! The scenario, the faults of the memory log, the simulation and every test draw from it. Its sequences are stable: the demo's
//! digest and the seeds of recorded failures depend on them.

/// A generator; a seed gives the same numbers every time.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub const fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `bound`; 0 if `bound` is 0.
    pub const fn below(&mut self, bound: u64) -> u64 {
        match self.roll().checked_rem(bound) {
            Some(number) => number,
            None => 0,
        }
    }

    /// The index of one among `count`; 0 if there are none.
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
    pub const fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of `options`; `None` if there are none.
    pub fn pick<'a, T>(&mut self, options: &'a [T]) -> Option<&'a T> {
        options.get(self.index(options.len()))
    }

    /// One of `options`, of which there must be some.
    pub fn one_of<T: Clone>(&mut self, options: &[T]) -> T {
        self.pick(options).expect("a choice needs options").clone()
    }

    /// Puts the items into some order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.index(last.saturating_add(1)));
        }
    }

    /// A generator of its own, so that one use of chance does not depend on how often another rolled.
    #[must_use]
    pub const fn fork(&mut self) -> Self {
        Self(self.roll())
    }

    /// A UUID of version 8, which callers may send as a request id.
    pub fn uuid(&mut self) -> [u8; 16] {
        let high = self.roll();
        uuid(high, self.roll())
    }
}

/// The generator's output function: a permutation in which every bit of the input changes about half of the output's bits.
pub const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A UUID of version 8 (vendor-specific) of 122 of these bits.
pub fn uuid(high: u64, low: u64) -> [u8; 16] {
    let mut bytes = (u128::from(high) << 64 | u128::from(low)).to_be_bytes();
    let [_, _, _, _, _, _, version, _, variant, ..] = &mut bytes;
    *version = (*version & 0x0f) | 0x80;
    *variant = (*variant & 0x3f) | 0x80;
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first outputs for the seed 1234567, as the authors' reference implementation prints them.
    #[test]
    fn the_sequence_is_the_published_one() {
        let mut dice = Dice::new(1_234_567);
        let expected: [u64; 5] = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(expected.map(|_| dice.roll()), expected);
    }
}

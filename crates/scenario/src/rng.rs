//! A seeded generator, so that the same seed plays the same year (Steele, Lea and Flood's SplitMix64).

use loopledger_types::RequestId;

#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number in `low..=high`.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high.saturating_sub(low)).unwrap_or(0).saturating_add(1);
        let offset = self.number().checked_rem(span).unwrap_or(0);
        low.saturating_add(i64::try_from(offset).unwrap_or(0))
    }

    /// True `percent` times in a hundred.
    pub fn chance(&mut self, percent: i64) -> bool {
        self.between(1, 100) <= percent
    }

    /// One of `options`.
    pub fn pick<'a, T>(&mut self, options: &'a [T]) -> &'a T {
        let last = i64::try_from(options.len()).unwrap_or(1).saturating_sub(1);
        let index = usize::try_from(self.between(0, last)).unwrap_or(0);
        options.get(index).expect("a choice needs options")
    }
}

/// Request ids for one run: the same seed and size give the same ids, so a run can be repeated over an earlier one.
#[derive(Debug)]
pub(crate) struct RequestIds {
    seed: u64,
    serial: u64,
}

impl RequestIds {
    pub(crate) fn new(seed: u64, households: u32) -> Self {
        Self { seed: mix(seed ^ (u64::from(households) << 40)), serial: 0 }
    }

    /// The next id: a UUID of version 8 (vendor-specific) with 122 bits of the seed and a counter mixed in.
    pub(crate) fn next(&mut self) -> RequestId {
        self.serial = self.serial.wrapping_add(1);
        let high = mix(self.seed.wrapping_add(self.serial));
        let low = mix(high ^ self.serial.rotate_left(32));
        let mut bytes = [0_u8; 16];
        for (slot, byte) in bytes.iter_mut().zip(high.to_be_bytes().into_iter().chain(low.to_be_bytes())) {
            *slot = byte;
        }
        let [_, _, _, _, _, _, version, _, variant, ..] = &mut bytes;
        *version = (*version & 0x0f) | 0x80;
        *variant = (*variant & 0x3f) | 0x80;
        RequestId(bytes)
    }
}

const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_are_ones_that_callers_may_send_and_never_repeat() {
        let mut ids = RequestIds::new(1, 320);
        let mut seen: Vec<RequestId> = (0..10_000).map(|_| ids.next()).collect();
        assert!(seen.iter().all(|id| RequestId::parse(&id.to_string()).is_ok()));
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 10_000);
        assert_ne!(RequestIds::new(1, 320).next(), RequestIds::new(1, 321).next());
        assert_ne!(RequestIds::new(1, 320).next(), RequestIds::new(2, 320).next());
    }
}

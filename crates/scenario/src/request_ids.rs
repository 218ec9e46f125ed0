//! The request ids of a run.

use loopledger_dice::{mix, uuid};
use loopledger_types::RequestId;

/// The request ids of one run. The same seed and size give the same ids, so a run can be repeated over an earlier one.
#[derive(Debug)]
pub(crate) struct RequestIds {
    seed: u64,
    serial: u64,
}

impl RequestIds {
    pub(crate) fn new(seed: u64, households: u32) -> Self {
        Self { seed: mix(seed ^ (u64::from(households) << 40)), serial: 0 }
    }

    /// The next id: 122 bits of the seed and a counter mixed in.
    pub(crate) fn next(&mut self) -> RequestId {
        self.serial = self.serial.wrapping_add(1);
        let high = mix(self.seed.wrapping_add(self.serial));
        let low = mix(high ^ self.serial.rotate_left(32));
        RequestId(uuid(high, low))
    }
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

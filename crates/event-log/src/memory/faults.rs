//! The faults that a memory log injects, and their counts.

use loopledger_dice::Dice;

/// How often each fault strikes, in thousandths of the records (or reads) it could strike. All zero: no faults.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct FaultPlan {
    /// The record is held back and lands later; later records of its producer wait behind it, those of others overtake it.
    pub delayed: u16,
    /// The record lands once more, at any later time.
    pub duplicated: u16,
    /// The record lands, its append reports failure.
    pub failed_applied: u16,
    /// The append reports failure at once, the record lands later.
    pub failed_applied_late: u16,
    /// The append reports failure, the record never lands. Those behind it in the same call still may.
    pub failed_not_applied: u16,
    /// A read that returns one record only.
    pub slow_read: u16,
}

impl FaultPlan {
    pub const NONE: Self = Self {
        delayed: 0,
        duplicated: 0,
        failed_applied: 0,
        failed_applied_late: 0,
        failed_not_applied: 0,
        slow_read: 0,
    };
}

/// How often each fault struck: a test asserts that what it means to survive did happen.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct FaultReport {
    /// Records held back, whether struck themselves or waiting behind one of the same producer.
    pub delayed: u64,
    pub duplicated: u64,
    /// Records that landed before one that another producer had appended earlier.
    pub reordered: u64,
    pub failed_applied: u64,
    pub failed_applied_late: u64,
    pub failed_not_applied: u64,
    /// Records cut off by `truncate`.
    pub truncated: u64,
    pub slow_reads: u64,
}

/// True `per_mille` times in a thousand. Rolls only for possible faults, so that adding a kind of fault at rate
/// zero changes no history.
pub(super) fn strikes(dice: &mut Dice, per_mille: u16) -> bool {
    per_mille > 0 && dice.below(1_000) < u64::from(per_mille)
}

//! Balances by business date: facts come late, so what there is in all says nothing of what there was on a day.
//!
//! What is taken on a day must be there on that day and stay there: it may leave no later day with less than nothing.
//! So what can be taken on a day is the least balance of that day and all later ones, which only grows from day to day.

use std::collections::BTreeMap;

use loopledger_types::BusinessDate;

/// The most days that a balance is kept for. A cell or an obligation rarely changes on more than a few; beyond the bound
/// the oldest days count as one, so that what the bound costs is taken later than it might be, and never too early.
const MAX_DAYS: usize = 32;

/// What came (positive) and went (negative) on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    pub day: BusinessDate,
    pub amount: i64,
}

/// A quantity or an amount of money by day.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dated {
    /// By day, each day once, none of nothing.
    pub changes: Box<[Change]>,
}

impl Dated {
    /// All of `amount` since `day`.
    pub fn since(day: BusinessDate, amount: i64) -> Self {
        let mut dated = Self::default();
        dated.change(day, amount);
        dated
    }

    /// What there is in all.
    pub fn balance(&self) -> i64 {
        self.changes.iter().fold(0, |sum, change| sum_of(sum, change.amount))
    }

    /// What can be taken on `day`: the least balance of that day and all later ones.
    pub fn on(&self, day: BusinessDate) -> i64 {
        self.steps_back().find(|step| step.day <= day).map_or(0, |step| step.amount)
    }

    /// The first day on which `wanted` can be taken.
    pub fn earliest(&self, wanted: i64) -> Option<BusinessDate> {
        let enough = self.steps_back().take_while(|step| step.amount >= wanted);
        enough.last().map(|step| step.day)
    }

    pub fn add(&mut self, day: BusinessDate, amount: i64) {
        self.change(day, amount);
    }

    pub fn take(&mut self, day: BusinessDate, amount: i64) {
        self.change(day, amount.checked_neg().expect("an amount is far above -2^63"));
    }

    fn change(&mut self, day: BusinessDate, amount: i64) {
        let mut changes = core::mem::take(&mut self.changes).into_vec();
        let at = changes.partition_point(|change| change.day < day);
        match changes.get_mut(at) {
            Some(known) if known.day == day => known.amount = sum_of(known.amount, amount),
            Some(_) | None => changes.insert(at, Change { day, amount }),
        }
        changes.retain(|change| change.amount != 0);
        if changes.len() > MAX_DAYS {
            let oldest = changes.remove(0);
            if let Some(next) = changes.first_mut() {
                next.amount = sum_of(next.amount, oldest.amount);
            }
            changes.retain(|change| change.amount != 0);
        }
        self.changes = changes.into();
    }

    /// What can be taken from each day on, newest first.
    fn steps_back(&self) -> impl Iterator<Item = Change> + '_ {
        let mut balance = self.balance();
        let mut least = balance;
        self.changes.iter().rev().map(move |change| {
            least = least.min(balance);
            balance = balance.checked_sub(change.amount).expect("a balance is far below 2^63");
            Change { day: change.day, amount: least.max(0) }
        })
    }

    /// What can be taken on each day beyond what can be taken on the day before; never negative.
    fn increments(&self) -> impl Iterator<Item = Change> + '_ {
        let mut steps = self.steps_back().peekable();
        core::iter::from_fn(move || {
            let step = steps.next()?;
            let before = steps.peek().map_or(0, |earlier| earlier.amount);
            Some(Change { amount: step.amount.checked_sub(before).expect("neither is negative"), ..step })
        })
    }
}

/// Facts are bounded (10^13 fen, 10^12 base units), and a cell or an obligation is of one of them.
fn sum_of(a: i64, b: i64) -> i64 {
    a.checked_add(b).expect("a balance is far below 2^63")
}

/// What can be taken of many balances together, by day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ByDay {
    total: i128,
    /// What can be taken from that day on, beyond what can be taken before.
    increments: BTreeMap<BusinessDate, i128>,
}

impl ByDay {
    pub fn add(&mut self, dated: &Dated) {
        for step in dated.increments() {
            self.change(step.day, i128::from(step.amount));
        }
    }

    pub fn remove(&mut self, dated: &Dated) {
        for step in dated.increments() {
            self.change(step.day, i128::from(step.amount).wrapping_neg());
        }
    }

    fn change(&mut self, day: BusinessDate, amount: i128) {
        if amount == 0 {
            return;
        }
        self.total = wide(self.total, amount);
        let increment = self.increments.entry(day).or_default();
        *increment = wide(*increment, amount);
        if *increment == 0 {
            self.increments.remove(&day);
        }
    }

    /// What can be taken in all, on the last day.
    pub const fn total(&self) -> i128 {
        self.total
    }

    /// What can be taken on `day`. Looks only at later days, which are few.
    pub fn on(&self, day: BusinessDate) -> i128 {
        let later = self.increments.range(day..).filter(|(later, _)| **later > day);
        later.fold(self.total, |left, (_, increment)| less(left, *increment))
    }

    /// The first day on which `wanted` can be taken.
    pub fn earliest(&self, wanted: i128) -> Option<BusinessDate> {
        let mut left = self.total;
        let mut earliest = None;
        for (day, increment) in self.increments.iter().rev() {
            if left < wanted {
                break;
            }
            earliest = Some(*day);
            left = less(left, *increment);
        }
        earliest
    }
}

fn less(a: i128, b: i128) -> i128 {
    a.checked_sub(b).expect("a sum of 64-bit numbers is far below 2^127")
}

fn wide(a: i128, b: i128) -> i128 {
    a.checked_add(b).expect("a sum of 64-bit numbers is far below 2^127")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "tests: a panic is a failure")]

    use proptest::prelude::*;

    use super::*;

    fn day(number: u8) -> BusinessDate {
        BusinessDate::from_days(18_000 + i32::from(number)).unwrap()
    }

    /// The same by counting every day.
    fn least(balance: &[i64], from: u8) -> i64 {
        balance[usize::from(from)..].iter().copied().min().unwrap_or(0).max(0)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_can_be_taken_is_the_least_balance_from_that_day_on(
            changes in prop::collection::vec((0_u8..24, 1_i64..50, any::<bool>()), 1..60)
        ) {
            let (mut dated, mut by_day) = (Dated::default(), ByDay::default());
            let mut balance = [0_i64; 26];
            for (on, wanted, take) in changes {
                let amount = if take { -wanted.min(dated.on(day(on))) } else { wanted };
                by_day.remove(&dated);
                dated.change(day(on), amount);
                by_day.add(&dated);
                for later in &mut balance[usize::from(on)..] {
                    *later += amount;
                }
                prop_assert!(balance.iter().all(|balance| *balance >= 0), "never below nothing on any day");
                prop_assert_eq!(dated.balance(), balance[25]);
                for from in 0..26 {
                    prop_assert_eq!(dated.on(day(from)), least(&balance, from));
                    prop_assert_eq!(by_day.on(day(from)), i128::from(least(&balance, from)));
                }
                for wanted in 1..=dated.balance() + 1 {
                    let first = (0..26).find(|from| least(&balance, *from) >= wanted).map(day);
                    prop_assert_eq!(dated.earliest(wanted), first);
                    prop_assert_eq!(by_day.earliest(i128::from(wanted)), first);
                }
            }
        }

        #[test]
        fn beyond_the_bound_what_can_be_taken_is_never_too_much(
            changes in prop::collection::vec((0_u8..200, 1_i64..50, any::<bool>()), 100..200)
        ) {
            let mut dated = Dated::default();
            let mut balance = [0_i64; 201];
            for (on, wanted, take) in changes {
                let amount = if take { -wanted.min(dated.on(day(on))) } else { wanted };
                dated.change(day(on), amount);
                for later in &mut balance[usize::from(on)..] {
                    *later += amount;
                }
                prop_assert!(dated.changes.len() <= MAX_DAYS);
                prop_assert_eq!(dated.balance(), balance[200]);
                for from in 0..=200 {
                    prop_assert!(dated.on(day(from)) <= least(&balance, from));
                }
            }
        }
    }
}

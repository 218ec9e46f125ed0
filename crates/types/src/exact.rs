//! Sums of fen and of base units, which are never clamped.

/// Arithmetic of sums. 2^63 is 922,337 times the largest amount that one fact states, so a county's books do not reach it.
///
/// # Panics
/// A sum that would pass 2^63 stops the fold instead of being wrong.
pub trait Exact: Sized {
    #[must_use]
    fn plus(self, other: Self) -> Self;

    #[must_use]
    fn minus(self, other: Self) -> Self;

    #[must_use]
    fn negated(self) -> Self;
}

const BOUND: &str = "a sum of amounts or of quantities stays below 2^63";

macro_rules! exact {
    ($($integer:ty)*) => {$(
        impl Exact for $integer {
            fn plus(self, other: Self) -> Self {
                self.checked_add(other).expect(BOUND)
            }

            fn minus(self, other: Self) -> Self {
                self.checked_sub(other).expect(BOUND)
            }

            fn negated(self) -> Self {
                self.checked_neg().expect(BOUND)
            }
        }
    )*};
}

exact!(i64 i128);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Money;

    #[test]
    fn a_sum_holds_that_many_of_the_largest_amounts_and_then_stops() {
        let many = i64::MAX / Money::MAX.0;
        assert_eq!(many, 922_337);
        let sum = (0..many).fold(0_i64, |sum, _| sum.plus(Money::MAX.0));
        assert_eq!(sum.minus(Money::MAX.0).negated(), -(sum - Money::MAX.0));
        std::panic::catch_unwind(|| sum.plus(Money::MAX.0)).unwrap_err();
    }
}

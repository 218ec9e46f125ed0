//! Money: integers in fen, and prices per stated unit.

use core::fmt;

use crate::{Quantity, Unit, mul_div_half_up};

/// An amount of CNY in fen (分).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(pub i64);

impl Money {
    pub const ZERO: Self = Self(0);
    /// The largest amount a single fact may name: 10¹³ fen (100 billion yuan), so that sums of many stay far from 2⁶³.
    pub const MAX: Self = Self(10_000_000_000_000);

    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// `basis_points` of this amount (1 bp = 1/10,000), rounded half up to the fen.
    /// `None` if the result does not fit.
    #[must_use]
    pub fn basis_points(self, basis_points: u32) -> Option<Self> {
        mul_div_half_up(self.0, i64::from(basis_points), 10_000).map(Self)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}fen", self.0)
    }
}

/// Yuan with two decimals, e.g. `-901.60`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let fen = self.0.unsigned_abs();
        f.pad(&format!("{sign}{}.{:02}", fen / 100, fen % 100))
    }
}

/// A price: 1/10,000 yuan per stated unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitPrice {
    /// Ten-thousandths of a yuan per `per`.
    pub e4: i64,
    pub per: Unit,
}

impl UnitPrice {
    /// The highest price that may be named: 100 million yuan per unit.
    pub const MAX_E4: i64 = 1_000_000_000_000;

    /// What `quantity` (in the base unit of `per`) costs, rounded half up to the fen, once.
    /// `None` if the result does not fit.
    #[must_use]
    pub fn amount(self, quantity: Quantity) -> Option<Money> {
        mul_div_half_up(self.e4, quantity.0, self.per.factor().checked_mul(100)?).map(Money)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worked_example_prices_98_kilograms() {
        let price = UnitPrice { e4: 92_000, per: Unit::Kilogram };
        assert_eq!(price.amount(Quantity(98_000)), Some(Money(90_160)));
        let per_jin = UnitPrice { e4: 46_000, per: Unit::Jin };
        assert_eq!(per_jin.amount(Quantity(98_000)), Some(Money(90_160)));
    }

    #[test]
    fn rounding_is_half_up_and_once() {
        let price = UnitPrice { e4: 50, per: Unit::Piece };
        assert_eq!(price.amount(Quantity(1)), Some(Money(1)));
        assert_eq!(UnitPrice { e4: 49, per: Unit::Piece }.amount(Quantity(1)), Some(Money(0)));
        assert_eq!(Money(140_600).basis_points(500), Some(Money(7_030)));
        assert_eq!(UnitPrice { e4: i64::MAX, per: Unit::Piece }.amount(Quantity(i64::MAX)), None);
    }

    #[test]
    fn money_prints_as_yuan() {
        assert_eq!(Money(-90_160).to_string(), "-901.60");
        assert_eq!(Money(5).to_string(), "0.05");
        assert_eq!(format!("{:>8}", Money(5)), "    0.05");
    }
}

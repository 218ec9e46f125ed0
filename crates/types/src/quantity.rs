//! Quantities: integers in a product's base unit.

use core::fmt;

/// The unit that a product is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BaseUnit {
    Gram,
    Millilitre,
    /// 只, 头.
    Head,
    /// 件.
    Piece,
}

/// A unit that people use; never converted implicitly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    Gram,
    /// 市两, 50 g.
    Liang,
    /// 斤, 500 g.
    Jin,
    /// 公斤.
    Kilogram,
    /// 吨.
    Tonne,
    Millilitre,
    Litre,
    Head,
    Piece,
}

impl Unit {
    /// The base unit it measures in.
    pub const fn base(self) -> BaseUnit {
        match self {
            Self::Gram | Self::Liang | Self::Jin | Self::Kilogram | Self::Tonne => BaseUnit::Gram,
            Self::Millilitre | Self::Litre => BaseUnit::Millilitre,
            Self::Head => BaseUnit::Head,
            Self::Piece => BaseUnit::Piece,
        }
    }

    /// Base units in one of it.
    pub const fn factor(self) -> i64 {
        match self {
            Self::Gram | Self::Millilitre | Self::Head | Self::Piece => 1,
            Self::Liang => 50,
            Self::Jin => 500,
            Self::Kilogram | Self::Litre => 1_000,
            Self::Tonne => 1_000_000,
        }
    }
}

/// An amount of one product in its base unit (gram, millilitre, head, piece).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Quantity(pub i64);

impl Quantity {
    pub const ZERO: Self = Self(0);
    /// The largest quantity a single fact may name: 10¹² (a million tonnes), so that sums of many stay far from 2⁶³.
    pub const MAX: Self = Self(1_000_000_000_000);

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
}

impl fmt::Debug for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

//! Administrative divisions by code: names repeat and change, codes with a date do not.

use core::fmt;

/// Why a text is not a division code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DivisionError {
    #[error("a county has 6 digits, a township 9, a village 12")]
    Length,
    #[error("a division code has only digits and does not begin with 0")]
    Digits,
}

/// A county, GB/T 2260: six digits, 110000..=999999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CountyCode(u32);

impl CountyCode {
    /// 托里县, the county that the plan is for.
    pub const TUOLI: Self = Self(654_224);

    /// Parses six digits.
    pub fn parse(text: &str) -> Result<Self, DivisionError> {
        match parse_digits(text)? {
            (code, 6) => Ok(Self(u32::try_from(code).map_err(|_| DivisionError::Length)?)),
            _ => Err(DivisionError::Length),
        }
    }

    /// The code as a number.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The code as six ASCII digits.
    pub fn digits(self) -> [u8; 6] {
        let mut rest = self.0;
        let mut out = [b'0'; 6];
        for slot in out.iter_mut().rev() {
            *slot = b"0123456789".get(usize::try_from(rest % 10).unwrap_or(0)).copied().unwrap_or(b'0');
            rest /= 10;
        }
        out
    }
}

impl fmt::Display for CountyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:06}", self.0)
    }
}

impl fmt::Debug for CountyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A county (6 digits), township (9) or village-level unit (12).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DivisionCode(u64);

impl DivisionCode {
    /// Parses 6, 9 or 12 digits.
    pub fn parse(text: &str) -> Result<Self, DivisionError> {
        match parse_digits(text)? {
            (code, 6 | 9 | 12) => Ok(Self(code)),
            _ => Err(DivisionError::Length),
        }
    }

    /// From a number of 6, 9 or 12 digits, as it stands in events.
    pub fn from_number(code: u64) -> Result<Self, DivisionError> {
        match code {
            100_000..=999_999 | 100_000_000..=999_999_999 | 100_000_000_000..=999_999_999_999 => Ok(Self(code)),
            _ => Err(DivisionError::Length),
        }
    }

    /// The code as a number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The county it lies in (or is).
    pub fn county(self) -> CountyCode {
        let code = match self.0 {
            0..=999_999 => self.0,
            1_000_000..=999_999_999 => self.0 / 1_000,
            _ => self.0 / 1_000_000,
        };
        CountyCode(u32::try_from(code).unwrap_or(0))
    }

    /// The township it lies in (or is); `None` for a county.
    pub const fn township(self) -> Option<Self> {
        match self.0 {
            0..=999_999 => None,
            1_000_000..=999_999_999 => Some(self),
            _ => Some(Self(self.0 / 1_000)),
        }
    }

    /// Whether this is a village-level unit.
    pub const fn is_village(self) -> bool {
        self.0 > 999_999_999
    }

    /// Whether `other` is this division or lies in it.
    pub fn contains(self, other: Self) -> bool {
        self == other
            || other.township() == Some(self)
            || (self.0 <= 999_999 && u64::from(other.county().get()) == self.0)
    }

    /// Where a buyer of this division stands, seen from `home`. By code, never by name:
    /// 塔城地区 contains 托里县.
    pub fn scope_from(self, home: CountyCode) -> Scope {
        let county = self.county().get();
        if county == home.get() {
            Scope::County
        } else if county / 100 == home.get() / 100 {
            Scope::Prefecture
        } else if county / 10_000 == home.get() / 10_000 {
            Scope::Region
        } else {
            Scope::Outside
        }
    }
}

impl fmt::Display for DivisionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for DivisionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<CountyCode> for DivisionCode {
    fn from(county: CountyCode) -> Self {
        Self(u64::from(county.0))
    }
}

/// Where goods were finally sold, seen from the home county.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// 县域内: closes the loop.
    County,
    /// The same prefecture, another county.
    Prefecture,
    /// The same region or province, another prefecture.
    Region,
    /// Anywhere else.
    Outside,
}

fn parse_digits(text: &str) -> Result<(u64, usize), DivisionError> {
    if text.is_empty() || text.len() > 12 {
        return Err(DivisionError::Length);
    }
    if text.starts_with('0') || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(DivisionError::Digits);
    }
    text.parse().map(|code| (code, text.len())).map_err(|_| DivisionError::Digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn division(text: &str) -> DivisionCode {
        DivisionCode::parse(text).unwrap()
    }

    #[test]
    fn levels_nest() {
        let village = division("654224202207");
        assert_eq!(village.county(), CountyCode::TUOLI);
        assert_eq!(village.township(), Some(division("654224202")));
        assert!(division("654224").contains(village));
        assert!(division("654224202").contains(village));
        assert!(!division("654224201").contains(village));
        assert!(village.is_village() && !division("654224202").is_village());
        assert_eq!(CountyCode::TUOLI.digits(), *b"654224");
    }

    #[test]
    fn scope_comes_from_the_code() {
        let scope = |code| division(code).scope_from(CountyCode::TUOLI);
        assert_eq!(scope("654224100001"), Scope::County);
        assert_eq!(scope("654201"), Scope::Prefecture);
        assert_eq!(scope("650102"), Scope::Region);
        assert_eq!(scope("610102"), Scope::Outside);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "65422", "6542242", "065422", "65422a", "6542242022071", "６５４２２４"] {
            assert!(DivisionCode::parse(text).is_err(), "{text}");
        }
        assert!(DivisionCode::from_number(1_000_000).is_err());
    }
}

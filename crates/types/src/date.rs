//! Business dates (Asia/Shanghai, sent explicitly), months, and instants.

use core::fmt;

/// Why a text is not a business date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    #[error("a date is written YYYY-MM-DD")]
    Form,
    #[error("there is no such day")]
    NoSuchDay,
    #[error("business dates begin with the year 2000 and end with 2199")]
    OutOfRange,
}

/// A calendar day in official time (UTC+8), stored as days since 1970-01-01. 2000-01-01 ..= 2199-12-31.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BusinessDate(i32);

impl BusinessDate {
    const FIRST: i32 = 10_957;
    const LAST: i32 = 84_005;

    /// From a year, month and day.
    pub fn from_ymd(year: i32, month: u32, day: u32) -> Result<Self, DateError> {
        if !(2000..=2199).contains(&year) {
            return Err(DateError::OutOfRange);
        }
        if !(1..=12).contains(&month) || day == 0 || day > days_in_month(year, month) {
            return Err(DateError::NoSuchDay);
        }
        Ok(Self(days_from_civil(year, month, day)))
    }

    /// From days since 1970-01-01, as it stands in events.
    pub fn from_days(days: i32) -> Result<Self, DateError> {
        if (Self::FIRST..=Self::LAST).contains(&days) { Ok(Self(days)) } else { Err(DateError::OutOfRange) }
    }

    /// Parses `YYYY-MM-DD`.
    pub fn parse(text: &str) -> Result<Self, DateError> {
        let bytes = text.as_bytes();
        let dashes = bytes.get(4) == Some(&b'-') && bytes.get(7) == Some(&b'-');
        if bytes.len() != 10 || !dashes {
            return Err(DateError::Form);
        }
        let number = |range: core::ops::Range<usize>| -> Result<u32, DateError> {
            let digits = text.get(range).ok_or(DateError::Form)?;
            if !digits.bytes().all(|b| b.is_ascii_digit()) {
                return Err(DateError::Form);
            }
            digits.parse().map_err(|_| DateError::Form)
        };
        let year = i32::try_from(number(0..4)?).map_err(|_| DateError::Form)?;
        Self::from_ymd(year, number(5..7)?, number(8..10)?)
    }

    /// The day that `instant` falls on in official time; clamped to the representable range.
    pub fn of(instant: Timestamp) -> Self {
        let days = instant.seconds.saturating_add(8 * 3_600).div_euclid(86_400);
        Self(i32::try_from(days).unwrap_or(Self::LAST).clamp(Self::FIRST, Self::LAST))
    }

    /// The instant at which the day ends in official time.
    pub fn end(self) -> Timestamp {
        // 16:00 UTC; days are below 2^17.
        Timestamp { seconds: i64::from(self.0).saturating_mul(86_400).saturating_add(16 * 3_600), nanos: 0 }
    }

    /// Days since 1970-01-01.
    pub const fn days(self) -> i32 {
        self.0
    }

    /// Year, month and day.
    pub fn ymd(self) -> (i32, u32, u32) {
        civil_from_days(self.0)
    }

    /// The accounting month of this day.
    pub fn month(self) -> Month {
        let (year, month, _) = self.ymd();
        Month::from_parts(year, month)
    }

    /// `days` later (or earlier), within the representable range.
    #[must_use]
    pub fn plus_days(self, days: i32) -> Self {
        Self(self.0.saturating_add(days).clamp(Self::FIRST, Self::LAST))
    }
}

impl fmt::Display for BusinessDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.ymd();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl fmt::Debug for BusinessDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A calendar month 会计期, counted from January 2000.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(u16);

impl Month {
    fn from_parts(year: i32, month: u32) -> Self {
        let months =
            i64::from(year).saturating_sub(2000).saturating_mul(12).saturating_add(i64::from(month)).saturating_sub(1);
        Self(u16::try_from(months).unwrap_or(0))
    }

    /// Parses `YYYY-MM`.
    pub fn parse(text: &str) -> Result<Self, DateError> {
        if text.len() != 7 || !text.is_ascii() {
            return Err(DateError::Form);
        }
        BusinessDate::parse(&format!("{text}-01")).map(BusinessDate::month)
    }

    /// From months since January 2000.
    pub fn from_index(index: u16) -> Result<Self, DateError> {
        if index < 2400 { Ok(Self(index)) } else { Err(DateError::OutOfRange) }
    }

    /// Months since January 2000.
    pub const fn index(self) -> u16 {
        self.0
    }

    /// Year and month (1..=12).
    pub fn parts(self) -> (i32, u32) {
        let (years, months) = (self.0 / 12, self.0 % 12);
        (i32::from(years).saturating_add(2000), u32::from(months).saturating_add(1))
    }

    /// The first day of the month.
    pub fn first_day(self) -> BusinessDate {
        let (year, month) = self.parts();
        BusinessDate(days_from_civil(year, month, 1))
    }

    /// The last day of the month.
    pub fn last_day(self) -> BusinessDate {
        let (year, month) = self.parts();
        BusinessDate(days_from_civil(year, month, days_in_month(year, month)))
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month) = self.parts();
        write!(f, "{year:04}-{month:02}")
    }
}

impl fmt::Debug for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An instant: seconds since 1970-01-01 UTC, and nanoseconds below 10⁹.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    pub seconds: i64,
    pub nanos: u32,
}

fn days_in_month(year: i32, month: u32) -> u32 {
    let leap = (year.rem_euclid(4) == 0 && year.rem_euclid(100) != 0) || year.rem_euclid(400) == 0;
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Howard Hinnant's `days_from_civil`.
#[expect(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_wrap,
    clippy::as_conversions,
    reason = "years 2000..=2199: no term comes near 2^31"
)]
fn days_from_civil(year: i32, month: u32, day: u32) -> i32 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y - era * 400;
    let shifted = (month as i32 + 9) % 12;
    let doy = (153 * shifted + 2) / 5 + day as i32 - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    era * 146_097 + doe - 719_468
}

/// Howard Hinnant's `civil_from_days`.
#[expect(
    clippy::arithmetic_side_effects,
    clippy::cast_sign_loss,
    clippy::as_conversions,
    reason = "days of 2000..=2199: no term comes near 2^31, and day and month are positive"
)]
fn civil_from_days(days: i32) -> (i32, u32, u32) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z - era * 146_097;
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i32::from(month <= 2);
    (year, month as u32, day as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_representable_day_round_trips_in_order() {
        let mut day = BusinessDate::from_ymd(2000, 1, 1).unwrap();
        assert_eq!(day.days(), BusinessDate::FIRST);
        let mut count = 0;
        loop {
            let (y, m, d) = day.ymd();
            assert_eq!(BusinessDate::from_ymd(y, m, d), Ok(day));
            assert!(day.month().first_day() <= day && day <= day.month().last_day());
            count += 1;
            match BusinessDate::from_days(day.days() + 1) {
                Ok(next) => day = next,
                Err(_) => break,
            }
        }
        assert_eq!((day.to_string().as_str(), count), ("2199-12-31", 73_049));
    }

    #[test]
    fn official_time_is_eight_hours_ahead() {
        // 2020-03-31T16:00:00Z is the first of April in Beijing.
        assert_eq!(BusinessDate::of(Timestamp { seconds: 1_585_670_400, nanos: 0 }).to_string(), "2020-04-01");
        assert_eq!(BusinessDate::of(Timestamp { seconds: 1_585_670_399, nanos: 0 }).to_string(), "2020-03-31");
        assert_eq!(BusinessDate::from_ymd(2020, 3, 31).unwrap().end(), Timestamp { seconds: 1_585_670_400, nanos: 0 });
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(BusinessDate::parse("2020-02-30"), Err(DateError::NoSuchDay));
        assert_eq!(BusinessDate::parse("1999-12-31"), Err(DateError::OutOfRange));
        assert_eq!(BusinessDate::parse("2020-2-30"), Err(DateError::Form));
        assert_eq!(BusinessDate::parse("+020-02-03"), Err(DateError::Form));
        assert_eq!(Month::parse("2020-13"), Err(DateError::NoSuchDay));
        assert_eq!(Month::parse("2020-12").unwrap().to_string(), "2020-12");
    }
}

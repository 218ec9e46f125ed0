//! The one rule of rounding: half up.

/// `a × b ÷ divisor` to the nearest whole number; exactly one half goes up, towards positive infinity. The product is exact.
/// `None` if the divisor is not positive or the result does not fit.
#[must_use]
pub fn mul_div_half_up(a: i64, b: i64, divisor: i64) -> Option<i64> {
    if divisor <= 0 {
        return None;
    }
    let doubled = i128::from(a).checked_mul(i128::from(b))?.checked_mul(2)?.checked_add(i128::from(divisor))?;
    i64::try_from(doubled.checked_div_euclid(i128::from(divisor).checked_mul(2)?)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_half_goes_up_on_both_sides_of_zero() {
        for (a, b, divisor, expected) in [
            (10, 1, 4, Some(3)),
            (9, 1, 4, Some(2)),
            (-10, 1, 4, Some(-2)),
            (-11, 1, 4, Some(-3)),
            (0, 1, 3, Some(0)),
            (1, 10_000, 3, Some(3_333)),
            (2, 10_000, 3, Some(6_667)),
        ] {
            assert_eq!(mul_div_half_up(a, b, divisor), expected, "{a} × {b} ÷ {divisor}");
        }
    }

    #[test]
    fn what_does_not_fit_has_no_result() {
        assert_eq!(mul_div_half_up(1, 1, 0), None);
        assert_eq!(mul_div_half_up(1, 1, -1), None);
        assert_eq!(mul_div_half_up(i64::MAX, i64::MAX, 1), None);
        assert_eq!(mul_div_half_up(i64::MAX, i64::MAX, i64::MAX), Some(i64::MAX));
        assert_eq!(mul_div_half_up(i64::MIN, i64::MIN, i64::MAX), None);
    }
}

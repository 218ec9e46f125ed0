//! Dividing a whole into parts that add up exactly.

/// Divides `total` among `weights` by largest remainder (ties: lower index first).
/// The parts add up to `total`; `None` if the weights add up to nothing, or something is negative or too large.
pub fn largest_remainder(total: i64, weights: &[i64]) -> Option<Vec<i64>> {
    let sum = checked_sum(weights)?;
    if sum == 0 || total < 0 {
        return (sum == 0 && total == 0).then(|| vec![0; weights.len()]);
    }
    let mut parts = Vec::with_capacity(weights.len());
    let mut remainders = Vec::with_capacity(weights.len());
    let mut left = total;
    for (index, weight) in weights.iter().enumerate() {
        let product = i128::from(total).checked_mul(i128::from(*weight))?;
        let part = i64::try_from(product.checked_div(sum)?).ok()?;
        left = left.checked_sub(part)?;
        parts.push(part);
        remainders.push((product.checked_rem(sum)?, index));
    }
    remainders.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    for (_, index) in remainders.into_iter().take(usize::try_from(left).ok()?) {
        let part = parts.get_mut(index)?;
        *part = part.checked_add(1)?;
    }
    Some(parts)
}

/// Whose goods the first `cumulative` units out of a pool are: one number per original quantity.
///
/// Webster's divisor method (each next unit goes to the largest `original / (2 × given + 1)`; ties: lower index
/// first). It is monotone in `cumulative` and ends in exactly the originals, so it does not matter in which order
/// sales, losses and refunds are read. `None` unless `0 <= cumulative <= Σ originals`.
pub fn shares(cumulative: i64, originals: &[i64]) -> Option<Vec<i64>> {
    let sum = checked_sum(originals)?;
    if cumulative < 0 || i128::from(cumulative) > sum {
        return None;
    }
    if let [_] = originals {
        return Some(vec![cumulative]);
    }
    let total = i64::try_from(sum).ok()?;
    if cumulative == total {
        return Some(originals.to_vec());
    }
    webster(cumulative, originals, sum)
}

/// Webster by bisection over the divisor: seat k (from 1) of weight w is worth w / (2k − 1).
fn webster(cumulative: i64, originals: &[i64], sum: i128) -> Option<Vec<i64>> {
    // Start from the quota rounded down less one per part: every such unit is awarded in any case, because Webster
    // stays within quota for all but pathological cases; the loop below corrects any excess or lack one unit at a time
    // in the exact order of the method, so the result does not depend on this start.
    let mut given = Vec::with_capacity(originals.len());
    let mut left = cumulative;
    for weight in originals {
        let quota = i128::from(cumulative).checked_mul(i128::from(*weight))?.checked_div(sum)?;
        let start = i64::try_from(quota).ok()?;
        left = left.checked_sub(start)?;
        given.push(start);
    }
    while left > 0 {
        let index = next_unit(originals, &given)?;
        bump(&mut given, index, 1)?;
        left = left.checked_sub(1)?;
    }
    // Take back and re-award while some unit given is worth less than the next one due.
    loop {
        let take = last_unit(originals, &given);
        let give = next_unit(originals, &given);
        match (take, give) {
            (Some(take), Some(give)) if take != give && worth_less(originals, &given, take, give) => {
                bump(&mut given, take, -1)?;
                bump(&mut given, give, 1)?;
            }
            _ => return Some(given),
        }
    }
}

fn bump(given: &mut [i64], index: usize, by: i64) -> Option<()> {
    let slot = given.get_mut(index)?;
    *slot = slot.checked_add(by)?;
    Some(())
}

/// Weight / (2 × units + 1) as a fraction (numerator, denominator).
fn worth(weight: i64, units_before: i64) -> (i128, i128) {
    (i128::from(weight), i128::from(units_before).saturating_mul(2).saturating_add(1))
}

/// Whether fraction `a` is greater than `b`; weights and counts are below 2⁶³, so products fit.
fn greater(a: (i128, i128), b: (i128, i128)) -> bool {
    a.0.saturating_mul(b.1) > b.0.saturating_mul(a.1)
}

/// The index that is due the next unit: the largest worth, the lower index first; none beyond its original quantity.
fn next_unit(originals: &[i64], given: &[i64]) -> Option<usize> {
    let mut best: Option<(usize, (i128, i128))> = None;
    for (index, (weight, units)) in originals.iter().zip(given).enumerate() {
        if units >= weight {
            continue;
        }
        let value = worth(*weight, *units);
        if best.is_none_or(|(_, top)| greater(value, top)) {
            best = Some((index, value));
        }
    }
    best.map(|(index, _)| index)
}

/// Whose last unit is worth least, the higher index first: the unit that was awarded last.
fn last_unit(originals: &[i64], given: &[i64]) -> Option<usize> {
    let mut worst: Option<(usize, (i128, i128))> = None;
    for (index, (weight, units)) in originals.iter().zip(given).enumerate() {
        if *units == 0 {
            continue;
        }
        let value = worth(*weight, units.saturating_sub(1));
        if worst.is_none_or(|(_, low)| !greater(value, low)) {
            worst = Some((index, value));
        }
    }
    worst.map(|(index, _)| index)
}

fn worth_less(originals: &[i64], given: &[i64], take: usize, give: usize) -> bool {
    let weight = |i: usize| originals.get(i).copied().unwrap_or(0);
    let units = |i: usize| given.get(i).copied().unwrap_or(0);
    let taken = worth(weight(take), units(take).saturating_sub(1));
    let given_next = worth(weight(give), units(give));
    greater(given_next, taken) || (!greater(taken, given_next) && give < take)
}

/// The sum, if no part is negative.
fn checked_sum(parts: &[i64]) -> Option<i128> {
    parts.iter().try_fold(0_i128, |sum, part| (*part >= 0).then(|| sum.checked_add(i128::from(*part)))?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects, reason = "tests")]

    use super::*;

    /// The definition, one unit at a time.
    fn webster_by_definition(cumulative: i64, originals: &[i64]) -> Vec<i64> {
        let mut given = vec![0; originals.len()];
        for _ in 0..cumulative {
            let index = next_unit(originals, &given).unwrap();
            given[index] += 1;
        }
        given
    }

    #[test]
    fn shares_are_the_definition_monotone_and_exact() {
        for originals in
            [&[5_i64, 3, 2][..], &[1, 1, 1], &[98, 98], &[7, 0, 1], &[100, 1, 1, 1], &[9, 9, 1, 1, 1, 1, 1]]
        {
            let total: i64 = originals.iter().sum();
            let mut before = vec![0; originals.len()];
            for cumulative in 0..=total {
                let now = shares(cumulative, originals).unwrap();
                assert_eq!(now, webster_by_definition(cumulative, originals), "{cumulative} of {originals:?}");
                assert_eq!(now.iter().sum::<i64>(), cumulative);
                assert!(now.iter().zip(&before).all(|(n, b)| n >= b), "{cumulative} of {originals:?}");
                before = now;
            }
            assert_eq!(before, originals);
        }
    }

    #[test]
    fn shares_beyond_the_pool_are_refused() {
        assert_eq!(shares(11, &[5, 5]), None);
        assert_eq!(shares(-1, &[5, 5]), None);
        assert_eq!(shares(1, &[5, -5]), None);
    }

    #[test]
    fn largest_remainder_adds_up() {
        assert_eq!(largest_remainder(100, &[1, 1, 1]), Some(vec![34, 33, 33]));
        assert_eq!(largest_remainder(5, &[0, 2, 3]), Some(vec![0, 2, 3]));
        assert_eq!(largest_remainder(1, &[0, 0]), None);
        assert_eq!(largest_remainder(0, &[0, 0]), Some(vec![0, 0]));
        assert_eq!(largest_remainder(i64::MAX, &[i64::MAX, i64::MAX]), Some(vec![i64::MAX / 2 + 1, i64::MAX / 2]));
    }
}

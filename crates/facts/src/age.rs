//! Which of two lots, or of two debts, is older: what decides what is sold or paid first.

use core::cmp::Ordering;
use std::sync::Arc;

use loopledger_types::{BusinessDate, Timestamp};

use crate::Occasion;

/// When a lot or a debt came to be, and what people numbered it by. Nothing of it is an id, which its caller can choose.
///
/// Earlier days first, then earlier instants (what has none came at the day's end), then lower numbers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Age {
    /// Business date: of a lot that of its collection, or of being bought in.
    pub day: BusinessDate,
    pub at: Timestamp,
    pub number: Numbered,
}

impl Age {
    /// The age of goods collected or bought in on that occasion; `number` is the receipt's, or the lot's label.
    pub fn new(occasion: &Occasion, number: &str) -> Self {
        let day = occasion.business_date;
        let at = occasion.occurred_at.unwrap_or_else(|| day.end());
        Self { day, at, number: Numbered(number.into()) }
    }
}

/// An age with the beginning of its order in place: trees of a hundred thousand lots compare it without looking at each
/// lot's number elsewhere in memory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ranked {
    day: BusinessDate,
    at: Timestamp,
    /// Orders as the number does, as far as it goes.
    number: [u8; PREFIX],
    age: Arc<Age>,
}

const PREFIX: usize = 20;

impl Ranked {
    pub fn new(age: &Arc<Age>) -> Self {
        Self { day: age.day, at: age.at, number: prefix(age.number.0.as_bytes()), age: Arc::clone(age) }
    }

    pub const fn age(&self) -> &Arc<Age> {
        &self.age
    }
}

/// Bytes whose order is the natural one: a run of digits as `0`, how many there are without leading zeros, and those. They
/// end where that cannot be said in one byte; what is equal up to there is compared in full.
fn prefix(mut text: &[u8]) -> [u8; PREFIX] {
    let mut prefix = [0; PREFIX];
    let mut places = prefix.iter_mut();
    let mut put = |byte: u8| places.next().map(|place| *place = byte).is_some();
    while let [first, rest @ ..] = text {
        if first.is_ascii_digit() {
            let (digits, after) = number(text);
            let length = u8::try_from(digits.len()).unwrap_or(u8::MAX);
            if !put(b'0') || !put(length) || length == u8::MAX || !digits.iter().all(|digit| put(*digit)) {
                break;
            }
            text = after;
        } else if put(*first) {
            text = rest;
        } else {
            break;
        }
    }
    prefix
}

/// A number as people write it, in natural order: runs of digits count as numbers, so 9 comes before 10.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Numbered(pub Box<str>);

impl Ord for Numbered {
    fn cmp(&self, other: &Self) -> Ordering {
        // Texts that differ only in leading zeros are of one number, and still have an order.
        natural(&self.0, &other.0).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Numbered {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Compares in place: millions of lots are sorted by it.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        // Where they begin to differ, or where the digits begin in which they do.
        let same = a.iter().zip(b).take_while(|(x, y)| x == y).count();
        let digits = a.iter().take(same).rev().take_while(|byte| byte.is_ascii_digit()).count();
        let at = same.saturating_sub(digits);
        (a, b) = (a.get(at..).unwrap_or_default(), b.get(at..).unwrap_or_default());
        let ((x, rest_of_a), (y, rest_of_b)) = (number(a), number(b));
        match (a.first(), b.first()) {
            (Some(first), Some(other)) if first.is_ascii_digit() && other.is_ascii_digit() => {
                let order = x.len().cmp(&y.len()).then_with(|| x.cmp(y));
                if order != Ordering::Equal {
                    return order;
                }
                (a, b) = (rest_of_a, rest_of_b);
            }
            // The bytes of UTF-8 are in the order of the characters.
            (first, other) => return first.cmp(&other),
        }
    }
}

/// The digits that come first, without leading zeros, of any length; and what follows them.
fn number(text: &[u8]) -> (&[u8], &[u8]) {
    let (digits, rest) = text.split_at(text.iter().take_while(|byte| byte.is_ascii_digit()).count());
    let zeros = digits.iter().take_while(|byte| **byte == b'0').count();
    (digits.get(zeros..).unwrap_or_default(), rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbered(text: &str) -> Numbered {
        Numbered(text.into())
    }

    #[test]
    fn numbers_are_in_natural_order() {
        let ordered = [
            "",
            "0",
            "00",
            "09",
            "9",
            "10",
            "99999999999999999999",
            "A9",
            "A10",
            "A10-2",
            "A10-11",
            "A10b",
            "B1",
            "收2",
            "收10",
        ];
        for (index, a) in ordered.iter().enumerate() {
            for (other, b) in ordered.iter().enumerate() {
                assert_eq!(numbered(a).cmp(&numbered(b)), index.cmp(&other), "{a} and {b}");
            }
        }
    }

    #[test]
    fn numbers_that_begin_alike_are_compared_in_full() {
        let begin = "收货单-0012/2026-04-";
        let age = |number: &str| {
            let day = BusinessDate::parse("2026-04-01").unwrap();
            Arc::new(Age { day, at: day.end(), number: numbered(number) })
        };
        let ranked = |number: &str| Ranked::new(&age(&format!("{begin}{number}")));
        assert!(ranked("9") < ranked("10"));
        assert!(ranked("10") > ranked("9"));
        assert_eq!(ranked("7"), ranked("7"));
        let long = |count: usize| Ranked::new(&age(&"9".repeat(count)));
        assert!(long(255) < long(256) && long(256) < long(300));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_order_is_one(mut texts in prop::collection::vec("[019a收-]{0,5}", 3)) {
            texts.sort_by_key(|text| numbered(text));
            let ranks: Vec<_> = texts.iter().map(|text| prefix(text.as_bytes())).collect();
            prop_assert!(ranks.is_sorted(), "{texts:?}");
            let [a, b, c] = [&texts[0], &texts[1], &texts[2]].map(|text| numbered(text));
            prop_assert!(a <= b && b <= c && a <= c);
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert_eq!(a == b, a.cmp(&b) == Ordering::Equal);
        }
    }
}

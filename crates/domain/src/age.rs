//! Which of two lots, or of two debts, is older: what decides what is sold or paid first.

use core::cmp::Ordering;
use core::iter::Peekable;
use core::str::Chars;

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
    /// Of what happened on that occasion, under that number: a receipt's, or a lot's label.
    pub fn new(occasion: &Occasion, number: &str) -> Self {
        let day = occasion.business_date;
        let at = occasion.occurred_at.unwrap_or_else(|| day.end());
        Self { day, at, number: Numbered(number.into()) }
    }
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

fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.chars().peekable(), b.chars().peekable());
    loop {
        let order = match (a.peek(), b.peek()) {
            (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => {
                let (x, y) = (number(&mut a), number(&mut b));
                x.len().cmp(&y.len()).then_with(|| x.cmp(&y))
            }
            (None, None) => return Ordering::Equal,
            (_, _) => a.next().cmp(&b.next()),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// The digits that come next, without leading zeros: of any length, so no machine number.
fn number(text: &mut Peekable<Chars<'_>>) -> String {
    let digits = core::iter::from_fn(|| text.next_if(char::is_ascii_digit));
    let digits: String = digits.collect();
    digits.trim_start_matches('0').to_owned()
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

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_order_is_one(mut texts in prop::collection::vec("[019a收-]{0,5}", 3)) {
            texts.sort_by_key(|text| numbered(text));
            let [a, b, c] = [&texts[0], &texts[1], &texts[2]].map(|text| numbered(text));
            prop_assert!(a <= b && b <= c && a <= c);
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert_eq!(a == b, a.cmp(&b) == Ordering::Equal);
        }
    }
}

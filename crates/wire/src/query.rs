//! What queries of every service have in common: positions, pages, filters, and the views' units.

use loopledger_domain::procurement::ContractTerms;
use loopledger_domain::{FieldFault, Rejection};
use loopledger_proto::common::v1 as pb;
use loopledger_types::{
    BaseUnit, BusinessDate, CountyCode, DivisionCode, Head, IdError, Month, Position, Quantity, StreamId, Unit,
    UnitPrice, hex,
};

use crate::request::{Check, at};
use crate::words::Word;

/// Rows of a page if the caller does not say.
pub const PAGE_DEFAULT: usize = 100;
/// Rows of a page at most.
pub const PAGE_MAX: usize = 1000;

pub fn position_to_pb(position: Position) -> pb::Position {
    pb::Position { stream: position.stream.to_string(), sequence: position.sequence, hash: position.hash.0.to_vec() }
}

/// The heads that an answer was computed at; streams without a commit are left out.
pub fn heads_to_pb(heads: impl IntoIterator<Item = (StreamId, Head)>) -> Vec<pb::Position> {
    heads
        .into_iter()
        .filter(|(_, head)| head.sequence > 0)
        .map(|(stream, head)| position_to_pb(Position { stream, sequence: head.sequence, hash: head.hash }))
        .collect()
}

/// The `at_least` of a query.
pub fn at_least(found: &[pb::Position]) -> Result<Vec<Position>, Rejection> {
    positions("at_least", found)
}

/// Positions to wait for.
pub fn positions(field: &'static str, positions: &[pb::Position]) -> Result<Vec<Position>, Rejection> {
    one(|check| check.positions(at(field), positions))
}

/// The county that a request names; empty: the only one that the server hosts.
pub fn county(text: &str) -> Result<Option<CountyCode>, Rejection> {
    one(|check| check.optional_county(at("county_code"), text))
}

/// A required id.
pub fn id<T>(field: &'static str, text: &str, parse: fn(&str) -> Result<T, IdError>) -> Result<T, Rejection> {
    one(|check| check.id(at(field), text, parse))
}

/// An id to filter by; empty: none.
pub fn optional_id<T>(
    field: &'static str,
    text: &str,
    parse: fn(&str) -> Result<T, IdError>,
) -> Result<Option<T>, Rejection> {
    one(|check| check.optional_id(at(field), text, parse))
}

/// A word to filter by; unspecified: none.
pub fn optional_word<W: Word>(field: &'static str, number: i32) -> Result<Option<W>, Rejection> {
    if number == 0 { Ok(None) } else { one(|check| check.word(at(field), number)).map(Some) }
}

/// A division; in a county whose list is known it must be on it, in any edition.
pub fn division(field: &'static str, text: &str) -> Result<DivisionCode, Rejection> {
    one(|check| check.division(at(field), text))
}

/// A date; empty: none.
pub fn optional_date(field: &'static str, text: &str) -> Result<Option<BusinessDate>, Rejection> {
    if text.is_empty() { Ok(None) } else { one(|check| check.date(at(field), text)).map(Some) }
}

/// A month `YYYY-MM`.
pub fn month(field: &'static str, text: &str) -> Result<Month, Rejection> {
    Month::parse(text).map_err(|_| Rejection::invalid(field, FieldFault::MalformedMonth, "A month is written YYYY-MM."))
}

fn one<T>(read: impl FnOnce(&mut Check) -> Option<T>) -> Result<T, Rejection> {
    let mut check = Check::default();
    let value = read(&mut check);
    check.finish(value).map(|(value, _)| value)
}

/// Which page is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Rows, 1 to [`PAGE_MAX`].
    pub size: usize,
    /// The key of the last row of the page before; `None`: the first page.
    pub after: Option<Vec<u8>>,
}

impl Page {
    /// Checks `page_size` and `page_token`.
    pub fn parse(size: u32, token: &str) -> Result<Self, Rejection> {
        let size = match usize::try_from(size) {
            Ok(0) => PAGE_DEFAULT,
            Ok(size @ 1..=PAGE_MAX) => size,
            _ => {
                let text = format!("A page has 1 to {PAGE_MAX} rows.");
                return Err(Rejection::invalid("page_size", FieldFault::OutOfRange, text));
            }
        };
        let malformed =
            || Rejection::invalid("page_token", FieldFault::MalformedPageToken, "This token is not one of ours.");
        let after = if token.is_empty() { None } else { Some(hex::decode(token).ok_or_else(malformed)?) };
        Ok(Self { size, after })
    }

    /// The rows of this page out of all rows (in the order of their keys), and the token of the next page. Keys must be
    /// unique and ascending as bytes.
    pub fn cut<T>(&self, rows: impl IntoIterator<Item = T>, key: impl Fn(&T) -> Vec<u8>) -> (Vec<T>, String) {
        let mut rows =
            rows.into_iter().skip_while(|row| self.after.as_ref().is_some_and(|after| key(row) <= *after)).fuse();
        let page: Vec<T> = rows.by_ref().take(self.size).collect();
        let token = match (page.last(), rows.next()) {
            (Some(last), Some(_)) => Self::token(&key(last)),
            _ => String::new(),
        };
        (page, token)
    }

    /// The token of the page that begins after the row with this key. It is the key alone: whether a caller may see a page
    /// does not depend on its token.
    pub fn token(last: &[u8]) -> String {
        hex::encode(last)
    }
}

/// The unit in which quantities of such a product are shown.
pub const fn base_to_unit(base: BaseUnit) -> Unit {
    match base {
        BaseUnit::Gram => Unit::Gram,
        BaseUnit::Millilitre => Unit::Millilitre,
        BaseUnit::Head => Unit::Head,
        BaseUnit::Piece => Unit::Piece,
    }
}

/// In the base unit.
pub fn quantity_to_pb(quantity: Quantity, base: BaseUnit) -> pb::Quantity {
    pb::Quantity { value: quantity.0, unit: base_to_unit(base).number() }
}

pub fn price_to_pb(price: UnitPrice) -> pb::UnitPrice {
    pb::UnitPrice { e4: price.e4, per: price.per.number() }
}

pub fn terms_to_pb(terms: ContractTerms) -> pb::ContractTerms {
    use pb::contract_terms::Terms;
    let terms = match terms {
        ContractTerms::Outright { price } => Terms::Outright(pb::OutrightTerms { price: Some(price_to_pb(price)) }),
        ContractTerms::AgreedPrice { price } => {
            Terms::AgreedPrice(pb::AgreedPriceTerms { price: Some(price_to_pb(price)) })
        }
        ContractTerms::Commission { commission_bp, price_basis } => {
            Terms::Commission(pb::CommissionTerms { commission_bp, price_basis: price_basis.map(price_to_pb) })
        }
    };
    pb::ContractTerms { terms: Some(terms) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_without_gap_or_repeat() {
        let rows: Vec<u16> = (0..250).collect();
        let key = |row: &u16| row.to_be_bytes().to_vec();
        let (mut seen, mut token, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let (page, next) = Page::parse(0, &token).unwrap().cut(rows.clone(), key);
            seen.extend(page);
            pages += 1;
            token = next;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!((seen, pages), (rows, 3));
        let (page, next) = Page::parse(10, "").unwrap().cut(0..10_u16, key);
        assert_eq!((page.len(), next.as_str()), (10, ""), "an exact page has no successor");
    }

    #[test]
    fn foreign_tokens_and_sizes_are_refused() {
        for token in ["0", "zz", "0g", "+1", "页"] {
            assert!(Page::parse(1, token).is_err(), "{token}");
        }
        assert!(Page::parse(1001, "").is_err());
    }

    #[test]
    fn filters_may_be_empty_and_must_be_known() {
        assert_eq!(optional_word::<Unit>("unit", 0), Ok(None));
        assert_eq!(optional_word("unit", 3), Ok(Some(Unit::Jin)));
        assert!(optional_word::<Unit>("unit", 99).is_err());
        assert_eq!(optional_date("from", ""), Ok(None));
        assert!(optional_date("from", "2020-13-01").is_err());
    }
}

//! Checks of form, field by field: what is wrong is collected, so that a caller learns all of it at once.

use loopledger_domain::procurement::ContractTerms;
use loopledger_domain::stock::LineWeight;
use loopledger_domain::{FieldFault, Measure, Occasion, Rejection, Violation};
use loopledger_proto::common::v1 as pb;
use loopledger_types::{
    BusinessDate, CountyCode, DateError, DivisionCode, EntityKind, Hash, IdError, Money, Position, Quantity, RequestId,
    StreamId, Timestamp, Unit, UnitPrice, divisions,
};

use super::Created;
use super::path::{FieldPath, at};
use crate::words::Word;

/// Positions in `after` and `at_least`.
pub const POSITIONS_MAX: usize = 16;
/// Lines, lots, payables, differences of one request: so that what follows from it fits one commit.
pub const LINES_MAX: usize = 200;
/// Members of a household when it is registered.
pub const MEMBERS_MAX: usize = 50;
/// Charges on one lot of a settlement.
pub const CHARGES_MAX: usize = 16;
/// Characters of names of parties, places, products, channels, and of reasons.
pub const LABEL_MAX: usize = 100;
/// Characters of people's numbers and codes.
pub const NUMBER_MAX: usize = 64;
/// Characters of a grade.
pub const GRADE_MAX: usize = 16;

/// What was found wrong so far, and what the command will create.
#[derive(Debug, Default)]
pub(crate) struct Check {
    found: Vec<Violation>,
    /// The day of the request's occasion, once it is read: which divisions there are depends on it.
    day: Option<BusinessDate>,
    pub(crate) created: Created,
}

impl Check {
    /// The checked value, or everything that is wrong. A value is missing only if something was found wrong.
    pub(crate) fn finish<T>(self, value: Option<T>) -> Result<(T, Created), Rejection> {
        match value {
            Some(value) if self.found.is_empty() => Ok((value, self.created)),
            _ => Err(Rejection::Invalid(self.found)),
        }
    }

    /// States what the command will create, for the answer.
    pub(crate) const fn creates(&mut self, kinds: &'static [EntityKind]) {
        self.created.kinds = kinds;
    }

    #[cold]
    pub(crate) fn wrong<T>(
        &mut self,
        at: FieldPath<'_>,
        fault: FieldFault,
        description: impl Into<String>,
    ) -> Option<T> {
        self.found.push(Violation::new(at.to_string(), fault, description));
        None
    }

    pub(crate) fn required<'a, T>(&mut self, at: FieldPath<'_>, value: Option<&'a T>) -> Option<&'a T> {
        if value.is_none() {
            return self.wrong(at, FieldFault::Required, "This field is required.");
        }
        value
    }

    pub(crate) fn request_id(&mut self, at: FieldPath<'_>, text: &str) -> Option<RequestId> {
        if text.is_empty() {
            return self.wrong(at, FieldFault::Required, "A UUID of version 4, 7 or 8 is required.");
        }
        match RequestId::parse(text) {
            Ok(id) => Some(id),
            Err(error @ IdError::Version) => self.wrong(at, FieldFault::UuidVersion, error.to_string()),
            Err(error @ (IdError::NotAUuid | IdError::Nil)) => self.wrong(at, FieldFault::NotAUuid, error.to_string()),
        }
    }

    pub(crate) fn id<T>(&mut self, at: FieldPath<'_>, text: &str, parse: fn(&str) -> Result<T, IdError>) -> Option<T> {
        if text.is_empty() {
            return self.wrong(at, FieldFault::Required, "A UUID is required.");
        }
        match parse(text) {
            Ok(id) => Some(id),
            Err(error) => self.wrong(at, FieldFault::NotAUuid, error.to_string()),
        }
    }

    /// Empty means none.
    #[expect(clippy::option_option, reason = "outer: acceptable or not; inner: there or not")]
    pub(crate) fn optional_id<T>(
        &mut self,
        at: FieldPath<'_>,
        text: &str,
        parse: fn(&str) -> Result<T, IdError>,
    ) -> Option<Option<T>> {
        if text.is_empty() { Some(None) } else { self.id(at, text, parse).map(Some) }
    }

    pub(crate) fn word<W: Word>(&mut self, at: FieldPath<'_>, number: i32) -> Option<W> {
        match W::from_number(number) {
            Some(word) => Some(word),
            None if number == 0 => self.wrong(at, FieldFault::Required, "This field must not be unspecified."),
            None => self.wrong(at, FieldFault::UnknownValue, format!("{number} is not known here.")),
        }
    }

    /// A quantity above zero.
    pub(crate) fn quantity(&mut self, at: FieldPath<'_>, quantity: Option<&pb::Quantity>) -> Option<Measure> {
        let quantity = self.required(at, quantity)?;
        let (measure, value) = (self.measure(at, quantity), at.field("value"));
        if quantity.value <= 0 {
            return self.wrong(value, FieldFault::NotPositive, "The quantity must be positive.");
        }
        measure
    }

    /// A quantity of zero or more; absent means zero in the base unit of `like`, which is `None` if that was wrong.
    pub(crate) fn deduction(
        &mut self,
        at: FieldPath<'_>,
        quantity: Option<&pb::Quantity>,
        like: Option<Measure>,
    ) -> Option<Measure> {
        let Some(quantity) = quantity else {
            return like.map(|like| Measure { quantity: Quantity::ZERO, base: like.base });
        };
        let measure = self.measure(at, quantity);
        if quantity.value < 0 {
            return self.wrong(at.field("value"), FieldFault::Negative, "The quantity must not be negative.");
        }
        measure
    }

    fn measure(&mut self, at: FieldPath<'_>, quantity: &pb::Quantity) -> Option<Measure> {
        let unit: Unit = self.word(at.field("unit"), quantity.unit)?;
        match quantity.value.checked_mul(unit.factor()) {
            Some(base_units) if base_units <= Quantity::MAX.0 => {
                Some(Measure { quantity: Quantity(base_units), base: unit.base() })
            }
            _ => self.wrong(at.field("value"), FieldFault::OutOfRange, "At most 10^12 base units can be named."),
        }
    }

    /// Grams, above zero.
    pub(crate) fn weight(&mut self, at: FieldPath<'_>, grams: u64) -> Option<LineWeight> {
        match i64::try_from(grams) {
            Ok(0) => self.wrong(at, FieldFault::NotPositive, "The weight must be positive."),
            Ok(grams) if grams <= Quantity::MAX.0 => Some(LineWeight { grams }),
            Ok(_) | Err(_) => self.wrong(at, FieldFault::OutOfRange, "At most 10^12 grams."),
        }
    }

    pub(crate) fn price(&mut self, at: FieldPath<'_>, price: Option<&pb::UnitPrice>) -> Option<UnitPrice> {
        let price = self.required(at, price)?;
        let per = self.word(at.field("per"), price.per);
        if price.e4 < 0 {
            return self.wrong(at.field("e4"), FieldFault::Negative, "A price must not be negative.");
        }
        if price.e4 > UnitPrice::MAX_E4 {
            return self.wrong(
                at.field("e4"),
                FieldFault::OutOfRange,
                "A price is at most 10^12 ten-thousandths of a yuan.",
            );
        }
        Some(UnitPrice { e4: price.e4, per: per? })
    }

    /// An amount above zero.
    pub(crate) fn amount(&mut self, at: FieldPath<'_>, fen: i64) -> Option<Money> {
        if fen <= 0 {
            self.wrong(at, FieldFault::NotPositive, "The amount must be positive.")
        } else {
            self.cost(at, fen)
        }
    }

    /// An amount of zero or more.
    pub(crate) fn cost(&mut self, at: FieldPath<'_>, fen: i64) -> Option<Money> {
        if fen < 0 {
            return self.wrong(at, FieldFault::Negative, "The amount must not be negative.");
        }
        if fen > Money::MAX.0 {
            return self.wrong(at, FieldFault::OutOfRange, "At most 10^13 fen can be named.");
        }
        Some(Money(fen))
    }

    pub(crate) fn date(&mut self, at: FieldPath<'_>, text: &str) -> Option<BusinessDate> {
        if text.is_empty() {
            return self.wrong(at, FieldFault::Required, "A date YYYY-MM-DD is required.");
        }
        match BusinessDate::parse(text) {
            Ok(date) => Some(date),
            Err(error @ (DateError::Form | DateError::NoSuchDay)) => {
                self.wrong(at, FieldFault::MalformedDate, error.to_string())
            }
            Err(error @ DateError::OutOfRange) => self.wrong(at, FieldFault::OutOfRange, error.to_string()),
        }
    }

    /// A code of the right form that can be taken on the day of the occasion, which is read first.
    pub(crate) fn division(&mut self, at: FieldPath<'_>, text: &str) -> Option<DivisionCode> {
        if text.is_empty() {
            return self.wrong(at, FieldFault::Required, "A division code of 6, 9 or 12 digits is required.");
        }
        match DivisionCode::parse(text) {
            // One unit goes by one code on a day, whichever of its codes was sent.
            Ok(code) if divisions::exists(code, self.day) => Some(self.day.map_or(code, |day| code.on(day))),
            Ok(_) => self.wrong(at, FieldFault::UnknownDivision, "There is no such division, or not on that day."),
            Err(error) => self.wrong(at, FieldFault::MalformedDivision, error.to_string()),
        }
    }

    /// A county; empty means none.
    #[expect(clippy::option_option, reason = "outer: acceptable or not; inner: there or not")]
    pub(crate) fn optional_county(&mut self, at: FieldPath<'_>, text: &str) -> Option<Option<CountyCode>> {
        if text.is_empty() {
            return Some(None);
        }
        match CountyCode::parse(text) {
            Ok(county) => Some(Some(county)),
            Err(_) => self.wrong(at, FieldFault::MalformedCounty, "A county code has six digits (GB/T 2260)."),
        }
    }

    /// A SHA-256; empty means none.
    #[expect(clippy::option_option, reason = "outer: acceptable or not; inner: there or not")]
    pub(crate) fn optional_hash(&mut self, at: FieldPath<'_>, hash: &[u8]) -> Option<Option<[u8; 32]>> {
        if hash.is_empty() {
            return Some(None);
        }
        match <[u8; 32]>::try_from(hash) {
            Ok(hash) => Some(Some(hash)),
            Err(_) => self.wrong(at, FieldFault::HashLength, "A hash has 32 bytes."),
        }
    }

    /// Every item of a list of `least..=most`; `None` if one of them is wrong.
    pub(crate) fn list<T, U>(
        &mut self,
        at: FieldPath<'_>,
        items: &[T],
        (least, most): (usize, usize),
        mut read: impl FnMut(&mut Self, FieldPath<'_>, &T) -> Option<U>,
    ) -> Option<Vec<U>> {
        if items.len() < least {
            return self.wrong(at, FieldFault::Required, format!("At least {least} needed."));
        }
        if items.len() > most {
            return self.wrong(
                at,
                FieldFault::TooMany,
                format!("At most {most} are accepted, {} were sent.", items.len()),
            );
        }
        let mut out = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            // Goes on after a wrong one: its neighbours may be wrong too.
            out.extend(read(self, at.item(index), item));
        }
        (out.len() == items.len()).then_some(out)
    }

    /// An index below the greatest number of lines.
    pub(crate) fn line(&mut self, at: FieldPath<'_>, line: u32) -> Option<u32> {
        if usize::try_from(line).is_ok_and(|line| line < LINES_MAX) {
            return Some(line);
        }
        self.wrong(at, FieldFault::OutOfRange, format!("A line's index is below {LINES_MAX}."))
    }

    pub(crate) fn positions(&mut self, at: FieldPath<'_>, positions: &[pb::Position]) -> Option<Vec<Position>> {
        self.list(at, positions, (0, POSITIONS_MAX), |check, at, position| {
            let stream = match StreamId::parse(&position.stream) {
                Ok(stream) => Some(stream),
                Err(error) => check.wrong(at.field("stream"), FieldFault::MalformedStream, error.to_string()),
            };
            if position.sequence == 0 {
                check.wrong::<()>(at.field("sequence"), FieldFault::Required, "Sequences begin with 1.");
            }
            match <[u8; 32]>::try_from(position.hash.as_slice()) {
                Ok(hash) => Some(Position { stream: stream?, sequence: position.sequence, hash: Hash(hash) }),
                Err(_) => check.wrong(at.field("hash"), FieldFault::HashLength, "A hash has 32 bytes."),
            }
        })
    }

    pub(crate) fn occasion(&mut self, occasion: Option<&pb::Occasion>) -> Option<Occasion> {
        let at = at("occasion");
        let occasion = self.required(at, occasion)?;
        let business_date = self.date(at.field("business_date"), &occasion.business_date);
        self.day = business_date;
        let division = self.division(at.field("division_code"), &occasion.division_code);
        let occurred_at = match &occasion.occurred_at {
            None => Some(None),
            Some(instant) => self.instant(at.field("occurred_at"), *instant).map(Some),
        };
        let device_utc_offset_min = match occasion.device_utc_offset_min {
            None => Some(None),
            Some(minutes @ -1440..=1440) => i16::try_from(minutes).ok().map(Some),
            Some(_) => {
                self.wrong(at.field("device_utc_offset_min"), FieldFault::OutOfRange, "Between -1440 and 1440 minutes.")
            }
        };
        Some(Occasion {
            business_date: business_date?,
            occurred_at: occurred_at?,
            device_utc_offset_min: device_utc_offset_min?,
            division: division?,
        })
    }

    /// Years 1 to 9999, as `google.protobuf.Timestamp` says.
    fn instant(&mut self, at: FieldPath<'_>, instant: prost_types::Timestamp) -> Option<Timestamp> {
        let nanos = u32::try_from(instant.nanos).ok().filter(|nanos| *nanos < 1_000_000_000);
        match (instant.seconds, nanos) {
            (seconds @ -62_135_596_800..=253_402_300_799, Some(nanos)) => Some(Timestamp { seconds, nanos }),
            _ => self.wrong(at, FieldFault::OutOfRange, "Not an instant of the years 1 to 9999."),
        }
    }

    pub(crate) fn terms(&mut self, at: FieldPath<'_>, terms: Option<&pb::ContractTerms>) -> Option<ContractTerms> {
        use pb::contract_terms::Terms;
        let terms = self.required(at, terms)?;
        match self.required(at, terms.terms.as_ref())? {
            Terms::Outright(terms) => {
                let price = self.price(at.field("outright").field("price"), terms.price.as_ref());
                Some(ContractTerms::Outright { price: price? })
            }
            Terms::AgreedPrice(terms) => {
                let price = self.price(at.field("agreed_price").field("price"), terms.price.as_ref());
                Some(ContractTerms::AgreedPrice { price: price? })
            }
            Terms::Commission(terms) => {
                let at = at.field("commission");
                let price_basis = match &terms.price_basis {
                    None => Some(None),
                    Some(price) => self.price(at.field("price_basis"), Some(price)).map(Some),
                };
                if terms.commission_bp > 10_000 {
                    return self.wrong(
                        at.field("commission_bp"),
                        FieldFault::OutOfRange,
                        "At most 10000 basis points.",
                    );
                }
                Some(ContractTerms::Commission { commission_bp: terms.commission_bp, price_basis: price_basis? })
            }
        }
    }
}

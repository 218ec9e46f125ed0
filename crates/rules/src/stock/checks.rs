//! What is checked of every request: its form, that what it names exists, and the days of what it rests on.

use core::fmt::Display;

use loopledger_types::{BaseUnit, BusinessDate, EntityKind, Money, PartyId, PlaceId, ProductId, Quantity, UnitPrice};

use super::{Holder, Party, Place};
use crate::{Context, FieldFault, Measure, Occasion, PartyRef, Rejection, State, Violation};

/// Collects what is wrong with a request, so that the caller learns of all of it at once, and the days of what it rests on.
#[derive(Debug)]
pub struct Checks {
    day: BusinessDate,
    violations: Vec<Violation>,
    /// The latest day of what the command rests on, and what that is.
    latest: Option<(BusinessDate, String)>,
}

impl Checks {
    pub fn new(occasion: &Occasion, context: &Context) -> Self {
        let mut checks = Self { day: occasion.business_date, violations: Vec::new(), latest: None };
        let today = BusinessDate::of(context.now);
        if occasion.business_date > today {
            let description = format!("The day is still to come: today is {today}.");
            checks.refuse("occasion.business_date", FieldFault::DateInFuture, description);
        }
        checks
    }

    /// The business date of the request.
    pub(super) const fn day(&self) -> BusinessDate {
        self.day
    }

    /// The measure must be in the product's unit; nothing is nothing in any unit.
    pub fn unit(&mut self, field: impl Into<String>, measure: Measure, counted_in: BaseUnit) {
        if measure.quantity != Quantity::ZERO {
            self.base(field, measure.base, counted_in);
        }
    }

    pub fn price_unit(&mut self, field: &str, price: UnitPrice, counted_in: BaseUnit) {
        self.base(field, price.per.base(), counted_in);
    }

    /// What the quantity comes to; zero, and a violation, if it passes [`Money::MAX`].
    pub fn amount(&mut self, field: &str, price: UnitPrice, quantity: Quantity) -> Money {
        let amount = price.amount(quantity).filter(|amount| *amount <= Money::MAX);
        amount.unwrap_or_else(|| {
            self.refuse(field, FieldFault::AmountTooLarge, "Price times quantity is more than an amount can be.");
            Money::ZERO
        })
    }

    pub fn freight(&mut self, freight: Money) {
        if freight < Money::ZERO {
            self.refuse("freight_fen", FieldFault::Negative, "Freight is not negative.");
        }
    }

    pub fn refuse(&mut self, field: impl Into<String>, fault: FieldFault, description: impl Into<String>) {
        self.violations.push(Violation::new(field, fault, description));
    }

    /// The command rests on `what`, which there is from `since` on.
    pub fn rests_on(&mut self, since: BusinessDate, what: impl Display) {
        if self.latest.as_ref().is_none_or(|(latest, _)| *latest < since) {
            self.latest = Some((since, what.to_string()));
        }
    }

    /// The request is well formed, and not dated before what it rests on.
    pub fn pass(&self) -> Result<(), Rejection> {
        if !self.violations.is_empty() {
            return Err(Rejection::Invalid(self.violations.clone()));
        }
        match &self.latest {
            Some((since, what)) if self.day < *since => Err(Rejection::too_early(what, *since)),
            Some(_) | None => Ok(()),
        }
    }

    fn base(&mut self, field: impl Into<String>, base: BaseUnit, counted_in: BaseUnit) {
        if base != counted_in {
            let description = format!("The product is counted in units of {counted_in:?}.");
            self.refuse(field, FieldFault::WrongUnit, description);
        }
    }
}

/// What was looked up, or that it does not exist.
pub fn found<T>(entity: Option<T>, kind: EntityKind, id: impl Display) -> Result<T, Rejection> {
    entity.ok_or_else(|| Rejection::NotFound { kind, id: id.to_string() })
}

/// What the command rests on: it exists, and the command is not dated before it.
impl Checks {
    pub fn party<'s, H: Holder>(&mut self, state: &'s State<H>, id: PartyId) -> Result<&'s Party, Rejection> {
        let party = found(state.party(id), EntityKind::Party, id)?;
        self.rests_on(party.since, id);
        Ok(party)
    }

    /// A party with its kind.
    pub fn party_ref<H: Holder>(&mut self, state: &State<H>, id: PartyId) -> Result<PartyRef, Rejection> {
        let party = self.party(state, id)?;
        Ok(PartyRef { id, kind: party.kind })
    }

    /// What the product is counted in.
    pub fn product<H: Holder>(&mut self, state: &State<H>, id: ProductId) -> Result<BaseUnit, Rejection> {
        let product = found(state.product(id), EntityKind::Product, id)?;
        self.rests_on(product.since, id);
        Ok(product.base)
    }

    /// An own place.
    pub fn place<'s, H: Holder>(&mut self, state: &'s State<H>, id: PlaceId) -> Result<&'s Place, Rejection> {
        let place = found(state.place(id), EntityKind::Place, id)?;
        self.rests_on(place.since, id);
        Ok(place)
    }

    /// A place of either holder.
    pub fn any_place<'s, H: Holder>(&mut self, state: &'s State<H>, id: PlaceId) -> Result<&'s Place, Rejection> {
        let place = found(state.place(id).or_else(|| state.other_place(id)), EntityKind::Place, id)?;
        self.rests_on(place.since, id);
        Ok(place)
    }
}

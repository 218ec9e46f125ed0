//! What a hand-over and a dispatch have in common: where goods go, who carries them, and which stock is taken.

use core::fmt::Display;
use std::collections::BTreeSet;

use loopledger_types::{BusinessDate, CountyCode, LotId, Money, PartyId, PlaceId, Quantity, Service};

use super::checks::Checks;
use super::moved::{Moved, weights};
use super::pick::{Picker, Shortage};
use super::{Holder, Key, LineWeight, Party, Place, Shelf};
use crate::{Direction, FieldFault, Measure, Missing, PartyKind, PartyRef, PlaceKind, Rejection, Rule, State};
use loopledger_facts::size::PICKS_MAX;
use loopledger_types::ProductId;

/// A line of a hand-over or dispatch: of one lot, or of the oldest lots of the principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MoveLine {
    pub product: ProductId,
    pub lot: Option<LotId>,
    pub quantity: Measure,
    /// What is not counted in grams, or comes in packaging, may state its weight: freight is split by it.
    pub weight: Option<LineWeight>,
}

/// The party can own goods in the loop.
pub fn trades(party: PartyRef) -> Result<PartyRef, Rejection> {
    if party.kind.trades() { Ok(party) } else { Err(Rejection::broken(Rule::PartyCannotTrade, party.id)) }
}

/// Where goods go, who carries them and whose they are.
#[derive(Debug)]
pub struct Route<'s> {
    pub from: &'s Place,
    pub principal: PartyRef,
    pub carrier: PartyRef,
    pub carrier_party: &'s Party,
    pub direction: Direction,
}

/// Checks the ends of a movement that begins at an own place.
pub fn route<'s, H: Holder>(
    state: &'s State<H>,
    checks: &mut Checks,
    (from, to): (PlaceId, PlaceId),
    (principal, carrier): (PartyId, PartyId),
) -> Result<Route<'s>, Rejection> {
    let origin = checks.place(state, from)?;
    let target = checks.any_place(state, to)?;
    let principal = checks.party_ref(state, principal)?;
    let carrier_party = checks.party(state, carrier)?;
    let carrier = PartyRef { id: carrier, kind: carrier_party.kind };
    if from == to {
        return Err(Rejection::broken(Rule::SamePlace, to));
    }
    trades(principal)?;
    if carrier.kind != PartyKind::Carrier {
        return Err(Rejection::broken(Rule::PartyNotCarrier, carrier.id));
    }
    let direction = direction(state.county, origin.kind, target);
    Ok(Route { from: origin, principal, carrier, carrier_party, direction })
}

/// 上行: out of a station or out of the county; 下行: into a station; all else stays local.
fn direction(county: CountyCode, from: PlaceKind, to: &Place) -> Direction {
    let station = |kind: PlaceKind| kind.holder() == Service::Station;
    match (station(from), station(to.kind)) {
        _ if to.division.county() != county => Direction::Up,
        (true, false) => Direction::Up,
        (false, true) => Direction::Down,
        (true, true) | (false, false) => Direction::Local,
    }
}

/// Picks what the lines of a hand-over or dispatch name.
pub fn moved<H: Holder>(
    state: &State<H>,
    mut checks: Checks,
    (from, principal): (PlaceId, PartyId),
    (lines, freight): (&[MoveLine], Money),
) -> Result<Moved, Rejection> {
    if lines.is_empty() {
        checks.refuse("lines", FieldFault::Required, "At least one line is needed.");
    }
    let mut bases = BTreeSet::new();
    for (index, line) in lines.iter().enumerate() {
        let product = checks.product(state, line.product)?;
        checks.unit(format!("lines[{index}].quantity"), line.quantity, product);
        bases.insert(product);
    }
    let weighed = freight.is_positive() && (bases.len() > 1 || lines.iter().any(|line| line.weight.is_some()));
    let weights = if weighed { weights(&mut checks, lines) } else { Vec::new() };
    checks.pass()?;
    let mut picker = Picker::merging(state, checks.day());
    let mut moved = Moved { lines: Vec::with_capacity(lines.len()), weights: Vec::new() };
    for (index, line) in lines.iter().enumerate() {
        let goods = Shelf { place: from, product: line.product, principal };
        let wanted = line.quantity.quantity;
        let limit = PICKS_MAX.saturating_sub(moved.lines.len());
        let picks = match line.lot {
            Some(lot) => picker
                .of_lot(&goods, lot, wanted, limit)
                .map_err(|short| lot_short(state, from, lot, wanted, short, limit)),
            None => picker.oldest(&goods, wanted, limit).map_err(|short| short_of(line.product, wanted, short, limit)),
        };
        moved.add(picks?, weights.get(index));
    }
    Ok(moved)
}

fn lot_short<H: Holder>(
    state: &State<H>,
    place: PlaceId,
    lot: LotId,
    wanted: Quantity,
    short: Shortage,
    limit: usize,
) -> Rejection {
    let mut cells = state.entities.index().of_lot(lot, place);
    if cells.any(|key| state.cell(key).is_some_and(|cell| cell.pending.is_positive())) {
        return Rejection::broken(Rule::LotPending, lot);
    }
    short_of(lot, wanted, short, limit)
}

/// `limit` is how many lots there was room for.
fn short_of(subject: impl Display, wanted: Quantity, short: Shortage, limit: usize) -> Rejection {
    match short {
        Shortage::Stock { available, earliest } => {
            let refused = Rejection::broken(Rule::InsufficientStock, subject);
            enough_on(refused.with("requested", wanted).with("available", available), earliest)
        }
        Shortage::Lots { available, fitting } => Rejection::broken(Rule::TooManyLots, subject)
            .with("requested", wanted)
            .with("available", available)
            .with("lots_max", limit)
            .with("quantity_max", fitting),
    }
}

/// There is less on the day than is wanted: says from when on there is enough, if ever.
pub(super) fn enough_on(refused: Rejection, earliest: Option<BusinessDate>) -> Rejection {
    match earliest {
        Some(earliest) => refused.with("earliest", earliest),
        None => refused,
    }
}

/// What moving goods from an own place needs.
pub fn ask_movement<H: Holder>(
    missing: &mut Missing<'_, H>,
    (from, to): (PlaceId, PlaceId),
    (principal, carrier): (PartyId, PartyId),
    lines: &[MoveLine],
) {
    missing.ask(Key::Place(from));
    missing.ask(Key::Place(to));
    missing.ask(Key::OtherPlace(to));
    missing.ask(Key::Party(principal));
    missing.ask(Key::Party(carrier));
    for line in lines {
        missing.ask(Key::Product(line.product));
    }
}

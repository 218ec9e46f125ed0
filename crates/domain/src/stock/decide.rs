//! Rules that both holders share: issuing, buying in, and what a hand-over and a dispatch have in common.

use core::fmt::Display;
use std::collections::BTreeSet;

use loopledger_types::{BusinessDate, CountyCode, IssueId, LotId, Money, PartyId, PlaceId, Quantity};

use super::checks::Checks;
use super::moved::{Moved, weights};
use super::pick::{Picker, Shortage, take_oldest, total};
use super::{
    BuyIn, GoodsBoughtIn, GoodsIssued, Holder, IssueGoods, MoveLine, OrderLineKey, Party, Place, Reservation,
    ReservationStatus, Shelf,
};
use crate::size::{ISSUE_LINES_MAX, PICKS_MAX};
use crate::{Context, Direction, PartyKind, PartyRef, PlaceKind, Rejection, Rule, State, StockLine, Title};

/// The party can own goods in the loop.
pub(crate) fn trades(party: PartyRef) -> Result<PartyRef, Rejection> {
    if party.kind.trades() { Ok(party) } else { Err(Rejection::broken(Rule::PartyCannotTrade, party.id)) }
}

/// Where goods go, who carries them and whose they are.
#[derive(Debug)]
pub(crate) struct Route<'s> {
    pub(crate) from: &'s Place,
    pub(crate) principal: PartyRef,
    pub(crate) carrier: PartyRef,
    pub(crate) carrier_party: &'s Party,
    pub(crate) direction: Direction,
}

/// Checks the ends of a movement that begins at an own place.
pub(crate) fn route<'s, H: Holder>(
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
    let station = |kind: PlaceKind| kind.holder() == loopledger_types::Service::Station;
    match (station(from), station(to.kind)) {
        _ if to.division.county() != county => Direction::Up,
        (true, false) => Direction::Up,
        (false, true) => Direction::Down,
        (true, true) | (false, false) => Direction::Local,
    }
}

/// Picks what the lines of a hand-over or dispatch name.
pub(crate) fn moved<H: Holder>(
    state: &State<H>,
    mut checks: Checks,
    (from, principal): (PlaceId, PartyId),
    (lines, freight): (&[MoveLine], Money),
) -> Result<Moved, Rejection> {
    if lines.is_empty() {
        checks.refuse("lines", "REQUIRED", "At least one line is needed.");
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

pub(super) fn plus(line: &StockLine, more: &StockLine) -> StockLine {
    let quantity = line.quantity.checked_add(more.quantity).expect("both lie in one cell");
    StockLine { quantity, ..*line }
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
fn enough_on(refused: Rejection, earliest: Option<BusinessDate>) -> Rejection {
    match earliest {
        Some(earliest) => refused.with("earliest", earliest),
        None => refused,
    }
}

/// Adds lines to others, each (lot, pool) once.
fn merge(into: &mut Vec<StockLine>, lines: impl IntoIterator<Item = StockLine>) {
    for line in lines {
        match into.iter_mut().find(|known| same_cell(known, &line)) {
            Some(known) => *known = plus(known, &line),
            None => into.push(line),
        }
    }
}

pub(super) fn same_cell(a: &StockLine, b: &StockLine) -> bool {
    (a.lot, a.pool) == (b.lot, b.pool)
}

/// Issues goods against an open reservation, at their actual quantity.
pub(crate) fn issue<H: Holder>(
    state: &State<H>,
    command: &IssueGoods,
    context: &Context,
) -> Result<GoodsIssued, Rejection> {
    let mut checks = Checks::new(&command.occasion, context);
    let key = OrderLineKey { order: command.order, line: command.line };
    let open = state.reservation(key).filter(|reservation| reservation.status == ReservationStatus::Open);
    let Some(reservation) = open else {
        checks.pass()?;
        return Err(enough_on(Rejection::broken(Rule::ReservationNotOpen, key), state.refused(key)));
    };
    let product = checks.product(state, reservation.product)?;
    checks.unit("quantity", command.quantity, product);
    let place = checks.place(state, reservation.place)?;
    checks.rests_on(reservation.reserved_on, key);
    checks.pass()?;
    checks.amount("quantity", reservation.price, command.quantity.quantity);
    checks.pass()?;
    let day = command.occasion.business_date;
    let Actual { issued, beyond, released } = actual(state, (reservation, key), command.quantity.quantity, day)?;
    Ok(GoodsIssued {
        occasion: command.occasion,
        issue: IssueId::derive(context.request_id, context.stream, 0),
        order: command.order,
        line: command.line,
        place: reservation.place,
        custodian: place.operator.id,
        seller: reservation.seller,
        buyer: reservation.buyer,
        issued,
        beyond,
        released,
    })
}

#[derive(Debug)]
struct Actual {
    issued: Vec<StockLine>,
    /// What of it was not reserved.
    beyond: Vec<StockLine>,
    /// What was reserved in vain.
    released: Vec<StockLine>,
}

/// Which stock the actual quantity is taken from. Beyond the reservation its own lots come first, then the oldest. A lot
/// of the reservation needs one more line then, another lot two: it is issued, and it was not reserved.
fn actual<H: Holder>(
    state: &State<H>,
    (reservation, key): (&Reservation, OrderLineKey),
    quantity: Quantity,
    day: BusinessDate,
) -> Result<Actual, Rejection> {
    let mut took = take_oldest(reservation.picks.iter().copied(), quantity, |_| 1, usize::MAX);
    if took.missing == Quantity::ZERO {
        let released = reservation.picks.iter().filter_map(|pick| rest_of(pick, &took.lines)).collect();
        return Ok(Actual { issued: took.lines, beyond: Vec::new(), released });
    }
    let goods = Shelf { place: reservation.place, product: reservation.product, principal: reservation.seller.id };
    let mut lots: Vec<LotId> = reservation.picks.iter().map(|pick| pick.lot).collect();
    lots.dedup();
    let mut picker = Picker::new(state, day);
    let (free, earliest) = (picker.free(&goods), picker.enough_on(&goods, took.missing));
    let room = ISSUE_LINES_MAX.saturating_sub(took.lines.len());
    let (mut beyond, missing) = picker.up_to(&goods, lots.into_iter(), took.missing, room);
    let others_max = room.saturating_sub(beyond.len()) / 2;
    let older = picker.oldest(&goods, missing, others_max).map_err(|short| {
        let reserved = total(reservation.picks.iter());
        let broken = |rule| {
            let rejection = Rejection::broken(rule, key).with("requested", quantity).with("reserved", reserved);
            rejection.with("available", free)
        };
        match short {
            Shortage::Stock { .. } => enough_on(broken(Rule::InsufficientStock), earliest),
            Shortage::Lots { fitting, .. } => {
                let lots_max = took.lines.len().saturating_add(others_max);
                let quantity_max = total(took.lines.iter().chain(&beyond)).0.saturating_add(fitting.0);
                broken(Rule::TooManyLots).with("lots_max", lots_max).with("quantity_max", quantity_max)
            }
        }
    })?;
    merge(&mut beyond, older);
    merge(&mut took.lines, beyond.iter().copied());
    Ok(Actual { issued: took.lines, beyond, released: Vec::new() })
}

/// What of a pick was not taken.
fn rest_of(pick: &StockLine, taken: &[StockLine]) -> Option<StockLine> {
    let taken = taken.iter().find(|line| same_cell(line, pick)).map_or(0, |line| line.quantity.0);
    let rest = Quantity(pick.quantity.0.saturating_sub(taken));
    rest.is_positive().then_some(StockLine { quantity: rest, ..*pick })
}

/// Takes in goods from outside, as a new lot of one pool.
pub(crate) fn buy_in<H: Holder>(
    state: &State<H>,
    command: &BuyIn,
    context: &Context,
) -> Result<GoodsBoughtIn, Rejection> {
    let mut checks = Checks::new(&command.occasion, context);
    let place = checks.place(state, command.place)?;
    let owner = checks.party_ref(state, command.owner)?;
    let outside = checks.party(state, command.supplier)?;
    let product = checks.product(state, command.product)?;
    let quantity = command.quantity.quantity;
    checks.unit("quantity", command.quantity, product);
    checks.price_unit("price", command.price, product);
    let amount = checks.amount("price", command.price, quantity);
    checks.pass()?;
    let owner = trades(owner)?;
    if outside.kind != PartyKind::Supplier {
        return Err(Rejection::broken(Rule::PartyNotSupplier, command.supplier));
    }
    let line = StockLine {
        lot: LotId::derive(context.request_id, context.stream, 0),
        pool: 0,
        product: command.product,
        title: Title::Owned { owner },
        collected_on: command.occasion.business_date,
        quantity,
    };
    Ok(GoodsBoughtIn {
        occasion: command.occasion,
        place: command.place,
        custodian: place.operator.id,
        line,
        owner,
        supplier: PartyRef { id: command.supplier, kind: outside.kind },
        supplier_division: outside.division_on(command.occasion.business_date),
        price: command.price,
        amount,
        lot_label: command.lot_label.clone(),
    })
}

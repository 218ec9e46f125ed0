//! What producers are owed for consigned goods that were sold.
//!
//! What is due does not depend on when it is settled. Whose goods were sold is `shares(sold) − shares(settled before)`;
//! what they brought is each sale's amount, divided among its own goods; and commission and agreed price are those of all
//! that is settled of a receipt, over all its lots, less what was booked before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use loopledger_facts::sales::{ConsignmentSettled, OrderFulfilled, SettledLine};
use loopledger_facts::size::settlement_fits;
use loopledger_facts::station::GoodsCollected;
use loopledger_facts::{Charge, Occasion, Origin, PartyRef, SettlementMode, Terms, Title};
use loopledger_rules::stock::Checks;
use loopledger_rules::{ApplyUpstream, Context, Decide, Evolve, FieldFault, Missing, Rejection, Rule, State};
use loopledger_types::{
    BusinessDate, LotId, Money, PartyId, ProductId, Quantity, ReceiptId, SettlementId, largest_remainder, shares,
};

use crate::reference::party;
use crate::state::PoolKey;
use crate::{Entity, Key, Sales, SalesState as _};

/// Creates a settlement (`SettlementId` index 0) of what was sold of these lots since the last one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettleConsignment {
    pub occasion: Occasion,
    pub consignee: PartyId,
    pub lots: Vec<SettleLot>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettleLot {
    pub lot: LotId,
    /// Costs passed on, split over the lot's producers by quantity.
    pub charges: Vec<Charge>,
}

/// The consigned pools of a lot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lot {
    pub product: ProductId,
    pub pools: Arc<[ConsignedPool]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsignedPool {
    /// Its index within the lot.
    pub pool: u16,
    pub consignee: PartyRef,
    pub mode: SettlementMode,
    /// In the lot's order, which decides ties.
    pub origins: Arc<[Origin]>,
}

/// What was sold of a consigned pool, and what of that is still to be settled.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// In the lot's unit, so far.
    pub sold: Quantity,
    /// Whether several producers share the pool.
    pub shared: bool,
    /// The end of what was sold, oldest first. Of a shared pool each sale, since each is divided among its producers on
    /// its own; of any other their sum.
    pub unsettled: Vec<Sale>,
}

/// Goods of a pool that were sold, and what they brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sale {
    pub quantity: Quantity,
    pub amount: Money,
    /// The last day on which any of it was sold: it is not settled before.
    pub until: BusinessDate,
}

/// What was settled of a receipt so far, over all its lots: what its producer is due follows from these sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settled {
    /// In the receipt's unit.
    pub source_quantity: Quantity,
    pub gross: Money,
}

impl Tally {
    /// How much of what was sold is settled.
    pub fn settled(&self) -> Option<Quantity> {
        self.unsettled.iter().try_fold(self.sold, |settled, sale| settled.checked_sub(sale.quantity))
    }
}

impl Settled {
    /// The same, and the line.
    pub(crate) fn with(self, line: &SettledLine) -> Self {
        Self { source_quantity: plus(self.source_quantity, line.source_quantity), gross: sum(self.gross, line.gross) }
    }
}

impl Decide<Sales> for SettleConsignment {
    type Fact = ConsignmentSettled;

    fn keys(&self, missing: &mut Missing<'_, Sales>) {
        missing.ask(Key::Party(self.consignee));
        for lot in &self.lots {
            missing.ask(Key::Lot(lot.lot));
            for pool in missing.state().lot(lot.lot).map_or(&[][..], |known| &known.pools) {
                missing.ask(Key::Tally(PoolKey { lot: lot.lot, pool: pool.pool }));
                missing.ask_all(pool.origins.iter().map(|origin| Key::Settled(origin.receipt)));
            }
        }
    }

    fn decide(&self, state: &State<Sales>, context: &Context) -> Result<ConsignmentSettled, Rejection> {
        let mut checks = Checks::new(&self.occasion, context);
        let consignee = party(&mut checks, state, self.consignee)?;
        let mut seen = BTreeSet::new();
        for (index, lot) in self.lots.iter().enumerate() {
            if !seen.insert(lot.lot) {
                checks.refuse(format!("lots[{index}].lot_id"), FieldFault::Duplicate, "This lot is named twice.");
            }
        }
        for lot in &self.lots {
            for until in sold_until(state, lot.lot, consignee) {
                checks.rests_on(until, lot.lot);
            }
        }
        checks.pass()?;
        let mut receipts = BTreeMap::new();
        let mut settled = ConsignmentSettled {
            occasion: self.occasion,
            settlement: SettlementId::derive(context.request_id, context.stream, 0),
            consignee,
            lines: Vec::new(),
        };
        for (fitting, lot) in self.lots.iter().enumerate() {
            settle_lot(state, consignee, lot, &mut receipts, &mut settled.lines)?;
            if !settlement_fits(&settled) {
                return Err(Rejection::broken(Rule::TooLarge, lot.lot).with("lots_max", fitting));
            }
        }
        if settled.lines.is_empty() {
            return Err(Rejection::broken(Rule::NothingToSettle, consignee.id));
        }
        Ok(settled)
    }
}

/// When what is settled of the lot was sold: nothing is settled before.
fn sold_until(state: &State<Sales>, lot: LotId, consignee: PartyRef) -> impl Iterator<Item = BusinessDate> {
    let pools = state.lot(lot).map_or(&[][..], |lot| &lot.pools);
    let pools = pools.iter().filter(move |pool| pool.consignee.id == consignee.id);
    let tallies = pools.filter_map(move |pool| state.tally(PoolKey { lot, pool: pool.pool }));
    tallies.flat_map(|tally| tally.unsettled.iter().map(|sale| sale.until))
}

/// Adds a line for each producer of the lot of whose goods something was sold since the last settlement. `receipts` is
/// what is settled of each after the lines so far.
fn settle_lot(
    state: &State<Sales>,
    consignee: PartyRef,
    command: &SettleLot,
    receipts: &mut BTreeMap<ReceiptId, Settled>,
    lines: &mut Vec<SettledLine>,
) -> Result<(), Rejection> {
    let broken = |rule| Rejection::broken(rule, command.lot);
    let lot = state.lot(command.lot).ok_or_else(|| broken(Rule::NotConsigned))?;
    let mut sold = Vec::new();
    let mut found = false;
    for pool in lot.pools.iter().filter(|pool| pool.consignee.id == consignee.id) {
        found = true;
        // Holders never issue more than there is, so this fails on no log that the services wrote.
        sold.extend(sold_of(state, command.lot, pool).ok_or_else(|| broken(Rule::NothingToSettle))?);
    }
    if !found {
        return Err(broken(Rule::NotConsigned));
    }
    let quantities: Vec<i64> = sold.iter().map(|part| part.quantity.0).collect();
    let charges = split(&command.charges, &quantities).ok_or_else(|| broken(Rule::ChargesExceedSale))?;
    for (part, charges) in sold.into_iter().zip(charges) {
        let receipt = part.origin.receipt;
        let settled = receipts.entry(receipt).or_insert_with(|| state.settled(receipt));
        let line = line((lot.product, command.lot), &part, *settled, charges);
        let line = line.ok_or_else(|| broken(Rule::ChargesExceedSale))?;
        *settled = settled.with(&line);
        lines.push(line);
    }
    Ok(())
}

/// What of one origin was sold since the last settlement, and for how much.
struct SoldPart<'s> {
    pool: &'s ConsignedPool,
    origin: &'s Origin,
    quantity: Quantity,
    source_quantity: Quantity,
    gross: Money,
}

/// `None` if more was sold than the pool ever had.
fn sold_of<'s>(state: &State<Sales>, lot: LotId, pool: &'s ConsignedPool) -> Option<Vec<SoldPart<'s>>> {
    let Some(tally) = state.tally(PoolKey { lot, pool: pool.pool }) else { return Some(Vec::new()) };
    let originals: Vec<i64> = pool.origins.iter().map(|origin| origin.quantity.0).collect();
    let settled = shares(tally.settled()?.0, &originals)?;
    let (mut upto, mut sold) = (tally.settled()?, settled.clone());
    let mut gross = vec![Money::ZERO; originals.len()];
    for sale in &tally.unsettled {
        upto = upto.checked_add(sale.quantity)?;
        let now = shares(upto.0, &originals)?;
        let weights: Vec<i64> =
            now.iter().zip(&sold).map(|(now, before)| now.checked_sub(*before)).collect::<Option<_>>()?;
        for (sum, part) in gross.iter_mut().zip(largest_remainder(sale.amount.0, &weights)?) {
            *sum = sum.checked_add(Money(part))?;
        }
        sold = now;
    }
    let mut parts = Vec::new();
    for (((origin, before), now), gross) in pool.origins.iter().zip(settled).zip(sold).zip(gross) {
        let quantity = Quantity(now.checked_sub(before)?);
        if quantity.is_positive() {
            let source_quantity = Quantity(source_of(origin, now)?.checked_sub(source_of(origin, before)?)?);
            parts.push(SoldPart { pool, origin, quantity, source_quantity, gross });
        }
    }
    Some(parts)
}

/// How much of the origin's source quantity the first `sold` units of it are: rounded down, and all of it in the end.
fn source_of(origin: &Origin, sold: i64) -> Option<i64> {
    let source = i128::from(sold).checked_mul(i128::from(origin.source_quantity.0))?;
    i64::try_from(source.checked_div(i128::from(origin.quantity.0))?).ok()
}

/// Each charge, split over the parts by quantity; the charges of each part, without those that come to nothing.
/// `None` if there is a charge and nothing to split it over.
fn split(charges: &[Charge], quantities: &[i64]) -> Option<Vec<Vec<Charge>>> {
    let mut split: Vec<Vec<Charge>> = vec![Vec::new(); quantities.len()];
    for charge in charges {
        let amounts = largest_remainder(charge.amount.0, quantities)?;
        for (part, amount) in split.iter_mut().zip(amounts) {
            if amount > 0 {
                part.push(Charge { kind: charge.kind, amount: Money(amount) });
            }
        }
    }
    Some(split)
}

/// `None` if nothing would be left for the producer, and less. `settled` is what was settled of the receipt before.
fn line(
    (product, lot): (ProductId, LotId),
    part: &SoldPart<'_>,
    settled: Settled,
    charges: Vec<Charge>,
) -> Option<SettledLine> {
    let commission = match part.origin.terms {
        Terms::Commission { commission_bp, .. } => {
            let in_all = settled.gross.checked_add(part.gross)?.basis_points(commission_bp)?;
            in_all.checked_sub(settled.gross.basis_points(commission_bp)?)?
        }
        Terms::AgreedPrice { price, .. } | Terms::Outright { price, .. } => {
            let in_all = price.amount(settled.source_quantity.checked_add(part.source_quantity)?)?;
            part.gross.checked_sub(in_all.checked_sub(price.amount(settled.source_quantity)?)?)?
        }
    };
    let left = part.gross.checked_sub(commission)?;
    let net = charges.iter().try_fold(left, |left, charge| left.checked_sub(charge.amount))?;
    (net >= Money::ZERO).then_some(SettledLine {
        lot,
        pool: part.pool.pool,
        receipt: part.origin.receipt,
        producer: part.origin.producer,
        producer_division: part.origin.division,
        product,
        mode: part.pool.mode,
        quantity: part.quantity,
        source_quantity: part.source_quantity,
        gross: part.gross,
        commission,
        charges,
        net,
    })
}

/// A lot of one origin, hence of one pool.
impl ApplyUpstream<Sales> for GoodsCollected {
    fn keys(&self, _: &mut Missing<'_, Sales>) {}

    fn apply_upstream(&self, state: &mut State<Sales>) {
        if let Title::Consigned { consignee, mode } = self.origin.terms.title() {
            let pool = ConsignedPool { pool: 0, consignee, mode, origins: Arc::new([self.origin]) };
            let lot = Lot { product: self.product, pools: Arc::new([pool]) };
            state.entities.put_reference(Key::Lot(self.lot), Entity::Lot(Box::new(lot)));
        }
    }
}

/// Counts what was sold of consigned pools, until it is settled.
pub(crate) fn sold(state: &mut State<Sales>, event: &OrderFulfilled) {
    for part in &event.parts {
        if matches!(part.stock.title, Title::Consigned { .. }) {
            let key = PoolKey { lot: part.stock.lot, pool: part.stock.pool };
            let mut tally = state.tally(key).cloned().unwrap_or_default();
            tally.shared = part.shared;
            let until = event.occasion.business_date;
            let sale = Sale { quantity: part.stock.quantity, amount: part.amount, until };
            tally.sold = plus(tally.sold, sale.quantity);
            match tally.unsettled.last_mut() {
                Some(last) if !part.shared => {
                    last.quantity = plus(last.quantity, sale.quantity);
                    last.amount = sum(last.amount, sale.amount);
                    last.until = last.until.max(until);
                }
                Some(_) | None => tally.unsettled.push(sale),
            }
            state.entities.put(Key::Tally(key), Entity::Tally(tally));
        }
    }
}

impl Evolve<Sales> for ConsignmentSettled {
    fn keys(&self, missing: &mut Missing<'_, Sales>) {
        for line in &self.lines {
            missing.ask(Key::Tally(PoolKey { lot: line.lot, pool: line.pool }));
            missing.ask(Key::Settled(line.receipt));
        }
    }

    fn evolve(&self, state: &mut State<Sales>) {
        for line in &self.lines {
            let key = PoolKey { lot: line.lot, pool: line.pool };
            if let Some(tally) = state.tally(key).filter(|tally| !tally.unsettled.is_empty()) {
                let tally = Tally { unsettled: Vec::new(), ..*tally };
                state.entities.put(Key::Tally(key), Entity::Tally(tally));
            }
            let before = state.settled(line.receipt);
            state.entities.put(Key::Settled(line.receipt), Entity::Settled(before.with(line)));
        }
    }
}

fn plus(a: Quantity, b: Quantity) -> Quantity {
    a.checked_add(b).expect("quantities of one lot or receipt stay far below 2^63")
}

fn sum(a: Money, b: Money) -> Money {
    a.checked_add(b).expect("amounts of one lot or receipt stay far below 2^63")
}

//! What producers are owed for consigned goods that were sold.
//!
//! What is due does not depend on when it is settled. Whose goods were sold is `shares(sold) − shares(settled before)`;
//! what they brought is each sale's amount, divided among its own goods; and commission and agreed price are those of all
//! that is settled of a receipt, over all its lots, less what was booked before.

use std::collections::{BTreeMap, BTreeSet};

use loopledger_types::{
    BusinessDate, LotId, Money, ProductId, Quantity, ReceiptId, SettlementId, largest_remainder, shares,
};

use super::party;
use crate::sales::{
    ConsignedPool, ConsignmentSettled, PoolKey, Sales, SettleConsignment, SettleLot, Settled, SettledLine,
};
use crate::stock::Checks;
use crate::{Charge, Context, Origin, PartyRef, Rejection, Rule, State, Terms, size};

pub(super) fn settle(
    state: &State<Sales>,
    command: &SettleConsignment,
    context: &Context,
) -> Result<ConsignmentSettled, Rejection> {
    let mut checks = Checks::new(&command.occasion, context);
    let consignee = party(&mut checks, state, command.consignee)?;
    let mut seen = BTreeSet::new();
    for (index, lot) in command.lots.iter().enumerate() {
        if !seen.insert(lot.lot) {
            checks.refuse(format!("lots[{index}].lot_id"), "DUPLICATE", "This lot is named twice.");
        }
    }
    for lot in &command.lots {
        for until in sold_until(state, lot.lot, consignee) {
            checks.rests_on(until, lot.lot);
        }
    }
    checks.pass()?;
    let mut receipts = BTreeMap::new();
    let mut settled = ConsignmentSettled {
        occasion: command.occasion,
        settlement: SettlementId::derive(context.request_id, context.stream, 0),
        consignee,
        lines: Vec::new(),
    };
    for (fitting, lot) in command.lots.iter().enumerate() {
        settle_lot(state, consignee, lot, &mut receipts, &mut settled.lines)?;
        if !size::settlement_fits(&settled) {
            return Err(Rejection::broken(Rule::TooLarge, lot.lot).with("lots_max", fitting));
        }
    }
    if settled.lines.is_empty() {
        return Err(Rejection::broken(Rule::NothingToSettle, consignee.id));
    }
    Ok(settled)
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
    let mut consigned = false;
    for pool in lot.pools.iter().filter(|pool| pool.consignee.id == consignee.id) {
        consigned = true;
        // Holders never issue more than there is, so this fails on no log that the services wrote.
        sold.extend(sold_of(state, command.lot, pool).ok_or_else(|| broken(Rule::NothingToSettle))?);
    }
    if !consigned {
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

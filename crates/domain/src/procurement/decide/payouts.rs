//! Payments out, and those that did not arrive.

use std::borrow::Cow;

use loopledger_types::{BusinessDate, EntityKind, MemberId, Money, PayableId, PayoutId};

use super::party;
use crate::procurement::{FailPayout, MakePayout, Party, Payable, PayoutFailed, PayoutItem, PayoutMade, Procurement};
use crate::size::PAYOUT_ITEMS_MAX;
use crate::stock::{Checks, found};
use crate::{ByDay, Context, Rejection, Rule, State};

pub(super) fn make(
    state: &State<Procurement>,
    command: &MakePayout,
    context: &Context,
) -> Result<PayoutMade, Rejection> {
    let mut checks = Checks::new(&command.occasion, context);
    let (payer, _) = party(&mut checks, state, command.payer)?;
    let (payee, payee_party) = party(&mut checks, state, command.payee)?;
    named(&mut checks, state, command)?;
    checks.pass()?;
    let day = command.occasion.business_date;
    if let Some(member) = command.received_by {
        belongs(payee_party, member, day)?;
    }
    let items = items(state, command)?;
    if items.len() > PAYOUT_ITEMS_MAX {
        return Err(Rejection::broken(Rule::TooLarge, payee.id).with("items_max", PAYOUT_ITEMS_MAX));
    }
    let amount = items.iter().map(|item| i128::from(item.amount.0)).sum::<i128>();
    let Some(amount) = i64::try_from(amount).ok().filter(|amount| *amount <= Money::MAX.0) else {
        let description = format!("{amount} fen are owed: state an amount of at most {} fen.", Money::MAX.0);
        return Err(Rejection::invalid("amount_fen", "AMOUNT_TOO_LARGE", description));
    };
    Ok(PayoutMade {
        occasion: command.occasion,
        payout: PayoutId::derive(context.request_id, context.stream, 0),
        payer,
        payee,
        payee_division: payee_party.division_on(day),
        amount: Money(amount),
        items,
        method: command.method,
        proof_hash: command.proof_hash,
        received_by: command.received_by,
    })
}

pub(super) fn fail(
    state: &State<Procurement>,
    command: &FailPayout,
    context: &Context,
) -> Result<PayoutFailed, Rejection> {
    let mut checks = Checks::new(&command.occasion, context);
    checks.pass()?;
    let payout = found(state.payout(command.payout), EntityKind::Payout, command.payout)?;
    if payout.failed {
        return Err(Rejection::broken(Rule::PayoutAlreadyFailed, command.payout));
    }
    checks.rests_on(payout.made.occasion.business_date, command.payout);
    checks.pass()?;
    Ok(PayoutFailed { occasion: command.occasion, reason: command.reason.clone(), original: payout.made.clone() })
}

/// Every payable that is named exists, once, between these two, and what is open of it was owed by that day.
fn named(checks: &mut Checks, state: &State<Procurement>, command: &MakePayout) -> Result<(), Rejection> {
    let mut seen = std::collections::BTreeSet::new();
    for (index, id) in command.payables.iter().enumerate() {
        let payable = found(state.payable(*id), EntityKind::Payable, *id)?;
        if let Some(open_on) = payable.open.earliest(payable.owed().0.max(1)) {
            checks.rests_on(open_on, id);
        }
        if payable.payer.id != command.payer || payable.payee.id != command.payee {
            let description = "This obligation is between other parties.";
            checks.refuse(format!("payable_ids[{index}]"), "OTHER_ACCOUNT", description);
        }
        if !seen.insert(*id) {
            checks.refuse(format!("payable_ids[{index}]"), "DUPLICATE", "This obligation is named twice.");
        }
    }
    Ok(())
}

fn belongs(payee: &Party, member: MemberId, day: BusinessDate) -> Result<(), Rejection> {
    let members = payee.household.as_ref().map_or(&[][..], |household| &household.members);
    if let Some(later) = members.iter().find(|membership| membership.member == member && day < membership.from) {
        return Err(Rejection::too_early(member, later.from));
    }
    if members.iter().any(|membership| membership.member == member && membership.holds_on(day)) {
        return Ok(());
    }
    Err(Rejection::broken(Rule::MemberNotIn, member))
}

/// What the payout pays: the named obligations in their order, or the oldest first; until the amount is used up.
/// Only what is owed by that day can be paid then.
fn items(state: &State<Procurement>, command: &MakePayout) -> Result<Vec<PayoutItem>, Rejection> {
    let day = command.occasion.business_date;
    let account = state.entities.index().account(command.payer, command.payee);
    let amount = amount(state, command)?;
    let mut left = amount;
    let mut items = Vec::new();
    let mut take = |id: PayableId, payable: &Payable| {
        let part = i128::from(payable.open.on(day)).min(left);
        if let Ok(fen @ 1..) = i64::try_from(part) {
            left = left.saturating_sub(part);
            items.push(PayoutItem { payable: id, source: payable.source, amount: Money(fen) });
        }
        // One more than may be is enough to refuse: the cost of a decision stays bounded.
        left > 0 && items.len() <= PAYOUT_ITEMS_MAX
    };
    if command.payables.is_empty() {
        for id in account.into_iter().flat_map(|account| account.opened_by(day)) {
            if state.payable(id).is_some_and(|payable| !take(id, payable)) {
                break;
            }
        }
    } else {
        for id in &command.payables {
            if state.payable(*id).is_some_and(|payable| !take(*id, payable)) {
                break;
            }
        }
    }
    Ok(items)
}

/// What is paid in all, in fen: what was asked for, or all that is owed by that day.
fn amount(state: &State<Procurement>, command: &MakePayout) -> Result<i128, Rejection> {
    let owed = owed(state, command);
    let day = command.occasion.business_date;
    let on_day = owed.on(day);
    if on_day == 0 {
        return Err(match owed.earliest(1) {
            Some(earliest) => Rejection::too_early(command.payee, earliest),
            None => Rejection::broken(Rule::NothingOwed, command.payee),
        });
    }
    let amount = command.amount.map_or(on_day, |amount| i128::from(amount.0));
    if amount > on_day {
        let rejection = Rejection::broken(Rule::PayoutExceedsOwed, command.payee);
        let rejection = rejection.with("owed_fen", on_day).with("amount_fen", amount);
        return Err(match owed.earliest(amount) {
            Some(earliest) => rejection.with("earliest", earliest),
            None => rejection,
        });
    }
    Ok(amount)
}

/// What is open of the named obligations; of the whole account, if none is named.
fn owed<'s>(state: &'s State<Procurement>, command: &MakePayout) -> Cow<'s, ByDay> {
    if command.payables.is_empty() {
        let account = state.entities.index().account(command.payer, command.payee);
        return account.map_or_else(|| Cow::Owned(ByDay::default()), |account| Cow::Borrowed(account.owed()));
    }
    let mut owed = ByDay::default();
    command.payables.iter().filter_map(|id| state.payable(*id)).for_each(|payable| owed.add(&payable.open));
    Cow::Owned(owed)
}

//! Payouts: money goes out to a payee for named obligations or the oldest, and may come back.

use std::borrow::Cow;
use std::collections::BTreeSet;

use loopledger_facts::procurement::{PayoutFailed, PayoutItem, PayoutMade};
use loopledger_facts::size::PAYOUT_ITEMS_MAX;
use loopledger_facts::{Occasion, PaymentMethod};
use loopledger_rules::stock::{Checks, found};
use loopledger_rules::{ByDay, Context, Dated, Decide, Evolve, FieldFault, Missing, Rejection, Rule, State};
use loopledger_types::{BusinessDate, EntityKind, MemberId, Money, PartyId, PayableId, PayoutId};

use crate::parties::{Party, party};
use crate::payables::{Payable, put_payable};
use crate::{Entity, Key, Procurement, ProcurementState as _};

/// Creates a payout (`PayoutId` index 0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MakePayout {
    pub occasion: Occasion,
    pub payer: PartyId,
    pub payee: PartyId,
    /// Absent: everything outstanding of the named payables (or, if none is named, of the whole account).
    pub amount: Option<Money>,
    /// Which obligations it pays, in this order; empty: the oldest first.
    pub payables: Vec<PayableId>,
    pub method: PaymentMethod,
    pub proof_hash: Option<[u8; 32]>,
    pub received_by: Option<MemberId>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailPayout {
    pub occasion: Occasion,
    pub payout: PayoutId,
    pub reason: String,
}

/// A payout as it was made, so that its failure can carry it whole. Leaves memory at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payout {
    pub made: PayoutMade,
    pub failed: bool,
}

impl Decide<Procurement> for MakePayout {
    type Fact = PayoutMade;

    fn keys(&self, missing: &mut Missing<'_, Procurement>) {
        missing.ask(Key::Party(self.payer));
        missing.ask(Key::Party(self.payee));
        // What is open is in memory; what is named may be paid long since.
        missing.ask_all(self.payables.iter().copied().map(Key::Payable));
    }

    fn decide(&self, state: &State<Procurement>, context: &Context) -> Result<PayoutMade, Rejection> {
        let mut checks = Checks::new(&self.occasion, context);
        let (payer, _) = party(&mut checks, state, self.payer)?;
        let (payee, payee_party) = party(&mut checks, state, self.payee)?;
        named(&mut checks, state, self)?;
        checks.pass()?;
        let day = self.occasion.business_date;
        if let Some(member) = self.received_by {
            belongs(payee_party, member, day)?;
        }
        let items = items(state, self)?;
        if items.len() > PAYOUT_ITEMS_MAX {
            return Err(Rejection::broken(Rule::TooLarge, payee.id).with("items_max", PAYOUT_ITEMS_MAX));
        }
        let amount = items.iter().map(|item| i128::from(item.amount.0)).sum::<i128>();
        let Some(amount) = i64::try_from(amount).ok().filter(|amount| *amount <= Money::MAX.0) else {
            let description = format!("{amount} fen are owed: state an amount of at most {} fen.", Money::MAX.0);
            return Err(Rejection::invalid("amount_fen", FieldFault::AmountTooLarge, description));
        };
        Ok(PayoutMade {
            occasion: self.occasion,
            payout: PayoutId::derive(context.request_id, context.stream, 0),
            payer,
            payee,
            payee_division: payee_party.division_on(day),
            amount: Money(amount),
            items,
            method: self.method,
            proof_hash: self.proof_hash,
            received_by: self.received_by,
        })
    }
}

impl Decide<Procurement> for FailPayout {
    type Fact = PayoutFailed;

    fn keys(&self, missing: &mut Missing<'_, Procurement>) {
        missing.ask(Key::Payout(self.payout));
        if let Some(payout) = missing.state().payout(self.payout) {
            ask_items(missing, &payout.made.items);
        }
    }

    fn decide(&self, state: &State<Procurement>, context: &Context) -> Result<PayoutFailed, Rejection> {
        let mut checks = Checks::new(&self.occasion, context);
        checks.pass()?;
        let payout = found(state.payout(self.payout), EntityKind::Payout, self.payout)?;
        if payout.failed {
            return Err(Rejection::broken(Rule::PayoutAlreadyFailed, self.payout));
        }
        checks.rests_on(payout.made.occasion.business_date, self.payout);
        checks.pass()?;
        Ok(PayoutFailed { occasion: self.occasion, reason: self.reason.clone(), original: payout.made.clone() })
    }
}

/// Every payable that is named exists, once, between these two, and what is open of it was owed by that day.
fn named(checks: &mut Checks, state: &State<Procurement>, command: &MakePayout) -> Result<(), Rejection> {
    let mut seen = BTreeSet::new();
    for (index, id) in command.payables.iter().enumerate() {
        let payable = found(state.payable(*id), EntityKind::Payable, *id)?;
        if let Some(open_on) = payable.open.earliest(payable.owed().0.max(1)) {
            checks.rests_on(open_on, id);
        }
        if payable.payer.id != command.payer || payable.payee.id != command.payee {
            let description = "This obligation is between other parties.";
            checks.refuse(format!("payable_ids[{index}]"), FieldFault::OtherAccount, description);
        }
        if !seen.insert(*id) {
            checks.refuse(format!("payable_ids[{index}]"), FieldFault::Duplicate, "This obligation is named twice.");
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
            left = left.checked_sub(part).expect("a part of what is left");
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

fn ask_items(missing: &mut Missing<'_, Procurement>, items: &[PayoutItem]) {
    missing.ask_all(items.iter().map(|item| Key::Payable(item.payable)));
}

impl Evolve<Procurement> for PayoutMade {
    fn keys(&self, missing: &mut Missing<'_, Procurement>) {
        ask_items(missing, &self.items);
    }

    fn evolve(&self, state: &mut State<Procurement>) {
        for item in &self.items {
            change_open(state, item, |open| open.take(self.occasion.business_date, item.amount.0));
        }
        put_payout(state, self, false);
    }
}

impl Evolve<Procurement> for PayoutFailed {
    fn keys(&self, missing: &mut Missing<'_, Procurement>) {
        missing.ask(Key::Payout(self.original.payout));
        ask_items(missing, &self.original.items);
    }

    fn evolve(&self, state: &mut State<Procurement>) {
        for item in &self.original.items {
            change_open(state, item, |open| open.add(self.occasion.business_date, item.amount.0));
        }
        put_payout(state, &self.original, true);
    }
}

/// Changes what is open of an item's obligation.
fn change_open(state: &mut State<Procurement>, item: &PayoutItem, change: impl FnOnce(&mut Dated)) {
    if let Some(mut payable) = state.payable(item.payable).cloned() {
        change(&mut payable.open);
        put_payable(state, item.payable, payable);
    }
}

fn put_payout(state: &mut State<Procurement>, made: &PayoutMade, failed: bool) {
    let payout = Payout { made: made.clone(), failed };
    state.entities.put(Key::Payout(made.payout), Entity::Payout(Box::new(payout)));
}

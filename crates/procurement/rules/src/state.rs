//! What procurement remembers: who there is, what was agreed, and what is owed.

use std::collections::{BTreeMap, BTreeSet};

use loopledger_facts::Ranked;
use loopledger_rules::{ByDay, Index, entities};
use loopledger_types::{
    BusinessDate, ContractId, Money, PartyId, PayableId, PayoutId, PlaceId, ProductId, Quantity, comparison_key,
};

use crate::Procurement;
use crate::contracts::{Contract, Station};
use crate::parties::Party;
use crate::payables::Payable;
use crate::payout::Payout;
use crate::products::Product;

entities! {
    procurement_entities, [trait ProcurementState for Procurement];

    0 Party(PartyId => Box<Party>)          [never]                                   [party];
    1 Product(ProductId => Box<Product>)    [never]                                   [product];
    2 Contract(ContractId => Box<Contract>) [never]                                   [contract];
    3 Payable(PayableId => Box<Payable>)    [|payable| payable.owed() == Money::ZERO] [payable];
    /// Loaded by a failure, which is rare.
    4 Payout(PayoutId => Box<Payout>)       [always]                                  [payout];
    /// Reference: a station or workshop.
    5 Station(PlaceId => Station)           [never]                                   [station];
    /// Reference: what was collected on consignment under a contract so far, in the product's base unit.
    6 Consigned(ContractId => Quantity)     [never]                                   [consigned or default];
}

impl Entity {
    fn payable(&self) -> Option<&Payable> {
        let Self::Payable(payable) = self else { return None };
        Some(payable)
    }
}

/// Views of what is in memory: product codes, what is owed between whom, and what there is to list, by id.
#[derive(Debug, Default)]
pub struct Directory {
    /// By what codes are compared by, so that codes that look the same are one.
    codes: BTreeSet<(Box<str>, ProductId)>,
    parties: BTreeSet<PartyId>,
    contracts: BTreeSet<ContractId>,
    /// By payer, then payee.
    accounts: BTreeMap<(PartyId, PartyId), Account>,
    /// The same accounts by payee, then payer.
    by_payee: BTreeSet<(PartyId, PartyId)>,
}

/// What one party owes another.
#[derive(Debug, Default)]
pub struct Account {
    /// In fen.
    owed: ByDay,
    /// Open obligations, oldest first.
    items: BTreeSet<(Ranked, Money, PayableId)>,
}

impl Account {
    /// What is owed in all, in fen.
    pub const fn owed_fen(&self) -> i128 {
        self.owed.total()
    }

    /// The same by day: what can be paid then.
    pub const fn owed(&self) -> &ByDay {
        &self.owed
    }

    /// Open obligations, oldest first.
    pub fn items(&self) -> impl Iterator<Item = PayableId> + '_ {
        self.items.iter().map(|(_, _, payable)| *payable)
    }

    /// Those that were opened by that day, oldest first.
    pub fn opened_by(&self, day: BusinessDate) -> impl Iterator<Item = PayableId> + '_ {
        self.items.iter().take_while(move |(age, _, _)| age.age().day <= day).map(|(_, _, payable)| *payable)
    }
}

impl Directory {
    /// The product whose code looks the same, see [`comparison_key`].
    pub fn product_with_code(&self, code: &str) -> Option<ProductId> {
        let key: Box<str> = comparison_key(code).into();
        let (found, product) = self.codes.range((key.clone(), ProductId([0; 16]))..).next()?;
        (*found == key).then_some(*product)
    }

    /// Every product, by code.
    pub fn products(&self) -> impl Iterator<Item = ProductId> + '_ {
        self.codes.iter().map(|(_, product)| *product)
    }

    pub const fn parties(&self) -> &BTreeSet<PartyId> {
        &self.parties
    }

    pub const fn contracts(&self) -> &BTreeSet<ContractId> {
        &self.contracts
    }

    /// What `payer` owes `payee`; `None` if nothing is open.
    pub fn account(&self, payer: PartyId, payee: PartyId) -> Option<&Account> {
        self.accounts.get(&(payer, payee))
    }

    /// Accounts with something open, by (payer, payee).
    pub const fn accounts(&self) -> &BTreeMap<(PartyId, PartyId), Account> {
        &self.accounts
    }

    /// Accounts with something open, as (payee, payer).
    pub const fn by_payee(&self) -> &BTreeSet<(PartyId, PartyId)> {
        &self.by_payee
    }

    fn payable(&mut self, id: PayableId, old: Option<&Payable>, new: Option<&Payable>) {
        let open = |payable: &&Payable| payable.owed() != Money::ZERO;
        let (old, new) = (old.filter(open), new.filter(open));
        if let Some(payable) = new {
            let (payer, payee) = (payable.payer.id, payable.payee.id);
            let account = self.accounts.entry((payer, payee)).or_default();
            account.owed.add(&payable.open);
            if old.is_none() {
                account.items.insert((Ranked::new(&payable.age), payable.amount, id));
                self.by_payee.insert((payee, payer));
            }
        }
        if let Some(payable) = old {
            let (payer, payee) = (payable.payer.id, payable.payee.id);
            let Some(account) = self.accounts.get_mut(&(payer, payee)) else { return };
            account.owed.remove(&payable.open);
            if new.is_none() {
                account.items.remove(&(Ranked::new(&payable.age), payable.amount, id));
                if account.items.is_empty() {
                    self.accounts.remove(&(payer, payee));
                    self.by_payee.remove(&(payee, payer));
                }
            }
        }
    }
}

impl Index<Entity> for Directory {
    fn update(&mut self, key: &Key, old: Option<&Entity>, new: Option<&Entity>) {
        match key {
            Key::Payable(id) => {
                self.payable(*id, old.and_then(Entity::payable), new.and_then(Entity::payable));
            }
            Key::Product(id) => {
                if let Some(Entity::Product(product)) = old {
                    self.codes.remove(&(comparison_key(&product.code).into(), *id));
                }
                if let Some(Entity::Product(product)) = new {
                    self.codes.insert((comparison_key(&product.code).into(), *id));
                }
            }
            Key::Party(id) => keep(&mut self.parties, *id, new.is_some()),
            Key::Contract(id) => keep(&mut self.contracts, *id, new.is_some()),
            Key::Payout(_) | Key::Station(_) | Key::Consigned(_) => {}
        }
    }
}

fn keep<T: Ord>(set: &mut BTreeSet<T>, id: T, exists: bool) {
    if exists {
        set.insert(id);
    } else {
        set.remove(&id);
    }
}

//! The oracle: every view recomputed by reading all journal entries from the beginning.

use std::collections::BTreeMap;

use loopledger_domain::*;
use loopledger_ledger::*;
use loopledger_types::*;

type MoneyKey = (PartyId, Account, Counterparty, Month);
type GoodsKey = (LotId, u16, ProductId, GoodsAt, Month);

#[derive(Default)]
pub(crate) struct Naive {
    pub(crate) money: BTreeMap<MoneyKey, i64>,
    pub(crate) goods: BTreeMap<GoodsKey, i64>,
    pub(crate) kinds: BTreeMap<PartyId, PartyKind>,
    /// Household → business date → gross, cost, received.
    pub(crate) income: BTreeMap<(PartyId, BusinessDate), (i64, i64, i64)>,
    /// 1401 by lot.
    pub(crate) cost: BTreeMap<(PartyId, LotId), i64>,
    pub(crate) villages: BTreeMap<LotId, DivisionCode>,
    pub(crate) lines: Vec<(FactRef, BusinessDate, PartyRef, MoneyLine)>,
}

impl Naive {
    pub(crate) fn of<'a>(commits: impl IntoIterator<Item = &'a Commit>) -> Self {
        let mut naive = Self::default();
        commits.into_iter().for_each(|commit| naive.read(commit));
        naive
    }

    pub(crate) fn read(&mut self, commit: &Commit) {
        let mut journal = Journal::new();
        post(commit, &mut journal);
        for event in &commit.events {
            match event {
                Event::Station(station::Event::GoodsCollected(fact)) => {
                    self.villages.insert(fact.lot, fact.origin.division);
                }
                Event::Station(station::Event::GoodsBoughtIn(fact))
                | Event::Distribution(distribution::Event::GoodsBoughtIn(fact)) => {
                    self.villages.insert(fact.line.lot, fact.supplier_division);
                }
                _ => {}
            }
        }
        for entry in journal.entries() {
            let month = entry.date.month();
            for line in journal.money(entry) {
                self.kinds.insert(line.book.id, line.book.kind);
                *self.money.entry((line.book.id, line.account, line.counterparty, month)).or_default() += line.amount;
                if line.account == Account::Goods {
                    *self.cost.entry((line.book.id, line.lot.unwrap().0)).or_default() += line.amount;
                }
                let at = FactRef { service: commit.stream.service, sequence: commit.sequence, event: entry.event };
                self.lines.push((at, entry.date, line.book, *line));
                if line.book.kind == PartyKind::Household {
                    let (gross, cost, received) = self.income.entry((line.book.id, entry.date)).or_default();
                    if line.account.income_category().is_some() {
                        *gross -= line.amount;
                    } else if line.account == Account::OperatingCost {
                        *cost += line.amount;
                    } else if line.account == Account::Cash {
                        *received += line.amount;
                    }
                }
            }
            for line in journal.goods(entry) {
                let at = GoodsAt {
                    account: line.account,
                    title: Some(line.title),
                    custodian: Some(line.custodian),
                    place: Some(line.place),
                    destination: line.destination,
                };
                *self.goods.entry((line.lot, line.pool, line.product, at, month)).or_default() += line.quantity;
            }
        }
    }

    /// Σ payables of A to B equals Σ claims of B on A, and the same for advances, for every pair with two books.
    pub(crate) fn pair_equations_hold(&self) {
        use Account as A;
        let mut pairs: BTreeMap<(PartyId, PartyId, &str), i64> = BTreeMap::new();
        for ((book, account, counterparty, _), amount) in &self.money {
            let Counterparty::Party(other) = counterparty else { continue };
            if !self.kinds.contains_key(other) {
                continue;
            }
            let key = match account {
                A::Payable | A::PayableCarriage | A::WagesPayable => (*book, *other, "owed"),
                A::Receivable => (*other, *book, "owed"),
                A::AdvancePaid => (*book, *other, "advance"),
                A::AdvanceReceived => (*other, *book, "advance"),
                _ => continue,
            };
            *pairs.entry(key).or_default() += amount;
        }
        assert!(pairs.values().all(|sum| *sum == 0), "{pairs:?}");
    }
}

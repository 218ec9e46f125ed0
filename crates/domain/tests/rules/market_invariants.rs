//! What always holds of obligations, payouts, orders and settlements, whatever is asked in whatever order.
//!
//! Every run is played three times: plainly; with a store and everything closed forgotten after each commit; and with a
//! window of unconfirmed commits that is undone and done again. All three must say the same.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use loopledger_domain::procurement::ProcurementState as _;
use loopledger_domain::procurement::{self, Payable, PayableSource, Procurement};
use loopledger_domain::sales::SalesState as _;
use loopledger_domain::sales::{self, Order, Sales, SettledLine};
use loopledger_domain::{Entity, Event, SettlementMode, Title};
use loopledger_types::{LotId, Money, PartyId, PayableId, PayoutId, Quantity, ReceiptId, shares};
use proptest::prelude::*;

use crate::harness::{Manner, Under};
use crate::market::Market;
use crate::words::{self, price};

/// Who brought how much, and what it was before it was roasted.
type Brought = (&'static str, i64, i64);

/// Lots of several producers: (name, terms, origins of whom: quantity and source quantity in grams).
const LOTS: [(&str, &str, &[Brought]); 3] = [
    ("A", "commission:500", &[("H1", 3_000, 3_000), ("H2", 2_000, 2_000)]),
    ("B", "agreed:8/kg", &[("H1", 850, 1_000), ("H2", 1_700, 2_000), ("COOP2", 99, 100)]),
    ("C", "commission:0", &[("H2", 1_000, 1_000)]),
];

/// What is asked: an operation and two numbers that it makes something of.
type Step = (u8, u16, u16);

struct Play {
    markets: [Market; 3],
    /// Numbers of what was created so far.
    purchases: u32,
    payouts: u32,
    orders: u32,
    settlements: u32,
    /// Grams of each lot that are still to be issued.
    left: [i64; 3],
}

impl Play {
    fn new() -> Self {
        let manner = |with_store, window| Manner { with_store, window };
        let mut markets = [manner(false, 0), manner(true, 0), manner(false, 4)].map(Market::new);
        for market in &mut markets {
            market.run("party COOP2");
            for (name, terms, origins) in LOTS {
                let origins: Vec<String> = origins.iter().map(|(who, q, s)| format!("{who}:{q}g:{s}g")).collect();
                market.run(&format!("consigned {name} terms={terms} origins={}", origins.join(",")));
            }
            market.procurement.confirm(0);
            market.sales.confirm(0);
        }
        let left = LOTS.map(|(_, _, origins)| origins.iter().map(|(_, quantity, _)| quantity).sum());
        Self { markets, purchases: 0, payouts: 0, orders: 0, settlements: 0, left }
    }

    fn say(&mut self, line: &str) -> String {
        let said = self.markets.each_mut().map(|market| market.run(line));
        assert_eq!(said[0], said[1], "{line}: with a store");
        assert_eq!(said[0], said[2], "{line}: with a window");
        said[0].clone()
    }

    fn step(&mut self, (operation, a, b): Step) {
        let who = if a % 2 == 0 { "H1" } else { "H2" };
        let line = match operation {
            0 | 1 => {
                self.purchases += 1;
                let contract = if b % 3 == 0 { " contract=K1" } else { "" };
                format!("collected L{} from={who} net={}g{contract}", self.purchases, 1 + b % 30_000)
            }
            2 | 3 => {
                self.payouts += 1;
                format!("pay P{} to={who} amount={}.{:02}", self.payouts, b % 300, a % 100)
            }
            4 => {
                self.payouts += 1;
                let items = [a, b].map(|n| format!("@L{}", 1 + u32::from(n) % self.purchases.max(1)));
                format!("pay P{} to={who} items={}", self.payouts, items.join(","))
            }
            5 => {
                self.payouts += 1;
                format!("pay P{} to={who}", self.payouts)
            }
            6 => format!("fail P{}", 1 + u32::from(a) % self.payouts.max(1)),
            7 | 8 => {
                self.orders += 1;
                let (one, other) = (1 + a % 900, 1 + b % 900);
                format!("order O{} lines=S1:pea:{one}g:14.8/kg,D1:pea:{other}g:9.9/kg", self.orders)
            }
            9..=11 => return self.issue(a, b),
            12 => format!("cancel {}", self.line(a, b)),
            13 => return self.end(a, b),
            14 => format!("payment O{} amount={}.{:02}", 1 + u32::from(a) % self.orders.max(1), b % 9, a % 100),
            15 => format!("return O{} amount={}.{:02}", 1 + u32::from(a) % self.orders.max(1), b % 3, a % 100),
            16 | 17 => {
                self.settlements += 1;
                let lots = [&["A"][..], &["B"], &["C", "A"], &["A", "B", "C"]][usize::from(a % 4)];
                let charge = if b % 4 == 0 { ":0.07" } else { "" };
                format!("settle N{} lots={}{charge}", self.settlements, lots.join(","))
            }
            _ => {
                self.markets[2].procurement.roll_back(|_| {});
                self.markets[2].sales.roll_back(|_| {});
                return;
            }
        };
        self.say(&line);
    }

    fn line(&self, a: u16, b: u16) -> String {
        format!("O{}/{}", 1 + u32::from(a) % self.orders.max(1), b % 2)
    }

    fn may_be_issued(&self, line: &str) -> bool {
        let (order, index) = line.split_once('/').unwrap();
        let order = loopledger_types::OrderId(self.markets[0].id(order));
        let order = self.markets[0].sales.state.order(order);
        order.is_some_and(|order| order.states[index.parse::<usize>().unwrap()].may_be_issued())
    }

    /// Issues an open line out of one lot or two, as far as they go.
    fn issue(&mut self, a: u16, b: u16) {
        let line = self.line(a, b);
        if !self.may_be_issued(&line) {
            return;
        }
        let mut picks = String::from("OWN:1g");
        for (lot, part) in [(usize::from(a % 3), 1 + a % 700), (usize::from(a % 3 + 1) % 3, b % 500)] {
            let quantity = i64::from(part).min(self.left[lot]);
            if quantity > 0 {
                self.left[lot] -= quantity;
                write!(picks, ",{}:{quantity}g", LOTS[lot].0).unwrap();
            }
        }
        self.say(&format!("issued {line} of={picks}"));
    }

    /// The holder refuses a line, releases it, or says that it stands.
    fn end(&mut self, a: u16, b: u16) {
        let line = self.line(a, b);
        if self.may_be_issued(&line) {
            let what = ["refused", "released", "stands"][usize::from(a % 3)];
            self.say(&format!("{what} {line}"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn money_and_goods_add_up(steps in prop::collection::vec((0_u8..19, any::<u16>(), any::<u16>()), 1..80)) {
        let mut play = Play::new();
        for step in steps {
            play.step(step);
            obligations(&play.markets[0]);
        }
        play.say("settle END lots=A,B,C");
        obligations(&play.markets[0]);
        orders(&play.markets[0]);
        settlements(&play.markets[0]);
        let [plain, stored, _] = &play.markets;
        prop_assert_eq!(plain.procurement.everything(), stored.procurement.everything());
        prop_assert_eq!(plain.sales.everything(), stored.sales.everything());
        follower(plain);
        // Whatever is open is in memory.
        let open = |market: &Market| {
            let all = market.procurement.snapshot().into_iter();
            all.filter(|(_, entity)| !entity.is_closed()).collect::<Vec<_>>()
        };
        prop_assert_eq!(open(plain), open(stored));
    }
}

/// A program that only follows the two streams, and forgets what may be forgotten, has the same own entities.
fn follower(market: &Market) {
    let manner = Manner { with_store: true, window: 1 };
    let mut procurement = Under::<Procurement>::new(manner);
    market.procurement.log.iter().for_each(|commit| procurement.follow(commit));
    let mut sales = Under::<Sales>::new(manner);
    market.sales.log.iter().for_each(|commit| sales.follow(commit));
    let mut expected = market.procurement.everything();
    expected.retain(|key, _| !matches!(key, procurement::Key::Station(_) | procurement::Key::Consigned(_)));
    assert_eq!(procurement.everything(), expected);
    let mut expected = market.sales.everything();
    expected.retain(|key, _| {
        use sales::Key as K;
        matches!(key, K::Channel(_) | K::Order(_) | K::Tally(_) | K::Settled(_) | K::Number(_))
    });
    assert_eq!(sales.everything(), expected);
}

/// What is open of each obligation is what was opened, less payouts, plus those that failed; the accounts say the same.
fn obligations(market: &Market) {
    let mut expected: BTreeMap<PayableId, (PartyId, PartyId, i64, i64)> = BTreeMap::new();
    for event in market.procurement.log.iter().flat_map(|commit| &commit.events) {
        use procurement::Event as E;
        let Event::Procurement(event) = event else { panic!("a foreign event") };
        let (items, sign) = match event {
            E::PurchaseAccepted(e) => {
                assert_eq!(Some(e.amount), e.price.amount(e.quantity));
                let opened = (e.buyer.id, e.producer.id, e.amount.0, e.amount.0);
                assert_eq!(expected.insert(e.payable, opened), None);
                continue;
            }
            E::PayableOpened(e) => {
                let opened = (e.payer.id, e.payee.id, e.amount.0, e.amount.0);
                assert_eq!(expected.insert(e.payable, opened), None);
                continue;
            }
            E::PayoutMade(e) => {
                assert_eq!(e.amount.0, e.items.iter().map(|item| item.amount.0).sum::<i64>());
                assert!(e.amount.is_positive() && e.items.iter().all(|item| item.amount.is_positive()));
                (&e.items, -1)
            }
            E::PayoutFailed(e) => (&e.original.items, 1),
            _ => continue,
        };
        for item in items {
            let (_, _, amount, open) = expected.get_mut(&item.payable).unwrap();
            *open += sign * item.amount.0;
            assert!((0..=*amount).contains(open), "never more than owed is paid, nor restored");
        }
    }
    let state = &market.procurement.state;
    let mut accounts: BTreeMap<(PartyId, PartyId), (i128, Vec<PayableId>)> = BTreeMap::new();
    for (id, (payer, payee, amount, open)) in expected {
        let payable: &Payable = state.payable(id).unwrap();
        assert_eq!(
            (payable.payer.id, payable.payee.id, payable.amount.0, payable.owed().0),
            (payer, payee, amount, open)
        );
        if open != 0 {
            let account = accounts.entry((payer, payee)).or_default();
            account.0 += i128::from(open);
            account.1.push(id);
        }
    }
    let age = |id: &PayableId| {
        let payable = state.payable(*id).unwrap();
        (payable.age.clone(), payable.amount, *id)
    };
    let oldest_first = |ids: &mut Vec<PayableId>| ids.sort_by_key(age);
    for (_, ids) in accounts.values_mut() {
        oldest_first(ids);
    }
    let known = state.entities.index().accounts().iter();
    let known = known.map(|(key, account)| (*key, (account.owed_fen(), account.items().collect())));
    assert_eq!(accounts, known.collect(), "the index is the scan");
    let reversed = accounts.keys().map(|(payer, payee)| (*payee, *payer)).collect();
    assert_eq!(*state.entities.index().by_payee(), reversed);
    failures(market);
}

/// A payout fails at most once, and its failure carries it whole.
fn failures(market: &Market) {
    let mut made: BTreeMap<PayoutId, Option<procurement::PayoutMade>> = BTreeMap::new();
    for event in market.procurement.log.iter().flat_map(|commit| &commit.events) {
        match event {
            Event::Procurement(procurement::Event::PayoutMade(e)) => {
                made.insert(e.payout, Some(e.clone()));
            }
            Event::Procurement(procurement::Event::PayoutFailed(e)) => {
                assert_eq!(made.insert(e.original.payout, None), Some(Some(e.original.clone())));
            }
            _ => {}
        }
    }
}

/// Sold = owed + paid; what is paid ahead is not owed at the same time; parts add up to their line.
fn orders(market: &Market) {
    let mut sold: BTreeMap<[u8; 16], i64> = BTreeMap::new();
    let mut paid: BTreeMap<[u8; 16], i64> = BTreeMap::new();
    for event in market.sales.log.iter().flat_map(|commit| &commit.events) {
        use sales::Event as E;
        let Event::Sales(event) = event else { panic!("a foreign event") };
        match event {
            E::OrderFulfilled(e) => {
                assert_eq!(e.amount.0, e.parts.iter().map(|part| part.amount.0).sum::<i64>());
                assert_eq!(e.quantity.0, e.parts.iter().map(|part| part.stock.quantity.0).sum::<i64>());
                assert_eq!(Some(e.amount), e.price.amount(e.quantity));
                *sold.entry(e.order.0).or_default() += e.amount.0;
            }
            E::PaymentReceived(e) => *paid.entry(e.order.0).or_default() += e.applied.0 + e.prepaid.0,
            E::PrepaymentReturned(e) => *paid.entry(e.order.0).or_default() -= e.amount.0,
            _ => {}
        }
    }
    for (key, entity) in market.sales.everything() {
        if let (sales::Key::Order(id), sales::Entity::Order(order)) = (key, entity) {
            let order: &Order = &order;
            let (sold, paid) = (sold.get(&id.0).copied().unwrap_or(0), paid.get(&id.0).copied().unwrap_or(0));
            assert_eq!(sold - paid, order.owed.0 - order.prepaid().0);
            assert!(order.owed.0 >= 0 && order.prepaid().0 >= 0 && (order.owed.0 == 0 || order.prepaid().0 == 0));
        }
    }
}

/// What was settled of one receipt.
#[derive(Debug, Default)]
struct Sum {
    quantity: i64,
    source: i64,
    gross: i64,
    commission: i64,
    charges: i64,
    net: i64,
}

/// All settlements together pay every producer for its shares of what was sold, and for nothing else.
fn settlements(market: &Market) {
    let mut sold: BTreeMap<LotId, (i64, i64)> = BTreeMap::new();
    let mut settled: BTreeMap<ReceiptId, Sum> = BTreeMap::new();
    let mut owed = BTreeMap::new();
    for event in market.sales.log.iter().flat_map(|commit| &commit.events) {
        match event {
            Event::Sales(sales::Event::OrderFulfilled(e)) => {
                for part in e.parts.iter().filter(|part| matches!(part.stock.title, Title::Consigned { .. })) {
                    let sold = sold.entry(part.stock.lot).or_default();
                    *sold = (sold.0 + part.stock.quantity.0, sold.1 + part.amount.0);
                }
            }
            Event::Sales(sales::Event::ConsignmentSettled(e)) => {
                for line in &e.lines {
                    add_up(line, settled.entry(line.receipt).or_default());
                }
                owed.insert(e.settlement, e.lines.iter().map(|line| line.net.0).sum::<i64>());
            }
            _ => {}
        }
    }
    for (name, terms, origins) in LOTS {
        let (quantity, amount) = sold.get(&LotId(words::id(name))).copied().unwrap_or((0, 0));
        let originals: Vec<i64> = origins.iter().map(|(_, quantity, _)| *quantity).collect();
        let mut gross = 0;
        for (index, (share, (_, original, source))) in
            shares(quantity, &originals).unwrap().iter().zip(origins).enumerate()
        {
            let sum = settled.remove(&ReceiptId(words::id(&format!("{name}{index}")))).unwrap_or_default();
            assert_eq!((sum.quantity, sum.source), (*share, share * source / original), "{name} {index}");
            let due = match terms.split_once(':').unwrap() {
                ("agreed", at) => price(at).amount(Quantity(sum.source)).unwrap().0,
                (_, bp) => sum.gross - Money(sum.gross).basis_points(bp.parse().unwrap()).unwrap().0,
            };
            assert_eq!((sum.net + sum.charges, sum.commission), (due, sum.gross - due), "{name} {index}: rounded once");
            gross += sum.gross;
        }
        assert_eq!(gross, amount, "{name}");
    }
    for event in market.procurement.log.iter().flat_map(|commit| &commit.events) {
        if let Event::Procurement(procurement::Event::PayableOpened(e)) = event
            && let PayableSource::Settlement { settlement, .. } = e.source
        {
            *owed.get_mut(&settlement).unwrap() -= e.amount.0;
        }
    }
    assert!(owed.values().all(|left| *left == 0), "every settlement is owed, to the fen");
}

fn add_up(line: &SettledLine, sum: &mut Sum) {
    let charges: i64 = line.charges.iter().map(|charge| charge.amount.0).sum();
    assert_eq!(line.gross.0, line.commission.0 + charges + line.net.0);
    assert!(line.quantity > Quantity::ZERO && line.net >= Money::ZERO && line.gross >= Money::ZERO);
    assert!(line.commission >= Money::ZERO || line.mode == SettlementMode::AgreedPrice);
    sum.quantity += line.quantity.0;
    sum.source += line.source_quantity.0;
    sum.gross += line.gross.0;
    sum.commission += line.commission.0;
    sum.charges += charges;
    sum.net += line.net.0;
}

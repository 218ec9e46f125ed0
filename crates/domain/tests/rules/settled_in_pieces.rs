//! What a producer is due for consigned goods does not depend on when they are settled.

use std::collections::BTreeMap;

use loopledger_domain::{Event, sales};
use loopledger_types::{LotId, Money, Quantity, ReceiptId, largest_remainder, shares};
use proptest::prelude::*;

use crate::harness::Manner;
use crate::market::Market;
use crate::words::{self, price};

/// A lot: its name, terms, and origins as (producer, quantity, source quantity, receipt). Receipts 1 and 3 are in two lots.
type Consigned = (&'static str, &'static str, &'static [(&'static str, i64, i64, &'static str)]);

const LOTS: [Consigned; 5] = [
    ("A", "commission:333", &[("H1", 900, 900, "R1"), ("H2", 700, 700, "R2"), ("COOP2", 50, 50, "R4")]),
    ("B", "commission:333", &[("H1", 40, 40, "R1")]),
    ("C", "agreed:9.25/kg", &[("H2", 850, 1_000, "R3"), ("H1", 333, 401, "R5")]),
    ("D", "agreed:9.25/kg", &[("H2", 1_700, 2_000, "R3")]),
    ("E", "agreed:0.004/g", &[("H1", 500, 500, "R6")]),
];

const PRICES: [&str; 4] = ["14.8/kg", "9.9/kg", "0.003/g", "1.01/g"];

fn market(manner: Manner) -> Market {
    let mut market = Market::new(manner);
    market.run("party COOP2");
    for (name, terms, origins) in LOTS {
        let origins: Vec<String> = origins.iter().map(|(who, q, s, r)| format!("{who}:{q}g:{s}g:{r}")).collect();
        market.run(&format!("consigned {name} terms={terms} origins={}", origins.join(",")));
    }
    market
}

/// Grams of a lot, sold at one of the prices; and which lots are settled afterwards, as bits.
type Step = (usize, i64, usize, u8);

/// Issues and settles; says how much of each lot was issued for how much, in order.
fn play(market: &mut Market, steps: &[Step], in_pieces: bool) -> Vec<(usize, i64, i64)> {
    let mut left = LOTS.map(|(_, _, origins)| origins.iter().map(|(_, q, _, _)| q).sum::<i64>());
    let mut issued = Vec::new();
    for (number, (lot, grams, at, settled)) in steps.iter().enumerate() {
        let grams = left[*lot].min(*grams);
        if grams > 0 {
            left[*lot] -= grams;
            let at = PRICES[*at];
            market.run(&format!("order O{number} lines=S1:pea:{grams}g:{at}"));
            let outcome = market.run(&format!("issued O{number}/0 of={}:{grams}g", LOTS[*lot].0));
            assert!(outcome.starts_with("sold"), "{outcome}");
            issued.push((*lot, grams, price(at).amount(Quantity(grams)).unwrap().0));
        }
        let names = LOTS.iter().enumerate().filter(|(bit, _)| settled & (1 << bit) != 0).map(|(_, lot)| lot.0);
        let names: Vec<&str> = names.collect();
        if in_pieces && !names.is_empty() {
            let outcome = market.run(&format!("settle N{number} lots={}", names.join(",")));
            assert!(!outcome.starts_with('!') || outcome.contains("NOTHING_TO_SETTLE"), "{outcome}");
        }
    }
    market.run("settle END lots=E,D,C,B,A");
    issued
}

#[derive(Debug, Default, PartialEq)]
struct Due {
    source: i64,
    gross: i64,
    commission: i64,
    net: i64,
}

/// What was settled: of each lot and receipt, (quantity, gross); and of each receipt.
#[derive(Debug, PartialEq)]
struct Settled(BTreeMap<(LotId, ReceiptId), (i64, i64)>, BTreeMap<ReceiptId, Due>);

fn settled(market: &Market) -> Settled {
    let (mut lots, mut receipts) = (BTreeMap::<_, (i64, i64)>::new(), BTreeMap::<ReceiptId, Due>::new());
    for event in market.sales.log.iter().flat_map(|commit| &commit.events) {
        let Event::Sales(sales::Event::ConsignmentSettled(e)) = event else { continue };
        for line in &e.lines {
            assert!(line.gross >= Money::ZERO && line.net >= Money::ZERO, "{line:?}");
            assert!(line.commission >= Money::ZERO || line.mode == loopledger_domain::SettlementMode::AgreedPrice);
            let part = lots.entry((line.lot, line.receipt)).or_default();
            *part = (part.0 + line.quantity.0, part.1 + line.gross.0);
            let due = receipts.entry(line.receipt).or_default();
            due.source += line.source_quantity.0;
            due.gross += line.gross.0;
            due.commission += line.commission.0;
            due.net += line.net.0;
        }
    }
    Settled(lots, receipts)
}

/// The same from the issues alone: each one's amount goes over its own origins, each receipt is rounded once.
fn expected(issued: &[(usize, i64, i64)]) -> Settled {
    let (mut lots, mut receipts) = (BTreeMap::<_, (i64, i64)>::new(), BTreeMap::<ReceiptId, Due>::new());
    let mut sold = [0; LOTS.len()];
    for (lot, grams, amount) in issued {
        let (name, _, origins) = LOTS[*lot];
        let originals: Vec<i64> = origins.iter().map(|(_, q, _, _)| *q).collect();
        let before = shares(sold[*lot], &originals).unwrap();
        sold[*lot] += grams;
        let now = shares(sold[*lot], &originals).unwrap();
        let parts: Vec<i64> = now.iter().zip(&before).map(|(now, before)| now - before).collect();
        for (index, gross) in largest_remainder(*amount, &parts).unwrap().into_iter().enumerate() {
            let (_, quantity, source, receipt) = origins[index];
            if parts[index] > 0 {
                let receipt = ReceiptId(words::id(receipt));
                let part = lots.entry((LotId(words::id(name)), receipt)).or_default();
                *part = (part.0 + parts[index], part.1 + gross);
                let due = receipts.entry(receipt).or_default();
                due.source += now[index] * source / quantity - before[index] * source / quantity;
                due.gross += gross;
            }
        }
    }
    for (_, terms, origins) in LOTS {
        for (_, _, _, receipt) in origins {
            let Some(due) = receipts.get_mut(&ReceiptId(words::id(receipt))) else { continue };
            due.net = match terms.split_once(':').unwrap() {
                ("agreed", at) => price(at).amount(Quantity(due.source)).unwrap().0,
                (_, bp) => due.gross - Money(due.gross).basis_points(bp.parse().unwrap()).unwrap().0,
            };
            due.commission = due.gross - due.net;
        }
    }
    Settled(lots, receipts)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn settled_once_or_in_any_pieces_is_the_same(
        steps in prop::collection::vec((0..LOTS.len(), 1..200_i64, 0..PRICES.len(), any::<u8>()), 1..60),
    ) {
        let (mut once, mut pieces) = (market(Manner::default()), market(Manner { with_store: true, window: 0 }));
        let issued = play(&mut once, &steps, false);
        play(&mut pieces, &steps, true);
        prop_assert_eq!(settled(&once), expected(&issued));
        prop_assert_eq!(settled(&pieces), expected(&issued));
    }
}

/// Sells 100 kg in packs and settles after each; says what the producer was due in all.
fn daily(terms: &str, grams: i64) -> i64 {
    let mut market = Market::new(Manner::default());
    market.run(&format!("collected L1 terms={terms} net=100kg"));
    for day in 0..100_000 / grams {
        market.run(&format!("order O{day} lines=S1:pea:{grams}g:10/kg"));
        market.run(&format!("issued O{day}/0 of=L1:{grams}g"));
        market.run(&format!("settle N{day} lots=L1"));
    }
    settled(&market).1.values().map(|due| due.net).sum()
}

#[test]
fn packs_settled_daily_bring_the_agreed_price_of_them_all() {
    assert_eq!(daily("agreed:9.25/kg", 250), 92_500);
    assert_eq!(daily("agreed:4/kg", 100), 40_000);
}

#[test]
fn commission_on_packs_settled_daily_is_the_rate_of_them_all() {
    // 2.50 yuan each; 0.75 % of that is 1.875 fen, 2 fen each time.
    assert_eq!(daily("commission:75", 250), 100_000 - 750);
}

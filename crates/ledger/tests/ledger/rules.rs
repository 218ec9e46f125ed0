//! Histories that the services' own rules decide post cleanly, agree in any interleaving, and leave nothing open.

use std::collections::{BTreeMap, BTreeSet};

use loopledger_dice::Dice;
use loopledger_domain::{Commit, Event};
use loopledger_ledger::*;
use loopledger_types::divisions::Edition;
use loopledger_types::*;

use crate::county::County;
use crate::naive::Naive;
use crate::world::HOME;

fn interleaved(streams: &[Vec<Commit>; 4], seed: u64) -> Ledger {
    let mut dice = Dice::new(seed);
    let mut ledger = Ledger::new(HOME, Concerns::SERVICES);
    let mut rest = [0, 1, 2, 3].map(|stream: usize| streams[stream].iter());
    while rest.iter().any(|stream| !stream.as_slice().is_empty()) {
        let stream = dice.between(0, 3) as usize;
        for commit in rest[stream].by_ref().take(dice.between(1, 60) as usize) {
            ledger.apply(commit).unwrap();
        }
    }
    ledger
}

#[test]
fn what_the_rules_decide_posts_cleanly_and_gives_one_ledger_in_any_interleaving() {
    let mut kinds: BTreeMap<&'static str, usize> = BTreeMap::new();
    for seed in 0..12 {
        let streams = County::random(seed, 400);
        let mut naive = Naive::default();
        let mut journal = Journal::new();
        for commit in streams.iter().flatten() {
            assert_eq!(check_with(commit, &mut journal), Ok(()), "seed {seed}");
            for entry in journal.entries() {
                *kinds.entry(entry.text.code()).or_default() += 1;
            }
            naive.read(commit);
        }
        naive.pair_equations_hold();
        let ledger = interleaved(&streams, seed);
        assert_eq!(ledger.open_hand_over_count(), 0, "seed {seed}: {:?}", ledger.open_hand_overs());
        let digest = ledger.ledger_digest();
        for round in 1..3 {
            assert_eq!(
                interleaved(&streams, seed + round * 1_000).ledger_digest(),
                digest,
                "seed {seed} round {round}"
            );
        }
        income_is_the_movement_of_the_books(&streams, &naive, &ledger, seed);
        lots_hold_what_the_journal_says(&naive, &ledger, seed);
    }
    let met: BTreeSet<&str> = kinds.keys().copied().collect();
    let missing: Vec<&str> = EntryText::ALL.iter().map(|text| text.code()).filter(|code| !met.contains(code)).collect();
    // No contract ends and no destination vanishes here, so nothing is declined or taken back.
    // Nothing posts an inspection.
    assert_eq!(missing, ["returned", "taken_back", "valued", "inspected"], "{kinds:?}");
}

fn income_is_the_movement_of_the_books(streams: &[Vec<Commit>; 4], naive: &Naive, ledger: &Ledger, seed: u64) {
    let from = BusinessDate::parse("2020-01-01").unwrap();
    let query = IncomeQuery { from, to: from.plus_days(9_999), as_of: None, edition: Edition::FIRST };
    for event in streams[0].iter().flat_map(|commit| &commit.events) {
        let Event::Procurement(loopledger_domain::procurement::Event::HouseholdRegistered(fact)) = event else {
            continue;
        };
        let days = naive.income.iter().filter(|((id, _), _)| *id == fact.household);
        let expected =
            days.fold((0, 0, 0), |(g, c, r), (_, (gross, cost, received))| (g + gross, c + cost, r + received));
        let sums = ledger.household_income(fact.household, query).unwrap().total;
        assert_eq!((sums.gross, sums.cost, sums.received), expected, "seed {seed}");
    }
}

fn lots_hold_what_the_journal_says(naive: &Naive, ledger: &Ledger, seed: u64) {
    let mut expected: BTreeMap<LotId, BTreeMap<(u16, GoodsAt), i64>> = BTreeMap::new();
    for ((lot, pool, _, at, _), quantity) in &naive.goods {
        *expected.entry(*lot).or_default().entry((*pool, *at)).or_default() += quantity;
    }
    for (lot, mut cells) in expected {
        cells.retain(|_, quantity| *quantity != 0);
        let found = ledger.trace_lot(lot).unwrap().balances;
        let found: BTreeMap<_, _> = found.into_iter().map(|(pool, at, quantity)| ((pool, at), quantity)).collect();
        assert_eq!(found, cells, "seed {seed}");
        assert!(found.iter().all(|((_, at), quantity)| *quantity > 0 || !at.account.is_stock()), "seed {seed}");
    }
}

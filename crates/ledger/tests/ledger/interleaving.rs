//! Any interleaving of the same commits gives the same ledger.

use loopledger_dice::Dice;
use loopledger_domain::{Commit, Event, sales};
use loopledger_ledger::*;
use loopledger_types::divisions::Edition;
use loopledger_types::*;

use crate::random::concerns;
use crate::world::{HOME, World};

/// Applies the streams' first `upto` commits in a random interleaving.
pub(crate) fn shuffled(world: &World, seed: u64, upto: [usize; 4]) -> Ledger {
    let mut dice = Dice::new(seed);
    let mut ledger = Ledger::new(HOME, concerns());
    let mut next = [0; 4];
    loop {
        let open: Vec<usize> = (0..4).filter(|s| next[*s] < upto[*s]).collect();
        if open.is_empty() {
            return ledger;
        }
        let stream = dice.one_of(&open);
        // Runs of one stream, so that whole streams get far ahead of the others.
        for _ in 0..dice.between(1, 40) {
            if next[stream] < upto[stream] {
                ledger.apply(&world.streams[stream][next[stream]]).unwrap();
                next[stream] += 1;
            }
        }
    }
}

pub(crate) fn in_order(world: &World) -> Ledger {
    apply_all(&world.all)
}

pub(crate) fn apply_all(commits: &[Commit]) -> Ledger {
    let mut ledger = Ledger::new(HOME, concerns());
    for commit in commits {
        ledger.apply(commit).unwrap();
    }
    ledger
}

#[test]
fn every_interleaving_ends_in_one_digest_and_the_same_answers() {
    for seed in 0..25 {
        let world = World::random(seed, 150);
        let straight = in_order(&world);
        let (digest, state) = (straight.ledger_digest(), straight.state_digest(straight.ledger_digest()));
        let lengths = [0, 1, 2, 3].map(|s| world.streams[s].len());
        for round in 0..4 {
            let other = shuffled(&world, seed * 31 + round, lengths);
            assert_eq!(other.ledger_digest(), digest, "seed {seed} round {round}");
            assert_eq!(other.state_digest(digest), state, "seed {seed} round {round}");
            assert_eq!(other.open_hand_overs(), straight.open_hand_overs(), "seed {seed} round {round}");
            let query = LoopQuery {
                division: None,
                product: None,
                from: Month::parse("2020-01").unwrap(),
                to: Month::parse("2021-12").unwrap(),
                edition: Edition::FIRST,
            };
            assert_eq!(other.loop_measures(query), straight.loop_measures(query), "seed {seed} round {round}");
            for lot in &world.lots {
                assert_eq!(other.trace_lot(lot.lot), straight.trace_lot(lot.lot), "seed {seed} round {round}");
            }
        }
    }
}

#[test]
fn the_same_heads_agree_even_where_a_stream_is_far_behind() {
    for seed in 0..25 {
        let world = World::random(seed, 100);
        let mut dice = Dice::new(seed);
        let upto = [0, 1, 2, 3].map(|s| dice.between(0, world.streams[s].len() as i64) as usize);
        let one = shuffled(&world, 1, upto);
        for round in 2..5 {
            let other = shuffled(&world, round, upto);
            assert_eq!(other.ledger_digest(), one.ledger_digest(), "seed {seed} round {round}");
            assert_eq!(other.open_hand_overs(), one.open_hand_overs(), "seed {seed} round {round}");
            assert_eq!(other.open_hand_over_count(), one.open_hand_over_count(), "seed {seed} round {round}");
        }
    }
}

#[test]
fn another_amount_is_another_digest() {
    let world = World::random(3, 60);
    let mut commits = world.all.clone();
    let changed = commits.iter_mut().flat_map(|c| &mut c.events).find_map(|event| match event {
        Event::Sales(sales::Event::PaymentReceived(fact)) => Some(&mut fact.applied),
        _ => None,
    });
    changed.unwrap().0 += 1;
    assert_ne!(apply_all(&commits).ledger_digest(), in_order(&world).ledger_digest());
}

#[test]
fn an_income_line_that_no_posting_shows_is_in_the_digest() {
    let world = World::random(3, 300);
    let mut commits = world.all.clone();
    let settled = commits.iter_mut().flat_map(|c| &mut c.events).find_map(|event| match event {
        Event::Sales(sales::Event::ConsignmentSettled(fact)) => Some(&mut fact.lines[0].source_quantity),
        _ => None,
    });
    settled.unwrap().0 += 1;
    assert_ne!(apply_all(&commits).ledger_digest(), in_order(&world).ledger_digest());
}

#[test]
fn consequences_are_awaited_until_the_last_reaction_is_in() {
    let mut world = World::new(9);
    let terms = loopledger_domain::Terms::Outright {
        buyer: world.coop,
        price: crate::world::per_kilogram(100),
        contract: None,
    };
    world.collect(world.households[0], terms, world.products[0], 1_000, true);
    let mut ledger = Ledger::new(HOME, concerns());
    let (before, chain) = world.all.split_at(world.all.len() - 3);
    for commit in before {
        ledger.apply(commit).unwrap();
    }
    let [collected, accepted, released] = chain else { unreachable!() };
    let done = |ledger: &Ledger| ledger.consequences_are_in(Service::Station, collected.sequence);
    assert!(!done(&ledger), "not read yet");
    ledger.apply(collected).unwrap();
    assert!(!done(&ledger), "procurement has not answered");
    let before = collected.sequence - 1;
    assert!(ledger.consequences_are_in(Service::Station, before), "what stands before it is settled");
    assert_eq!(ledger.open_hand_overs()[0].awaiting, [Service::Procurement]);
    ledger.apply(accepted).unwrap();
    assert!(!done(&ledger), "station has not released");
    let open = ledger.open_hand_overs();
    assert_eq!((open[0].commit.service, open[0].root.service), (Service::Procurement, Service::Station));
    let later = ledger.consequences_are_in(Service::Station, ledger.head(Service::Station).head.sequence);
    assert!(!later, "a commit behind a position waits for all that the position stands on");
    ledger.apply(released).unwrap();
    assert!(done(&ledger));
    assert!(ledger.consequences_are_in(Service::Station, released.sequence));
    assert_eq!(ledger.open_hand_over_count(), 0);
}

#[test]
fn commits_out_of_order_or_of_another_county_are_refused() {
    let world = World::new(1);
    let mut ledger = Ledger::new(HOME, concerns());
    let second = world.streams[0][1].clone();
    assert!(matches!(ledger.apply(&second), Err(ApplyError::OutOfOrder { head: 0, .. })));
    let mut ledger = Ledger::new(CountyCode::parse("654201").unwrap(), concerns());
    assert!(matches!(ledger.apply(&world.streams[0][0]), Err(ApplyError::OtherCounty { .. })));
}

//! Saved pages give back the same ledger, which goes on as if it had never stopped.

use std::collections::BTreeMap;

use loopledger_ledger::*;
use loopledger_types::*;

use crate::interleaving::in_order;
use crate::random::concerns;
use crate::world::{HOME, World};

#[test]
fn a_ledger_loaded_from_its_pages_goes_on_to_the_same_state() {
    let mut some_open = false;
    for seed in 0..10 {
        let world = World::random(seed, 400);
        let straight = in_order(&world);
        let mut saved: BTreeMap<PageKey, Vec<u8>> = BTreeMap::new();
        let mut ledger = Ledger::new(HOME, concerns());
        for (n, commit) in world.all.iter().enumerate() {
            ledger.apply(commit).unwrap();
            if n % 97 == 0 {
                saved.extend(ledger.drain_changed());
                let open = ledger.open_hand_overs();
                some_open |= !open.is_empty();
                ledger = Ledger::load(HOME, concerns(), saved.iter().map(|(k, v)| (*k, v))).unwrap();
                assert_eq!(ledger.open_hand_overs(), open, "seed {seed}");
            }
        }
        assert_eq!(ledger.ledger_digest(), straight.ledger_digest(), "seed {seed}");
        let digest = straight.ledger_digest();
        assert_eq!(ledger.state_digest(digest), straight.state_digest(digest), "seed {seed}");
        assert_eq!(ledger.open_hand_overs(), straight.open_hand_overs(), "seed {seed}");
        let day = world.day;
        assert_eq!(ledger.places(), straight.places());
        assert_eq!(ledger.products(), straight.products());
        assert_eq!(ledger.parties(None, day, None), straight.parties(None, day, None));
        assert_eq!(ledger.days(None), straight.days(None));
        assert_eq!(ledger.valuation(None, day), straight.valuation(None, day));
    }
    assert!(some_open, "no checkpoint was cut between a hand-over and its answer");
}

/// Taken a page at a time between commits, a checkpoint is the state as of its cut.
#[test]
fn a_checkpoint_is_of_its_cut_whatever_is_folded_while_it_is_taken() {
    for seed in 0..10 {
        let world = World::random(seed, 400);
        let mut saved: BTreeMap<PageKey, Vec<u8>> = BTreeMap::new();
        let mut ledger = Ledger::new(HOME, concerns());
        let mut at_cut = None;
        for (n, commit) in world.all.iter().enumerate() {
            if n % 61 == 0 {
                if let Some((digest, state, open)) = at_cut.take() {
                    saved.extend(core::iter::from_fn(|| ledger.take_changed()));
                    let loaded = Ledger::load(HOME, concerns(), saved.iter().map(|(k, v)| (*k, v))).unwrap();
                    assert_eq!((loaded.ledger_digest(), loaded.state_digest(digest)), (digest, state), "seed {seed}");
                    assert_eq!(loaded.open_hand_overs(), open, "seed {seed}");
                }
                saved.extend(ledger.begin_checkpoint());
                let digest = ledger.ledger_digest();
                at_cut = Some((digest, ledger.state_digest(digest), ledger.open_hand_overs()));
            }
            ledger.apply(commit).unwrap();
            if n % 5 == 0 {
                saved.extend(ledger.take_changed());
            }
        }
    }
}

#[test]
fn page_keys_sort_as_their_bytes() {
    let keys = [(2, 1), (2, 256), (2, 257), (3, 0)].map(|(table, page)| PageKey { table, page });
    assert!(keys.windows(2).all(|pair| pair[0] < pair[1] && pair[0].to_bytes() < pair[1].to_bytes()));
    assert!(keys.iter().all(|key| PageKey::from_bytes(key.to_bytes()) == *key));
}

#[test]
fn damage_another_version_and_another_county_are_different_errors() {
    let world = World::random(1, 50);
    let mut ledger = in_order(&world);
    let saved: BTreeMap<PageKey, Vec<u8>> = ledger.drain_changed().into_iter().collect();
    let load = |pages: &BTreeMap<PageKey, Vec<u8>>, county| {
        Ledger::load(county, concerns(), pages.iter().map(|(k, v)| (*k, v))).map(|_| ())
    };
    assert_eq!(load(&saved, HOME), Ok(()));
    assert_eq!(load(&saved, CountyCode::parse("654201").unwrap()), Err(LoadError::OtherCounty));
    let head = PageKey { table: 0, page: 0 };
    let mut other = saved.clone();
    other.get_mut(&head).unwrap()[0] += 1;
    assert_eq!(load(&other, HOME), Err(LoadError::Version(CHECKPOINT_VERSION + 1)));
    let mut other = saved.clone();
    other.remove(&head);
    assert_eq!(load(&other, HOME), Err(LoadError::NoHead));
    let lots = PageKey { table: 6, page: 0 };
    let mut other = saved.clone();
    other.get_mut(&lots).unwrap().pop();
    assert_eq!(load(&other, HOME), Err(LoadError::Damaged { table: 6, page: 0 }));
}

//! The store of entities against a plain model: the history of all states, and what was handed to the state store.

use std::collections::{BTreeMap, BTreeSet};

use loopledger_domain::{Entities, Entity, Index};
use proptest::prelude::*;

/// A value; zero is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Thing(u8);

impl Entity for Thing {
    type Key = u8;

    fn is_closed(&self) -> bool {
        self.0 == 0
    }
}

/// Open things by value.
#[derive(Debug, Default, PartialEq, Eq)]
struct ByValue(BTreeSet<(u8, u8)>);

impl Index<Thing> for ByValue {
    fn update(&mut self, key: &u8, old: Option<&Thing>, new: Option<&Thing>) {
        if let Some(old) = old.filter(|old| !old.is_closed()) {
            assert!(self.0.remove(&(old.0, *key)));
        }
        if let Some(new) = new.filter(|new| !new.is_closed()) {
            assert!(self.0.insert((new.0, *key)));
        }
    }
}

#[derive(Debug, Clone)]
enum Act {
    /// A commit that writes these.
    Commit(Vec<(u8, u8)>),
    Reference(u8, u8),
    /// Something looks at it.
    Read(u8),
    Confirm,
    RollBack,
    /// Writes what is confirmed to the store.
    Drain,
    /// Forgets what was written and may be forgotten; other commits may have come in between.
    Evict,
    ForgetAbsent,
}

fn act() -> impl Strategy<Value = Act> {
    // Keys below 8 are written by commits, those from 8 on mirror upstream.
    prop_oneof![
        6 => prop::collection::vec((0_u8..8, 0_u8..4), 1..4).prop_map(Act::Commit),
        2 => (8_u8..12, 0_u8..4).prop_map(|(key, value)| Act::Reference(key, value)),
        2 => (0_u8..12).prop_map(Act::Read),
        4 => Just(Act::Confirm),
        1 => Just(Act::RollBack),
        2 => Just(Act::Drain),
        2 => Just(Act::Evict),
        1 => Just(Act::ForgetAbsent),
    ]
}

#[derive(Default)]
struct Model {
    confirmed: BTreeMap<u8, u8>,
    commits: Vec<Vec<(u8, u8)>>,
    reference: BTreeMap<u8, u8>,
    store: BTreeMap<u8, Thing>,
    /// Written, and not asked to be forgotten yet.
    written: Vec<u8>,
}

impl Model {
    fn now(&self) -> BTreeMap<u8, u8> {
        let written = self.commits.iter().flatten().copied();
        self.confirmed.clone().into_iter().chain(written).chain(self.reference.clone()).collect()
    }
}

fn perform(act: Act, entities: &mut Entities<Thing, ByValue>, model: &mut Model) {
    match act {
        Act::Commit(writes) => {
            for (key, value) in &writes {
                // What a commit changes was asked for before.
                load(entities, model, *key);
                entities.put(*key, Thing(*value));
            }
            entities.mark();
            model.commits.push(writes);
        }
        Act::Reference(key, value) => {
            load(entities, model, key);
            entities.put_reference(key, Thing(value));
            model.reference.insert(key, value);
        }
        Act::Read(key) => load(entities, model, key),
        Act::Confirm if model.commits.is_empty() => {}
        Act::Confirm => {
            entities.confirm();
            let commit = model.commits.remove(0);
            model.confirmed.extend(commit);
        }
        Act::RollBack => {
            entities.roll_back();
            model.commits.clear();
        }
        Act::Drain => {
            for (key, thing) in entities.drain_changed() {
                model.store.insert(key, thing.expect("nothing is ever deleted"));
                model.written.push(key);
            }
            let confirmed = model.confirmed.iter().chain(&model.reference).map(|(key, value)| (*key, Thing(*value)));
            assert_eq!(model.store, confirmed.collect(), "the store has what is confirmed, and nothing else");
        }
        Act::Evict => {
            entities.evict_closed(model.written.drain(..));
            let settled = model.commits.is_empty() && entities.changed_len() == 0;
            let closed = entities.sorted().iter().any(|(_, thing)| thing.is_closed());
            assert!(!(settled && closed), "memory holds what is open");
        }
        Act::ForgetAbsent => entities.forget_absent(),
    }
}

fn load(entities: &mut Entities<Thing, ByValue>, model: &Model, key: u8) {
    if !entities.is_known(&key) {
        entities.load(key, model.store.get(&key).cloned());
    }
}

proptest! {
    #[test]
    fn nothing_is_lost_between_memory_and_store(acts in prop::collection::vec(act(), 1..120)) {
        let (mut entities, mut model) = (Entities::<Thing, ByValue>::new(), Model::default());
        for act in acts {
            perform(act, &mut entities, &mut model);
            let now = model.now();
            for key in 0..12 {
                let expected = now.get(&key).map(|value| Thing(*value));
                if entities.is_known(&key) {
                    prop_assert_eq!(entities.get(&key), expected.as_ref());
                } else {
                    // Only what is closed, and stored as it is, may be away.
                    prop_assert_eq!(entities.get(&key), None);
                    prop_assert!(expected.as_ref().is_none_or(Entity::is_closed));
                    prop_assert_eq!(model.store.get(&key), expected.as_ref());
                }
            }
            let open = now.iter().filter(|(_, value)| **value != 0).map(|(key, value)| (*value, *key));
            prop_assert_eq!(&entities.index().0, &open.collect::<BTreeSet<_>>());
        }
    }
}

//! The entities of one service's state, with what a pipelining writer needs: undo, and what changed.
//!
//! A writer folds its commits before they are read back. `mark` ends the changes of one such commit, `confirm`
//! makes the oldest final, `roll_back` undoes all that are not. `drain_changed` hands confirmed changes, and only
//! those, to the state store. Closed entities may be evicted once stored; a decision that needs one again asks for it in `keys`.
//!
//! Deliberately not here: I/O, and any rule.

use core::fmt::Debug;
use core::hash::Hash;
use std::collections::{BTreeSet, VecDeque};

use loopledger_types::Table;

/// A thing with a key, held in a service's state.
pub trait Entity: Debug + Clone + PartialEq + Send + Sync + 'static {
    type Key: Debug + Copy + Eq + Ord + Hash + Send + Sync + 'static;

    /// Whether nothing more is expected of it, so that it may leave memory once it is stored.
    fn is_closed(&self) -> bool;
}

/// A view that is a function of the entities, kept up to date with every change (also of an undo).
/// A closed entity must contribute nothing.
pub trait Index<E: Entity>: Debug + Default + Send + Sync + 'static {
    fn update(&mut self, key: &E::Key, old: Option<&E>, new: Option<&E>);
}

/// For services that find everything by key.
#[derive(Debug, Default, Clone, Copy)]
pub struct NoIndex;

impl<E: Entity> Index<E> for NoIndex {
    fn update(&mut self, _: &E::Key, _: Option<&E>, _: Option<&E>) {}
}

/// One change of a commit that is not confirmed yet.
type Undo<E> = (<E as Entity>::Key, Option<E>);

#[derive(Debug)]
pub struct Entities<E: Entity, I: Index<E>> {
    /// `None`: known not to exist.
    known: Table<E::Key, Option<E>>,
    index: I,
    /// Whether what is not in `known` does not exist: true until something was evicted or only partly loaded.
    complete: bool,
    /// Old values of unconfirmed changes, oldest commit first.
    undo: VecDeque<Undo<E>>,
    /// Number of changes of each unconfirmed commit, oldest first.
    marks: VecDeque<usize>,
    /// Changes since the last mark.
    open_changes: usize,
    /// Confirmed changes since the last `drain_changed`.
    changed: Table<E::Key, ()>,
    /// What the next eviction looks at besides what was just written: closed entities that came from the store, and
    /// what an unconfirmed commit touched at the last one, as it may be rolled back.
    to_forget: BTreeSet<E::Key>,
}

impl<E: Entity, I: Index<E>> Default for Entities<E, I> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E: Entity, I: Index<E>> Entities<E, I> {
    pub fn new() -> Self {
        Self {
            known: Table::new(),
            index: I::default(),
            complete: true,
            undo: VecDeque::new(),
            marks: VecDeque::new(),
            open_changes: 0,
            changed: Table::new(),
            to_forget: BTreeSet::new(),
        }
    }

    pub fn get(&self, key: &E::Key) -> Option<&E> {
        self.known.get(key)?.as_ref()
    }

    pub const fn index(&self) -> &I {
        &self.index
    }

    /// Whether it is settled, without asking the store, if the entity exists.
    pub fn is_known(&self, key: &E::Key) -> bool {
        self.complete || self.known.contains_key(key)
    }

    /// Writes an entity of the own stream; undone by `roll_back` until it is confirmed.
    pub fn put(&mut self, key: E::Key, entity: E) {
        let old = self.replace(key, Some(entity));
        self.undo.push_back((key, old));
        self.open_changes = self.open_changes.saturating_add(1);
    }

    /// Writes an entity that mirrors what upstream said: final at once.
    pub fn put_reference(&mut self, key: E::Key, entity: E) {
        self.replace(key, Some(entity));
        self.changed.insert(key, ());
    }

    /// Takes what the store knows of `key`.
    pub fn load(&mut self, key: E::Key, entity: Option<E>) {
        if entity.as_ref().is_some_and(Entity::is_closed) {
            self.to_forget.insert(key);
        }
        self.replace(key, entity);
    }

    /// Says that the store may hold entities that are not in memory.
    pub const fn set_incomplete(&mut self) {
        self.complete = false;
    }

    /// Ends the changes of one commit.
    pub fn mark(&mut self) {
        self.marks.push_back(core::mem::take(&mut self.open_changes));
    }

    /// The oldest marked commit is final.
    pub fn confirm(&mut self) {
        let changes = self.marks.pop_front().unwrap_or(0);
        for (key, _) in self.undo.drain(..changes) {
            self.changed.insert(key, ());
        }
    }

    /// Undoes every change that is not confirmed, newest first.
    pub fn roll_back(&mut self) {
        while let Some((key, old)) = self.undo.pop_back() {
            self.replace(key, old);
        }
        self.marks.clear();
        self.open_changes = 0;
    }

    /// How many confirmed changes wait for `drain_changed`.
    pub fn changed_len(&self) -> usize {
        self.changed.len()
    }

    /// Confirmed values of everything confirmed since the last call, in key order.
    pub fn drain_changed(&mut self) -> Vec<(E::Key, Option<E>)> {
        // A key that an unconfirmed commit changed again has its confirmed value in that commit's undo.
        let mut confirmed: Table<E::Key, Option<E>> = Table::new();
        for (key, old) in &self.undo {
            if self.changed.contains_key(key) && !confirmed.contains_key(key) {
                confirmed.insert(*key, old.clone());
            }
        }
        let changed = core::mem::take(&mut self.changed);
        let mut value = |key: &E::Key| confirmed.remove(key).unwrap_or_else(|| self.get(key).cloned());
        changed.sorted().into_iter().map(|(key, ())| (*key, value(key))).collect()
    }

    /// Forgets closed entities among `keys` (which the store holds by now), and among those that were loaded, that no
    /// unwritten change touches.
    pub fn evict_closed(&mut self, keys: impl IntoIterator<Item = E::Key>) {
        let mut touched = Table::new();
        for (key, _) in &self.undo {
            touched.insert(*key, ());
        }
        for key in core::mem::take(&mut self.to_forget).into_iter().chain(keys) {
            if touched.contains_key(&key) {
                self.to_forget.insert(key);
            } else if self.get(&key).is_some_and(Entity::is_closed) && !self.changed.contains_key(&key) {
                // It contributes nothing to the index.
                self.known.remove(&key);
                self.complete = false;
            }
        }
    }

    /// Forgets that `keys` are known not to exist, so that memory does not grow with what strangers ask for.
    pub fn forget_absent(&mut self) {
        if !self.complete && self.marks.is_empty() && self.open_changes == 0 {
            self.known.retain(|_, entity| entity.is_some());
        }
    }

    /// Every entity in key order: for tests, digests and listings.
    pub fn sorted(&self) -> Vec<(&E::Key, &E)> {
        self.known.sorted().into_iter().filter_map(|(key, entity)| entity.as_ref().map(|e| (key, e))).collect()
    }

    pub fn len(&self) -> usize {
        self.known.len()
    }

    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    fn replace(&mut self, key: E::Key, new: Option<E>) -> Option<E> {
        let old = self.known.insert(key, new).flatten();
        let new = self.known.get(&key).and_then(Option::as_ref);
        self.index.update(&key, old.as_ref(), new);
        old
    }
}

//! Places for calls that wait for something: each caller has so many, and no caller has those of another.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Caller;

#[derive(Debug)]
pub struct Places {
    max: usize,
    taken: Mutex<BTreeMap<Caller, usize>>,
}

/// A place. Dropping it, with the call that waits, frees it at once.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    caller: Caller,
}

impl Places {
    /// So many for each caller.
    pub fn new(max: usize) -> Self {
        Self { max, taken: Mutex::default() }
    }

    /// A place for `caller`; `None` if it has taken all of its own. The process itself always gets one.
    pub fn take(self: &Arc<Self>, caller: Caller) -> Option<Place> {
        let mut taken = self.lock();
        let count = taken.entry(caller).or_default();
        if *count >= self.max && caller != Caller::PROCESS {
            return None;
        }
        *count = count.saturating_add(1);
        Some(Place { places: Arc::clone(self), caller })
    }

    /// Places that are taken now, by all callers.
    pub fn taken(&self) -> usize {
        self.lock().values().sum()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Caller, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        if let Some(count) = taken.get_mut(&self.caller) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                taken.remove(&self.caller);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_takes_only_its_own_places() {
        let places = Arc::new(Places::new(2));
        let (first, second) = (Caller::connection(1), Caller::connection(2));
        let mut held: Vec<_> = (0..2).map(|_| places.take(first).unwrap()).collect();
        assert!(places.take(first).is_none());
        let other = places.take(second).unwrap();
        assert_eq!(places.taken(), 3);
        held.pop();
        assert!(places.take(first).is_some(), "a place is free as soon as it is given back");
        assert!((0..100).map(|_| places.take(Caller::PROCESS)).all(|place| place.is_some()));
        drop((held, other));
        assert_eq!(places.taken(), 0);
    }
}

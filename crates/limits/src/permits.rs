//! Permits to wait: each caller has so many, and no caller takes those of another.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Caller;

#[derive(Debug)]
pub struct Permits {
    max: usize,
    taken: Mutex<BTreeMap<Caller, usize>>,
}

/// A permit to wait. Dropping it, with the call that waits, gives it back at once.
#[derive(Debug)]
pub struct Permit {
    permits: Arc<Permits>,
    caller: Caller,
}

impl Permits {
    /// So many for each caller.
    pub fn new(max: usize) -> Self {
        Self { max, taken: Mutex::default() }
    }

    /// A permit for `caller`; `None` if it has taken all of its own. The process itself always gets one.
    pub fn take(self: &Arc<Self>, caller: Caller) -> Option<Permit> {
        let mut taken = self.lock();
        let count = taken.entry(caller).or_default();
        if *count >= self.max && caller != Caller::PROCESS {
            return None;
        }
        *count = count.saturating_add(1);
        Some(Permit { permits: Arc::clone(self), caller })
    }

    /// Permits that are taken now, by all callers.
    pub fn taken(&self) -> usize {
        self.lock().values().sum()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Caller, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut taken = self.permits.lock();
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
    fn a_caller_takes_only_its_own_permits() {
        let permits = Arc::new(Permits::new(2));
        let (first, second) = (Caller::connection(1), Caller::connection(2));
        let mut held: Vec<_> = (0..2).map(|_| permits.take(first).unwrap()).collect();
        assert!(permits.take(first).is_none());
        let other = permits.take(second).unwrap();
        assert_eq!(permits.taken(), 3);
        held.pop();
        assert!(permits.take(first).is_some(), "a permit can be taken as soon as it is given back");
        assert!((0..100).map(|_| permits.take(Caller::PROCESS)).all(|permit| permit.is_some()));
        drop((held, other));
        assert_eq!(permits.taken(), 0);
    }
}

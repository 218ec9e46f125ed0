//! A queue in which callers take turns, however many things each of them has put into it.

use std::collections::{BTreeMap, VecDeque};

use super::Caller;

#[derive(Debug)]
pub struct FairQueue<T> {
    /// Every caller in it has something queued.
    by_caller: BTreeMap<Caller, VecDeque<T>>,
    /// Whose turn is next; each caller once.
    turns: VecDeque<Caller>,
}

impl<T> Default for FairQueue<T> {
    fn default() -> Self {
        Self { by_caller: BTreeMap::new(), turns: VecDeque::new() }
    }
}

impl<T> FairQueue<T> {
    /// Behind everything else of this caller.
    pub fn push(&mut self, caller: Caller, item: T) {
        let queue = self.by_caller.entry(caller).or_default();
        if queue.is_empty() {
            self.turns.push_back(caller);
        }
        queue.push_back(item);
    }

    /// The first of the caller whose turn it is.
    pub fn pop(&mut self) -> Option<T> {
        let caller = self.turns.pop_front()?;
        let queue = self.by_caller.get_mut(&caller)?;
        let item = queue.pop_front();
        if queue.is_empty() {
            self.by_caller.remove(&caller);
        } else {
            self.turns.push_back(caller);
        }
        item
    }

    /// Takes out what a caller wants no more.
    pub fn retain_of(&mut self, caller: Caller, keep: impl FnMut(&T) -> bool) {
        let Some(queue) = self.by_caller.get_mut(&caller) else { return };
        queue.retain(keep);
        if queue.is_empty() {
            self.by_caller.remove(&caller);
            self.turns.retain(|waiting| *waiting != caller);
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.by_caller.values().map(VecDeque::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_take_turns_in_the_order_of_their_coming() {
        let mut queue = FairQueue::default();
        for (caller, item) in [(1, "a"), (1, "b"), (1, "c"), (2, "x"), (3, "p"), (2, "y")] {
            queue.push(Caller::connection(caller), item);
        }
        queue.retain_of(Caller::connection(3), |_| false);
        let order: Vec<_> = core::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(order, ["a", "x", "b", "y", "c"]);
        assert_eq!(queue.len(), 0);
    }
}

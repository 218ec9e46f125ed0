//! Turns at something of which only a few may go on at a time: callers take them one after the other, so that one with
//! many calls waits behind its own.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::{Caller, FairQueue};

#[derive(Debug)]
pub struct Turns {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    free: usize,
    waiting: FairQueue<oneshot::Sender<Turn>>,
}

/// A turn. Dropping it lets the next caller go on.
#[derive(Debug)]
pub struct Turn {
    /// `None` once it was handed on.
    turns: Option<Arc<Turns>>,
}

impl Turns {
    /// For so many at a time.
    pub fn new(at_a_time: usize) -> Self {
        Self { state: Mutex::new(State { free: at_a_time, waiting: FairQueue::default() }) }
    }

    /// Waits for this caller's turn. Dropping the future leaves the queue.
    pub async fn take(self: &Arc<Self>, caller: Caller) -> Turn {
        let waiting = {
            let mut state = self.lock();
            if let Some(free) = state.free.checked_sub(1) {
                state.free = free;
                return Turn { turns: Some(Arc::clone(self)) };
            }
            // What a caller waited for and gave up is not kept until its turn comes.
            state.waiting.retain_of(caller, |waiting| !waiting.is_closed());
            let (turn, waiting) = oneshot::channel();
            state.waiting.push(caller, turn);
            waiting
        };
        waiting.await.expect("a queued turn is handed on, not dropped")
    }

    fn hand_on(self: Arc<Self>) {
        let mut state = self.lock();
        while let Some(next) = state.waiting.pop() {
            match next.send(Turn { turns: Some(Arc::clone(&self)) }) {
                Ok(()) => return,
                // It is not wanted any more: the next one has it, and not its `Drop`.
                Err(mut turn) => turn.turns = None,
            }
        }
        state.free = state.free.saturating_add(1);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(turns) = self.turns.take() {
            turns.hand_on();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    const MANY: Caller = Caller::connection(1);
    const OTHER: Caller = Caller::connection(2);

    #[tokio::test]
    async fn a_caller_with_many_calls_waits_behind_its_own() {
        let turns = Arc::new(Turns::new(1));
        let held = turns.take(MANY).await;
        let mut queued: Vec<_> = (0..3).map(|_| Box::pin(turns.take(MANY))).collect();
        assert!(queued.iter_mut().all(|waiting| waiting.now_or_never().is_none()));
        let mut other = Box::pin(turns.take(OTHER));
        assert!((&mut other).now_or_never().is_none());
        drop(held);
        let first = (&mut queued[0]).now_or_never().expect("who came first has the first turn");
        drop(first);
        let second = (&mut other).now_or_never().expect("then the other caller, before the rest of the many");
        assert!((&mut queued[1]).now_or_never().is_none());
        drop(second);
        assert!((&mut queued[1]).now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_turn_that_is_not_wanted_any_more_goes_to_the_next() {
        let turns = Arc::new(Turns::new(1));
        let held = turns.take(MANY).await;
        for _ in 0..1_000 {
            assert!(turns.take(MANY).now_or_never().is_none());
        }
        assert!(turns.lock().waiting.len() <= 1, "what was given up is not kept");
        let mut other = Box::pin(turns.take(OTHER));
        assert!((&mut other).now_or_never().is_none());
        drop(held);
        drop((&mut other).now_or_never().expect("the one that still waits has it"));
        // Received and never looked at: it is given back all the same.
        let held = turns.take(MANY).await;
        let mut unseen = Box::pin(turns.take(OTHER));
        assert!((&mut unseen).now_or_never().is_none());
        drop(held);
        drop(unseen);
        assert!(turns.take(MANY).now_or_never().is_some());
    }
}

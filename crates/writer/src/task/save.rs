//! Checkpoints of the task: when one is cut, and what it says.

use loopledger_domain::Decider;
use loopledger_state_store::Progress;
use tokio::time::Instant;

use super::Task;
use crate::Halt;

impl<D: Decider> Task<D> {
    /// Whether there is as much to be stored as one checkpoint should hold: nothing more is read or decided then.
    pub(super) fn is_backlogged(&self) -> bool {
        self.store.is_backlogged(self.speculation.changed_len())
    }

    /// Cuts a checkpoint if one is due and the store takes it.
    pub(super) fn checkpoint(&mut self, now: Instant) -> Result<(), Halt> {
        if self.store.wants_checkpoint(now, self.speculation.changed_len())? {
            self.cut()?;
        }
        Ok(())
    }

    /// Stores everything before the end.
    pub(super) fn last_checkpoint(&mut self) -> Result<(), Halt> {
        if self.store.wants_last_checkpoint()? {
            self.cut()?;
        }
        self.store.flush()
    }

    fn cut(&mut self) -> Result<(), Halt> {
        let entities = self.speculation.drain_changed();
        let stored = self.store.submit(self.progress(), entities)?;
        self.speculation.forget_stored(stored);
        Ok(())
    }

    /// What a restart resumes from: confirmed commits only.
    fn progress(&self) -> Progress {
        let chain = self.own.chain();
        Progress {
            head: chain.head,
            offset: self.own.offset().0,
            recorded_at: chain.recorded_at,
            newest: self.clock.newest(),
            referenced: self.losses.owed(chain.head.sequence),
            upstream: self.upstream.progress(&chain.named),
        }
    }
}

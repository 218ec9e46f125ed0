//! Several streams folded together, roughly in the order of recording: any order gives the same ledger, but far-apart
//! streams would leave millions of hand-overs waiting for their answers.

use core::future::poll_fn;
use core::task::Poll;

use loopledger_event_log::Offset;
use loopledger_service::feed::Admitted;
use loopledger_types::{Service, Timestamp};
use tokio::sync::mpsc;

use crate::health::Halt;

/// Batches of a stream that are decoded ahead: a read of 256 KiB each.
pub(crate) const BATCHES_AHEAD: usize = 4;

/// What a follower hands over.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) commits: Vec<Admitted>,
    /// Everything before this offset was read.
    pub(crate) next: Offset,
    /// Void records so far.
    pub(crate) voids: u64,
    /// Reading waits for somebody else, so this stream must not be waited for.
    pub(crate) is_held: bool,
}

/// One stream.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) service: Service,
    inbox: mpsc::Receiver<Result<Batch, Halt>>,
    is_open: bool,
    /// Reading waits for somebody else until something comes.
    is_held: bool,
    front: Option<Batch>,
    /// Commits of `front` that were taken already.
    taken: usize,
    /// Where the log ended at the start.
    pub(crate) target: Offset,
    /// Everything before this offset was taken.
    pub(crate) read: Offset,
}

impl Lane {
    pub(crate) fn new(
        service: Service,
        inbox: mpsc::Receiver<Result<Batch, Halt>>,
        read: Offset,
        target: Offset,
    ) -> Self {
        Self { service, inbox, is_open: true, is_held: false, front: None, taken: 0, target, read }
    }

    pub(crate) fn is_caught_up(&self) -> bool {
        !self.is_open || self.read >= self.target
    }

    /// What is not taken yet of the batch in front.
    pub(crate) fn commits(&self) -> &[Admitted] {
        self.front.as_ref().and_then(|batch| batch.commits.get(self.taken..)).unwrap_or_default()
    }

    /// The first `count` commits in front are done with.
    pub(crate) fn take(&mut self, count: usize) {
        self.taken = self.taken.saturating_add(count);
        self.settle();
    }

    /// Stops; what is in front is dropped.
    pub(crate) fn close(&mut self) {
        self.inbox.close();
        self.is_open = false;
        self.front = None;
    }

    fn settle(&mut self) {
        if let Some(batch) = self.front.take_if(|batch| self.taken >= batch.commits.len()) {
            self.read = batch.next;
            self.taken = 0;
        }
    }

    fn recorded_at(&self) -> Option<Timestamp> {
        self.commits().first().map(|admitted| admitted.commit.recorded_at)
    }
}

/// What happened to a lane while it was waited for.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// A batch: this many void records so far.
    Batch(Service, u64),
    Halted(Service, Halt),
    /// A follower ended.
    Closed,
}

#[derive(Debug)]
pub(crate) struct Merge {
    pub(crate) lanes: Vec<Lane>,
}

impl Merge {
    /// The index of the lane to go on with, once there is no lane left that could still turn out to be earlier: a lane that is
    /// catching up is waited for. `None`: wait for an [`arrival`](Self::arrival).
    pub(crate) fn next(&self) -> Option<usize> {
        let is_waited_for =
            |lane: &Lane| lane.is_open && !lane.is_held && lane.front.is_none() && lane.read < lane.target;
        if self.lanes.iter().any(is_waited_for) {
            return None;
        }
        let ready = self.lanes.iter().enumerate().filter(|(_, lane)| lane.front.is_some());
        ready.min_by_key(|(_, lane)| lane.recorded_at()).map(|(index, _)| index)
    }

    /// Waits for a batch of any lane that has none in front. Cancel-safe.
    pub(crate) async fn arrival(&mut self) -> Arrival {
        poll_fn(|context| {
            for lane in &mut self.lanes {
                if !lane.is_open || lane.front.is_some() {
                    continue;
                }
                match lane.inbox.poll_recv(context) {
                    Poll::Ready(Some(Ok(batch))) => {
                        let voids = batch.voids;
                        lane.is_held = batch.is_held;
                        lane.front = Some(batch);
                        lane.settle();
                        return Poll::Ready(Arrival::Batch(lane.service, voids));
                    }
                    Poll::Ready(Some(Err(halt))) => {
                        lane.is_open = false;
                        return Poll::Ready(Arrival::Halted(lane.service, halt));
                    }
                    Poll::Ready(None) => {
                        lane.is_open = false;
                        return Poll::Ready(Arrival::Closed);
                    }
                    Poll::Pending => {}
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Whether nothing more will come.
    pub(crate) fn is_done(&self) -> bool {
        self.lanes.iter().all(|lane| !lane.is_open && lane.front.is_none())
    }
}

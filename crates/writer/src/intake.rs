//! Taking in what callers ask, and holding back what must come after positions of streams.

use std::collections::VecDeque;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use loopledger_domain::Decider;
use loopledger_feed::{Feed, FollowError};
use loopledger_limits::Caller;
use loopledger_types::{Position, StreamId, WithCauses};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::WriteError;
use super::folded::Folded;
use super::job::{Input, Job, Query, ReceiptQuestion, Wait};
use super::waiting::{Known, Waiter, Waiting};

/// What callers asked that is taken from the queue at a time.
const TAKE_MAX: usize = 512;

/// Lookups of old positions under way at a time; each reads a stream from its beginning.
const VERIFICATIONS_MAX: usize = 4;

/// Something to be decided or looked at.
pub(super) enum Ready<D: Decider> {
    Job(Job<D>),
    Query(Box<dyn Query<D>>),
}

impl<D: Decider> Ready<D> {
    fn fail(self, error: WriteError) {
        match self {
            Self::Job(job) => job.reply.send(Err(error)),
            Self::Query(query) => query.fail(error),
        }
    }
}

/// Who asked for a position, and whether the log has it.
pub(super) type Verified = (u64, Position, Result<bool, FollowError>);

/// Whether positions have been folded.
enum Reached {
    All,
    Not(StreamId, u64),
    Unknown(Position),
    Failed(WriteError),
}

/// What callers asked and is not decided.
pub(super) struct Intake<D: Decider> {
    feed: Feed,
    inputs: mpsc::Receiver<Input<D>>,
    stop: CancellationToken,
    /// Nothing more is taken; what was taken is finished.
    is_closing: bool,
    /// Taken from the queue, and not looked at.
    taken: Vec<Input<D>>,
    /// To be decided, in this order.
    ready: VecDeque<Ready<D>>,
    waiting: Waiting<D>,
    verifications: FuturesUnordered<BoxFuture<'static, Verified>>,
    /// Changes of the halts of other writers that were looked at.
    halts_seen: u64,
}

impl<D: Decider> Intake<D> {
    pub(super) fn new(feed: Feed, inputs: mpsc::Receiver<Input<D>>, stop: CancellationToken) -> Self {
        Self {
            feed,
            inputs,
            stop,
            is_closing: false,
            taken: Vec::new(),
            ready: VecDeque::new(),
            waiting: Waiting::default(),
            verifications: FuturesUnordered::new(),
            halts_seen: 0,
        }
    }

    /// Whether more may be taken from the queue.
    pub(super) fn wants_more(&self) -> bool {
        self.ready.len() < TAKE_MAX
    }

    pub(super) fn is_verifying(&self) -> bool {
        !self.verifications.is_empty()
    }

    /// Waits for inputs, for a position to be looked up, and for the order to stop. All are cancel-safe.
    pub(super) fn wakes(
        &mut self,
    ) -> (impl Future<Output = usize>, impl Future<Output = Option<Verified>>, impl Future<Output = ()>) {
        (self.inputs.recv_many(&mut self.taken, TAKE_MAX), self.verifications.next(), self.stop.cancelled())
    }

    /// Takes what is in the queue, as far as there is room.
    pub(super) fn fill(&mut self) {
        while self.ready.len().saturating_add(self.taken.len()) < TAKE_MAX {
            let Ok(input) = self.inputs.try_recv() else { break };
            self.taken.push(input);
        }
    }

    /// What was taken from the queue, to be routed.
    pub(super) fn take(&mut self) -> Vec<Input<D>> {
        core::mem::take(&mut self.taken)
    }

    /// The memory of what was taken is used again.
    pub(super) fn give_back(&mut self, emptied: Vec<Input<D>>) {
        self.taken = emptied;
    }

    /// Puts an input where it waits for its turn; gives back what is answered at once, and not here.
    pub(super) fn route(&mut self, input: Input<D>, folded: Folded<'_>) -> Option<ReceiptQuestion> {
        match input {
            Input::Command(job) if job.write.after.is_empty() => self.ready.push_back(Ready::Job(job)),
            Input::Command(job) => {
                let (caller, positions, deadline) = (job.asking.caller, job.write.after.clone(), job.deadline);
                self.hold(caller, positions, deadline, Waiter::Job(job), folded);
            }
            Input::Query(query) => self.ready.push_back(Ready::Query(query)),
            Input::Wait(Wait { caller, positions, deadline, reply }) => {
                self.hold(caller, positions, deadline, Waiter::Caller(reply), folded);
            }
            Input::Receipt(question) => return Some(question),
        }
        None
    }

    fn hold(
        &mut self,
        caller: Caller,
        positions: Vec<Position>,
        deadline: Option<Instant>,
        waiter: Waiter<D>,
        folded: Folded<'_>,
    ) {
        if self.is_closing {
            waiter.fail(WriteError::ShuttingDown);
        } else {
            let id = self.waiting.add(caller, positions, deadline, waiter);
            self.recheck(vec![id], folded);
        }
    }

    /// A stream is folded up to `head`: those who waited for that go on.
    pub(super) fn note_folded(&mut self, stream: StreamId, head: u64, folded: Folded<'_>) {
        let reached = self.waiting.reached(stream, head);
        self.recheck(reached, folded);
    }

    /// Looks again at those whose positions may have been folded.
    fn recheck(&mut self, ids: Vec<u64>, folded: Folded<'_>) {
        for id in ids {
            let Some(positions) = self.waiting.positions(id) else { continue };
            match self.reached(positions, folded) {
                Reached::All => self.let_go(id),
                Reached::Not(stream, sequence) => self.waiting.block(id, stream, sequence),
                Reached::Failed(error) => {
                    if let Some(entry) = self.waiting.remove(id) {
                        entry.waiter.fail(error);
                    }
                }
                Reached::Unknown(position) => self.verify(id, position),
            }
        }
    }

    pub(super) const fn halts_seen(&self) -> u64 {
        self.halts_seen
    }

    /// Writers of this process halted, or went on: what is waited for in vain is not waited for.
    pub(super) fn take_halts(&mut self, changes: u64, folded: Folded<'_>) {
        self.halts_seen = changes;
        for stream in folded.upstream() {
            if self.feed.halted(stream).is_some() {
                self.note_folded(stream, u64::MAX, folded);
            }
        }
    }

    fn let_go(&mut self, id: u64) {
        match self.waiting.remove(id).map(|entry| entry.waiter) {
            Some(Waiter::Job(job)) => self.ready.push_back(Ready::Job(job)),
            Some(Waiter::Caller(reply)) => drop(reply.send(Ok(()))),
            None => {}
        }
    }

    fn reached(&self, positions: &[Position], folded: Folded<'_>) -> Reached {
        for position in positions {
            let Some(recent) = folded.recent(position.stream) else {
                return Reached::Failed(WriteError::StreamNotRead { stream: position.stream });
            };
            match recent.at(position.sequence) {
                Known::Hash(hash) if hash == position.hash => {}
                Known::Hash(_) => return Reached::Failed(WriteError::DataLoss(*position)),
                Known::NotYet => {
                    let halted = self.feed.halted(position.stream);
                    return match halted.filter(|halted| halted.is_beyond(position.sequence)) {
                        Some(halted) => Reached::Failed(WriteError::UpstreamHalted(halted.notice)),
                        None => Reached::Not(position.stream, position.sequence),
                    };
                }
                Known::Forgotten if self.waiting.is_verified(position) => {}
                Known::Forgotten => return Reached::Unknown(*position),
            }
        }
        Reached::All
    }

    fn verify(&mut self, id: u64, position: Position) {
        if self.verifications.len() >= VERIFICATIONS_MAX {
            return self.waiting.look_up(id);
        }
        let feed = self.feed.clone();
        self.verifications.push(Box::pin(async move { (id, position, feed.contains(position).await) }));
    }

    pub(super) fn take_verified(&mut self, (id, position, found): Verified, folded: Folded<'_>) {
        match found {
            Ok(true) => {
                self.waiting.set_verified(position);
                self.recheck(vec![id], folded);
            }
            Ok(false) => {
                if let Some(entry) = self.waiting.remove(id) {
                    entry.waiter.fail(WriteError::DataLoss(position));
                }
            }
            Err(error) => {
                tracing::warn!(stream = %position.stream, error = %WithCauses(&error), "could not look up a position");
                if let Some(entry) = self.waiting.remove(id) {
                    let read = folded.heads().get(position.stream).sequence;
                    let behind =
                        WriteError::UpstreamBehind { stream: position.stream, wanted: position.sequence, read };
                    entry.waiter.fail(behind);
                }
            }
        }
        while self.verifications.len() < VERIFICATIONS_MAX
            && let Some(next) = self.waiting.next_lookup()
        {
            self.recheck(vec![next], folded);
        }
    }

    /// Answers those whose deadline has passed.
    pub(super) fn expire(&mut self, now: Instant, folded: Folded<'_>) {
        while let Some((entry, blocked_on)) = self.waiting.expired(now) {
            let error = blocked_on.map_or(WriteError::DeadlineExceeded, |(stream, wanted)| {
                let read = folded.heads().get(stream).sequence;
                WriteError::UpstreamBehind { stream, wanted, read }
            });
            entry.waiter.fail(error);
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.waiting.next_deadline()
    }

    pub(super) fn pop_ready(&mut self) -> Option<Ready<D>> {
        self.ready.pop_front()
    }

    /// Puts something that was decided back in front, to be decided again.
    pub(super) fn put_back(&mut self, ready: Ready<D>) {
        self.ready.push_front(ready);
    }

    pub(super) fn ready_len(&self) -> usize {
        self.ready.len()
    }

    pub(super) fn waiting_len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) const fn is_closing(&self) -> bool {
        self.is_closing
    }

    /// Closes the queue: its remaining commands are still decided; callers that wait for positions are refused.
    pub(super) fn close(&mut self) {
        self.is_closing = true;
        self.inputs.close();
        while let Ok(input) = self.inputs.try_recv() {
            self.taken.push(input);
        }
        for entry in self.waiting.drain() {
            entry.waiter.fail(WriteError::ShuttingDown);
        }
    }

    /// Answers everything that was taken from the queue.
    pub(super) fn refuse_all(&mut self, error: &WriteError) {
        for ready in self.ready.drain(..) {
            ready.fail(error.clone());
        }
        for entry in self.waiting.drain() {
            entry.waiter.fail(error.clone());
        }
        while let Some(input) = self.taken.pop() {
            input.fail(error.clone());
        }
    }

    pub(super) fn into_inputs(self) -> mpsc::Receiver<Input<D>> {
        self.inputs
    }
}

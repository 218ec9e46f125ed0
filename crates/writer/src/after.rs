//! Taking in what callers ask, and holding back what must come after positions of streams.

use loopledger_domain::Decider;
use loopledger_types::{Head, Position, StreamId, WithCauses};
use loopledger_wire::Receipt;
use tokio::time::Instant;

use super::job::{Input, Wait};
use super::task::{Ready, Task};
use super::waiting::{Known, Waiter};
use super::{Halt, WriteError};
use loopledger_feed::FollowError;
use loopledger_limits::Caller;

/// Lookups of old positions under way at a time; each reads a stream from its beginning.
const VERIFICATIONS_MAX: usize = 4;

/// Whether positions have been folded.
enum Reached {
    All,
    Not(StreamId, u64),
    Unknown(Position),
    Failed(WriteError),
}

impl<D: Decider> Task<D> {
    pub(super) fn route(&mut self, input: Input<D>) -> Result<(), Halt> {
        match input {
            Input::Command(job) if job.write.after.is_empty() => self.ready.push_back(Ready::Job(job)),
            Input::Command(job) => {
                let (caller, positions, deadline) = (job.asking.caller, job.write.after.clone(), job.deadline);
                self.hold(caller, positions, deadline, Waiter::Job(job));
            }
            Input::Query(query) => self.ready.push_back(Ready::Query(query)),
            Input::Wait(Wait { caller, positions, deadline, reply }) => {
                self.hold(caller, positions, deadline, Waiter::Caller(reply));
            }
            Input::Receipt { request_id, reply } => {
                let found = match self.requests.get(&request_id) {
                    // Not read back yet: whether it stands is not known.
                    Some(request) if !request.confirmed => None,
                    Some(_) | None => self.find_request(request_id)?,
                };
                let position = |head: Head| Position { stream: self.stream, sequence: head.sequence, hash: head.hash };
                let receipt = found.map(|(head, _)| Receipt { position: position(head), request_id, repeated: true });
                drop(reply.send(Ok(receipt)));
            }
        }
        Ok(())
    }

    fn hold(&mut self, caller: Caller, positions: Vec<Position>, deadline: Option<Instant>, waiter: Waiter<D>) {
        if self.stopping {
            waiter.fail(WriteError::ShuttingDown);
        } else {
            let id = self.waiting.add(caller, positions, deadline, waiter);
            self.recheck(vec![id]);
        }
    }

    /// Looks again at those whose positions may have been folded.
    pub(super) fn recheck(&mut self, ids: Vec<u64>) {
        for id in ids {
            let Some(positions) = self.waiting.positions(id) else { continue };
            match self.reached(positions) {
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

    /// Writers of this process halted, or went on: what is waited for in vain is not waited for.
    pub(super) fn take_halts(&mut self, changes: u64) {
        self.halts_seen = changes;
        let streams: Vec<StreamId> = self.folded().upstream().collect();
        for stream in streams {
            if self.feed.halted(stream).is_some() {
                let blocked = self.waiting.reached(stream, u64::MAX);
                self.recheck(blocked);
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

    fn reached(&self, positions: &[Position]) -> Reached {
        for position in positions {
            let Some(recent) = self.folded().recent(position.stream) else {
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

    pub(super) fn take_verified(&mut self, id: u64, position: Position, found: Result<bool, FollowError>) {
        match found {
            Ok(true) => {
                self.waiting.set_verified(position);
                self.recheck(vec![id]);
            }
            Ok(false) => {
                if let Some(entry) = self.waiting.remove(id) {
                    entry.waiter.fail(WriteError::DataLoss(position));
                }
            }
            Err(error) => {
                tracing::warn!(stream = %position.stream, error = %WithCauses(&error), "could not look up a position");
                if let Some(entry) = self.waiting.remove(id) {
                    let read = self.folded().heads().get(position.stream).sequence;
                    let behind =
                        WriteError::UpstreamBehind { stream: position.stream, wanted: position.sequence, read };
                    entry.waiter.fail(behind);
                }
            }
        }
        while self.verifications.len() < VERIFICATIONS_MAX
            && let Some(next) = self.waiting.next_lookup()
        {
            self.recheck(vec![next]);
        }
    }

    /// Answers those whose deadline has passed.
    pub(super) fn expire(&mut self, now: Instant) {
        while let Some((entry, blocked_on)) = self.waiting.expired(now) {
            let error = blocked_on.map_or(WriteError::DeadlineExceeded, |(stream, wanted)| {
                let read = self.folded().heads().get(stream).sequence;
                WriteError::UpstreamBehind { stream, wanted, read }
            });
            entry.waiter.fail(error);
        }
    }
}

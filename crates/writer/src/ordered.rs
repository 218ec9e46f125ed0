//! Bulk streams: writes go in, and come out answered in the same order.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use loopledger_domain::Decider;
use loopledger_limits::Asking;
use loopledger_observability::trace::TraceContext;
use loopledger_wire::Write;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;

use super::job::{Answer, Input, Job, Reply};
use super::{WriteError, WriterHandle};

/// Writes of one bulk stream that are not answered yet: what keeps the writer's window full.
const ORDERED_MAX: usize = 8_192;

/// The writing half of a bulk stream. It belongs to no writer: a stream may refuse writes before it is known whose they are.
#[derive(Debug)]
pub struct Ordered {
    next: u64,
    replies: mpsc::UnboundedSender<(u64, Answer)>,
    permits: Arc<Semaphore>,
    trace: Option<TraceContext>,
}

impl Ordered {
    /// Opens a bulk stream, as part of a trace with everything that is written.
    pub fn open(trace: Option<TraceContext>) -> (Self, Answers) {
        let (send, receive) = mpsc::unbounded_channel();
        let permits = Arc::new(Semaphore::new(ORDERED_MAX));
        let ordered = Self { next: 0, replies: send, permits: Arc::clone(&permits), trace };
        let answers = Answers { next: 0, replies: receive, early: BTreeMap::new(), ready: VecDeque::new(), permits };
        (ordered, answers)
    }

    /// Queues the next write with `writer`, waiting for room: this is the stream's back-pressure. A write with `after` holds
    /// back those behind it until its positions are folded, at the latest until `wait_until`. Every write gets an answer,
    /// whatever comes of it.
    pub async fn submit<D: Decider>(
        &mut self,
        writer: &WriterHandle<D>,
        write: Write<D::Command>,
        wait_until: Option<Instant>,
    ) {
        if !write.after.is_empty()
            && let Err(error) = writer.wait_to_write(write.after.clone(), wait_until).await
        {
            return self.refuse(error).await;
        }
        let index = self.reserve().await;
        let reply = Reply::Ordered(index, self.replies.clone());
        let (asking, trace) = (Asking::current(), self.trace.map(Box::new));
        let job = Job { asking, write, deadline: None, reply, trace };
        if let Err(unsent) = writer.inputs.send(Input::Command(job)).await {
            unsent.0.fail(writer.gone());
        }
    }

    /// Answers the next write without asking a writer, in its turn.
    pub async fn refuse(&mut self, error: WriteError) {
        let index = self.reserve().await;
        drop(self.replies.send((index, Err(error))));
    }

    async fn reserve(&mut self) -> u64 {
        let permit = self.permits.acquire().await.expect("the semaphore is never closed");
        // Given back when the answer is taken.
        permit.forget();
        let index = self.next;
        self.next = self.next.saturating_add(1);
        index
    }
}

/// The answering half of a bulk stream.
#[derive(Debug)]
pub struct Answers {
    next: u64,
    replies: mpsc::UnboundedReceiver<(u64, Answer)>,
    /// Answers whose turn has not come.
    early: BTreeMap<u64, Answer>,
    ready: VecDeque<Answer>,
    permits: Arc<Semaphore>,
}

impl Answers {
    /// The next answer in the order of the writes; `None` after the last, when the writing half is gone.
    pub async fn next(&mut self) -> Option<Answer> {
        let mut received = Vec::new();
        while self.ready.is_empty() {
            if self.replies.recv_many(&mut received, ORDERED_MAX).await == 0 {
                return None;
            }
            for (index, answer) in received.drain(..) {
                if index == self.next {
                    self.next = self.next.saturating_add(1);
                    self.ready.push_back(answer);
                } else {
                    self.early.insert(index, answer);
                }
                while let Some(answer) = self.early.remove(&self.next) {
                    self.next = self.next.saturating_add(1);
                    self.ready.push_back(answer);
                }
            }
        }
        self.permits.add_permits(1);
        self.ready.pop_front()
    }

    /// An answer that needs no waiting.
    pub fn try_next(&mut self) -> Option<Answer> {
        let answer = self.ready.pop_front()?;
        self.permits.add_permits(1);
        Some(answer)
    }
}

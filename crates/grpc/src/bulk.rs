//! Bulk streams: requests in, pipelined through the writer, answers out in the same order.
//!
//! Whose stream it is, its first command says whose form is right: its writer is found then, and what names no county that is
//! hosted ends the stream. Nothing but a code is compared for those behind it.
//!
//! Back-pressure is flow control: a caller that does not read its answers stops being read after a bounded number of
//! requests. A refusal, even of a message that cannot be read, ends no stream; only what leaves no telling where the next
//! message begins does: one that is too large, and what is no gRPC message at all. Every message costs a few queue operations: no
//! task, no allocation of a channel, and no wake-up of its own while there is more to do.

use core::fmt;
use core::marker::PhantomData;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use futures::{Stream, StreamExt as _};
use loopledger_domain::{Decider, FieldFault, Rejection};
use loopledger_types::{CountyCode, Position, RequestId, StreamId};
use loopledger_wire::{BulkRequest, Created, Failure, Write, status_to_pb};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tonic::Status;

use super::frames::{Frame, Unread};
use super::metered::CallContext;
use super::status::{QUEUE_RETRY, check_streams, write_status};
use super::{CountyCalls, Hosting, unreadable};
use loopledger_limits::Asking;
use loopledger_limits::bytes::Charge;
use loopledger_observability::trace::TraceContext;
use loopledger_writer::{Answer, Answers, Ordered, WriteError, WriterHandle};

/// A UUID as text.
const REQUEST_ID_BYTES_MAX: usize = 36;

/// How long a request's `after` may hold back those behind it.
const AFTER_MAX: Duration = Duration::from_secs(30);

/// The answers of a bulk stream of `R`s, in their order.
pub struct RecordStream<R> {
    answers: Answers,
    asked: Arc<Asked>,
    /// Where its answers are counted.
    call: Option<Arc<CallContext>>,
    has_ended: bool,
    /// Reads requests; ends with this stream.
    _reader: AbortOnDropHandle<()>,
    requests: PhantomData<fn(R)>,
}

/// What the reading side leaves for the answering side.
#[derive(Debug, Default)]
struct Asked {
    /// Whose stream it is, once a command said so.
    stream: OnceLock<StreamId>,
    /// Of each unanswered request, which `Ordered` bounds in number.
    requests: Mutex<VecDeque<Unanswered>>,
    /// Why reading ended, if not because the caller was done.
    ending: Mutex<Option<Status>>,
}

/// A request that is not answered.
#[derive(Debug, Default)]
struct Unanswered {
    request_id: String,
    created: Created,
    /// What it holds until its answer is taken; nothing within the process.
    charge: Option<Charge>,
}

impl<R> fmt::Debug for RecordStream<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordStream").field("stream", &self.asked.stream.get()).finish_non_exhaustive()
    }
}

/// Opens a bulk stream; past `deadline` it ends, answers what it has read, and says so.
pub(super) fn record<D, R>(
    hosting: Arc<dyn Hosting<D>>,
    requests: impl Stream<Item = Result<Frame<R>, Status>> + Send + Unpin + 'static,
    deadline: Option<Instant>,
    trace: Option<TraceContext>,
    call: Option<Arc<CallContext>>,
    stop: CancellationToken,
) -> RecordStream<R>
where
    D: Decider,
    R: BulkRequest<Command = D::Command>,
{
    let (ordered, answers) = Ordered::open(trace);
    let asked = Arc::<Asked>::default();
    let reader = Reader { hosting, ordered, asked: Arc::clone(&asked), call: call.clone(), folded: Vec::new() };
    let reader = tokio::spawn(Asking::current().scope(reader.run(requests, deadline, stop)));
    let reader = AbortOnDropHandle::new(reader);
    RecordStream { answers, asked, call, has_ended: false, _reader: reader, requests: PhantomData }
}

/// The reading side.
struct Reader<D: Decider> {
    hosting: Arc<dyn Hosting<D>>,
    ordered: Ordered,
    asked: Arc<Asked>,
    /// Where its requests were charged.
    call: Option<Arc<CallContext>>,
    /// What the last request with `after` waited for: those behind it often name the same.
    folded: Vec<Position>,
}

impl<D: Decider> Reader<D> {
    /// Reads requests until the caller is done or goes away, its time is up, or the server stops.
    async fn run<R>(
        mut self,
        mut requests: impl Stream<Item = Result<Frame<R>, Status>> + Unpin,
        deadline: Option<Instant>,
        stop: CancellationToken,
    ) where
        R: BulkRequest<Command = D::Command>,
    {
        let ending = tokio::select! {
            biased;
            () = stop.cancelled() => Some(Failure::ShuttingDown.into()),
            () = past(deadline) => Some(Failure::DeadlineExceeded.into()),
            ended = self.pump(&mut requests) => ended,
        };
        // Dropping `ordered`, after this, tells the answering side that nothing follows.
        *lock(&self.asked.ending) = ending;
    }

    /// Until the stream ends; with its error, if it ended in one.
    async fn pump<R>(&mut self, requests: &mut (impl Stream<Item = Result<Frame<R>, Status>> + Unpin)) -> Option<Status>
    where
        R: BulkRequest<Command = D::Command>,
    {
        let mut found = None;
        while let Some(frame) = requests.next().await {
            let charge = self.call.as_ref().and_then(|call| call.take_charge());
            let request = match frame {
                Ok(Ok(request)) => request,
                Ok(Err(Unread::Malformed(error))) => {
                    let error = WriteError::Malformed { what: error.to_string() };
                    self.refuse(Unanswered { charge, ..Unanswered::default() }, error).await;
                    continue;
                }
                Ok(Err(Unread::UnknownField { unknown, request_id })) => {
                    let request_id = repeatable(&request_id);
                    let unanswered = Unanswered { request_id, charge, ..Unanswered::default() };
                    self.refuse(unanswered, WriteError::UnknownField(unknown)).await;
                    continue;
                }
                // A message that is too large, or a caller that went away: what was read before is decided all the same.
                Err(status) => return Some(unreadable::explained(status)),
            };
            let request_id = repeatable(request.request_id());
            let mut write = match request.into_write() {
                Ok(write) => write,
                Err(rejection) => {
                    let unanswered = Unanswered { request_id, charge, ..Unanswered::default() };
                    self.refuse(unanswered, WriteError::Rejected(rejection)).await;
                    continue;
                }
            };
            let writer = match &found {
                Some(writer) => writer,
                None => match self.find(write.county).await {
                    Ok(writer) => found.insert(writer),
                    Err(status) => return Some(status),
                },
            };
            lock(&self.asked.requests).push_back(Unanswered { request_id, created: write.created, charge });
            let accepted = match check::<D>(writer.stream(), &write) {
                Ok(()) => self.wait_for(writer, core::mem::take(&mut write.after)).await,
                Err(rejection) => Err(WriteError::Rejected(rejection)),
            };
            match accepted {
                Ok(()) => self.ordered.submit(writer, write, None).await,
                Err(error) => self.ordered.refuse(error).await,
            }
        }
        None
    }

    /// The writer of the stream's county, once it serves.
    async fn find(&self, county: Option<CountyCode>) -> Result<WriterHandle<D>, Status> {
        let calls = CountyCalls::find(&*self.hosting, county, None).await?;
        calls.ready(None).await?;
        let stream = calls.stream();
        self.asked.stream.get_or_init(|| stream);
        Ok(calls.into_writer())
    }

    /// Answers a message without asking a writer, in its turn.
    async fn refuse(&mut self, unanswered: Unanswered, error: WriteError) {
        lock(&self.asked.requests).push_back(unanswered);
        self.ordered.refuse(error).await;
    }

    async fn wait_for(&mut self, writer: &WriterHandle<D>, positions: Vec<Position>) -> Result<(), WriteError> {
        if positions.is_empty() || positions == self.folded {
            return Ok(());
        }
        let deadline = Instant::now().checked_add(AFTER_MAX);
        loop {
            match writer.wait_to_write(positions.clone(), deadline).await {
                // The connection's own streams have its places: that is no reason to refuse one.
                Err(WriteError::QueueFull { .. }) if deadline.is_some_and(|deadline| Instant::now() < deadline) => {
                    sleep(QUEUE_RETRY).await;
                }
                Err(error) => return Err(error),
                Ok(()) => break,
            }
        }
        self.folded = positions;
        Ok(())
    }
}

/// Whether a command is of the stream's county, and rests on positions that its writer reads.
fn check<D: Decider>(stream: StreamId, write: &Write<D::Command>) -> Result<(), Rejection> {
    if write.county.is_some_and(|county| county != stream.county) {
        let text = format!("This bulk stream is of county {}.", stream.county);
        return Err(Rejection::invalid("county_code", FieldFault::OtherCounty, text));
    }
    check_streams::<D>("after", stream, &write.after)
}

/// The id as an answer repeats it. What is longer is no id: it is refused, and not repeated.
fn repeatable(request_id: &str) -> String {
    Some(request_id).filter(|id| id.len() <= REQUEST_ID_BYTES_MAX).unwrap_or_default().to_owned()
}

async fn past(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => core::future::pending().await,
    }
}

impl<R: BulkRequest> RecordStream<R> {
    fn respond(&self, answer: Answer) -> Option<R::Response> {
        let Unanswered { request_id, created, charge: _charge } = lock(&self.asked.requests).pop_front()?;
        let outcome = answer.map(|receipt| receipt.to_pb(created)).map_err(|error| {
            let id = RequestId::parse(&request_id).ok();
            write_status(self.asked.stream.get().copied(), id, &error)
        });
        if let Some(call) = &self.call {
            call.method.count_message(outcome.as_ref().err());
        }
        let outcome = outcome.map_err(|status| status_to_pb(&status));
        Some(R::answer(request_id, outcome))
    }
}

impl<R: BulkRequest> Stream for RecordStream<R> {
    type Item = Result<R::Response, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        let answer = match self.answers.try_next() {
            Some(answer) => Some(answer),
            // Waiting is cancel-safe, so it can begin anew with every poll.
            None => ready!(pin!(self.answers.next()).poll(context)),
        };
        let response = answer.and_then(|answer| self.respond(answer));
        if response.is_none() {
            self.has_ended = true;
            return Poll::Ready(lock(&self.asked.ending).take().map(Err));
        }
        Poll::Ready(response.map(Ok))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

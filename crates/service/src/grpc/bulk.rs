//! Bulk streams: requests in, pipelined through the writer, answers out in the same order.
//!
//! Back-pressure is flow control: a caller that does not read its answers stops being read after a bounded number of
//! requests. A refusal, even of a malformed request, ends no stream.

use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;

use futures::Stream;
use futures::stream::{self, BoxStream};
use loopledger_domain::Decider;
use loopledger_types::{RequestId, StreamId};
use loopledger_wire::{BulkRequest, Created, status_to_pb};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tonic::{Status, Streaming};

use super::write_status;
use crate::writer::{Answers, Ordered, WriteError, WriterHandle};

/// How long a request's `after` may hold back those behind it.
const AFTER_MAX: Duration = Duration::from_secs(30);

/// The answers of a bulk stream.
pub struct RecordStream<R>(BoxStream<'static, Result<R, Status>>);

impl<R> core::fmt::Debug for RecordStream<R> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("RecordStream").finish_non_exhaustive()
    }
}

impl<R> Stream for RecordStream<R> {
    type Item = Result<R, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(context)
    }
}

/// What an answer needs of its request.
struct Asked {
    request_id: String,
    created: Created,
}

/// The answering side.
struct Answering {
    stream: StreamId,
    answers: Answers,
    asked: mpsc::UnboundedReceiver<Asked>,
    /// Reads requests; ends with this stream.
    _reader: AbortOnDropHandle<()>,
}

pub(super) fn record<D, R>(
    handle: WriterHandle<D>,
    requests: Streaming<R>,
    stop: CancellationToken,
) -> RecordStream<R::Response>
where
    D: Decider,
    R: BulkRequest<Command = D::Command>,
{
    let stream = handle.stream();
    let (ordered, answers) = handle.ordered();
    // As many entries as there are unanswered requests, which `ordered` bounds.
    let (remember, asked) = mpsc::unbounded_channel();
    let reader = tokio::spawn(read(requests, ordered, remember, stop));
    let answering = Answering { stream, answers, asked, _reader: AbortOnDropHandle::new(reader) };
    let answers = stream::unfold(answering, |mut answering| async move {
        let answer = answering.answers.next().await?;
        let asked = answering.asked.recv().await?;
        let outcome = answer.map(|receipt| receipt.to_pb(asked.created)).map_err(|error| {
            let request_id = RequestId::parse(&asked.request_id).ok();
            status_to_pb(&write_status(answering.stream, request_id, &error))
        });
        Some((Ok(R::answer(asked.request_id, outcome)), answering))
    });
    RecordStream(Box::pin(answers))
}

/// Reads requests until the caller is done, goes away, or the server stops.
async fn read<D, R>(
    mut requests: Streaming<R>,
    mut ordered: Ordered<D>,
    remember: mpsc::UnboundedSender<Asked>,
    stop: CancellationToken,
) where
    D: Decider,
    R: BulkRequest<Command = D::Command>,
{
    loop {
        let request = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            request = requests.message() => request,
        };
        // A broken stream is the caller's end of it: what was read is decided all the same.
        let Ok(Some(request)) = request else { return };
        let request_id = request.request_id().to_owned();
        match request.into_write() {
            Ok(write) => {
                if remember.send(Asked { request_id, created: write.created }).is_err() {
                    return;
                }
                let wait_until = Instant::now().checked_add(AFTER_MAX);
                ordered.submit(write, wait_until).await;
            }
            Err(rejection) => {
                if remember.send(Asked { request_id, created: Created::default() }).is_err() {
                    return;
                }
                ordered.refuse(WriteError::Rejected(rejection)).await;
            }
        }
    }
}

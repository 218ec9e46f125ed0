//! The end of a writer that cannot go on: it says why, and goes on answering that.

use loopledger_domain::Decider;
use loopledger_types::StreamId;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::health::Health;
use super::job::Input;
use super::{Halt, WriteError};
use loopledger_feed::{Feed, HaltedWriter};

/// Reports that the stream is halted, in the log, in the health and to those in this process who wait for it. `head` is
/// the newest commit that was read back.
pub(super) fn report(stream: StreamId, halt: &Halt, head: u64, feed: &Feed, health: &watch::Sender<Health>) {
    let notice = halt.notice(stream);
    let (reason, advice) = (halt.reason(), halt.advice());
    tracing::error!(%stream, reason, error = %notice.detail, advice, "the stream is halted");
    feed.set_halted(stream, Some(HaltedWriter { notice, head }));
    health.send_replace(Health::Halted(halt.clone()));
}

/// Answers everything with the reason of the halt, until the writer is stopped.
pub(super) async fn halted<D: Decider>(halt: Halt, mut inputs: mpsc::Receiver<Input<D>>, stop: &CancellationToken) {
    let error = WriteError::Halted(halt);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return refuse(inputs, &error),
            input = inputs.recv() => match input {
                Some(input) => input.fail(error.clone()),
                None => return,
            },
        }
    }
}

/// Closes the queue, and answers what is in it.
pub(super) fn refuse<D: Decider>(mut inputs: mpsc::Receiver<Input<D>>, error: &WriteError) {
    inputs.close();
    while let Ok(input) = inputs.try_recv() {
        input.fail(error.clone());
    }
}

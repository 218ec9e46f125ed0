//! The end of a writer that cannot go on: it says why, and goes on answering that.

use loopledger_domain::Decider;
use loopledger_types::StreamId;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::health::Health;
use super::job::Input;
use super::{Halt, WriteError};

/// Says for all to see that the stream is halted.
pub(super) fn report(stream: StreamId, halt: &Halt, health: &watch::Sender<Health>) {
    let advice = halt.advice().unwrap_or_default();
    tracing::error!(%stream, reason = halt.reason(), error = %halt, advice, "the stream is halted");
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

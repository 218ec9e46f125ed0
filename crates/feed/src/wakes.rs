//! Who hears that a stream which is not followed now has a record.

use std::sync::{Mutex, PoisonError};

use loopledger_types::StreamId;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Streams are named once each time that they leave rest, so what is queued is bounded by their number.
#[derive(Debug, Default)]
pub(crate) struct Wakes(Mutex<Vec<UnboundedSender<StreamId>>>);

impl Wakes {
    pub(crate) fn subscribe(&self) -> UnboundedReceiver<StreamId> {
        let (sender, receiver) = unbounded_channel();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
        receiver
    }

    pub(crate) fn wake(&self, streams: &[StreamId]) {
        if streams.is_empty() {
            return;
        }
        let mut senders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        senders.retain(|sender| streams.iter().all(|stream| sender.send(*stream).is_ok()));
    }
}

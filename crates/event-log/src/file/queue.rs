//! The append queue of one partition: bounded, in the order of the calls.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::format::record_bytes;
use crate::{APPEND_QUEUE_BYTES_MAX, AppendError, Offset};

/// The most bytes of one call that are written, and fail, together.
const PART_BYTES_MAX: u64 = 1_024 * 1_024;

/// A group takes no further part beyond this many bytes: it bounds how long a record waits for those before it, and how
/// much the first readers of a segment can find unwritten after a crash.
const GROUP_BYTES_MAX: u64 = 4 * 1_024 * 1_024;

#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    filled: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Part>,
    bytes: u64,
    /// Why nothing more is taken, once that is so.
    refuses: Option<AppendError>,
}

/// Records of one call that succeed or fail together.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) values: Vec<Bytes>,
    pub(super) bytes: u64,
    pub(super) reply: oneshot::Sender<PartResult>,
}

/// The offsets of a part's records, or why it failed as a whole.
pub(super) type PartResult = Result<Vec<Offset>, AppendError>;

/// What became of a call.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) parts: Vec<(usize, oneshot::Receiver<PartResult>)>,
    /// How many records at the end of the call were not taken, and why.
    pub(super) refused: Option<(usize, AppendError)>,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the values that fit, in order, and next to each other.
    pub(super) fn push(&self, values: Vec<Bytes>) -> Queued {
        let mut queued = Queued { parts: Vec::new(), refused: None };
        let mut state = self.lock();
        let mut values = values.into_iter().peekable();
        while values.peek().is_some() && queued.refused.is_none() {
            let mut part = Vec::with_capacity(values.len());
            let mut bytes = 0_u64;
            let mut busy = false;
            while let Some(value) = values.peek()
                && bytes < PART_BYTES_MAX
            {
                let more = bytes.saturating_add(record_bytes(value.len()));
                busy = usize::try_from(state.bytes.saturating_add(more)).is_ok_and(|all| all > APPEND_QUEUE_BYTES_MAX);
                if busy || state.refuses.is_some() {
                    break;
                }
                bytes = more;
                part.extend(values.next());
            }
            if !part.is_empty() {
                let (reply, result) = oneshot::channel();
                queued.parts.push((part.len(), result));
                state.bytes = state.bytes.saturating_add(bytes);
                state.waiting.push_back(Part { values: part, bytes, reply });
            }
            let refuses = state.refuses.clone().or_else(|| busy.then_some(AppendError::Busy));
            queued.refused = refuses.map(|why| (values.len(), why));
        }
        drop(state);
        if !queued.parts.is_empty() {
            self.filled.notify_one();
        }
        queued
    }

    /// Waits for something to write, and takes all of it, up to a bound. `None`: closed, and nothing is left.
    pub(super) fn take(&self) -> Option<Vec<Part>> {
        let mut state = self.lock();
        while state.waiting.is_empty() {
            if state.refuses.is_some() {
                return None;
            }
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let mut group = Vec::with_capacity(state.waiting.len());
        let mut bytes = 0_u64;
        while bytes < GROUP_BYTES_MAX
            && let Some(part) = state.waiting.pop_front()
        {
            bytes = bytes.saturating_add(part.bytes);
            group.push(part);
        }
        state.bytes = state.bytes.saturating_sub(bytes);
        Some(group)
    }

    /// Takes nothing more. What waits is still written.
    pub(super) fn close(&self) {
        self.lock().refuses.get_or_insert(AppendError::Closed);
        self.filled.notify_one();
    }

    /// Takes nothing more, and gives up what waits.
    pub(super) fn fail(&self, why: &AppendError) {
        let mut state = self.lock();
        state.refuses = Some(why.clone());
        state.bytes = 0;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        for part in waiting {
            part.answer(Err(why.clone()));
        }
    }
}

impl Part {
    pub(super) fn answer(self, result: PartResult) {
        // The caller dropped the future.
        let _ = self.reply.send(result);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(count: usize, bytes: usize) -> Vec<Bytes> {
        vec![Bytes::from(vec![0; bytes]); count]
    }

    #[test]
    fn what_does_not_fit_is_refused_from_the_first_such_record_on() {
        let queue = Queue::default();
        let fit = APPEND_QUEUE_BYTES_MAX / 65_008;
        let queued = queue.push(values(fit + 3, 65_000));
        assert_eq!(queued.parts.iter().map(|(count, _)| count).sum::<usize>(), fit);
        assert!(matches!(queued.refused, Some((3, AppendError::Busy))), "{:?}", queued.refused);
        assert!(matches!(queue.push(values(2, 65_000)).refused, Some((2, AppendError::Busy))));
        let group = queue.take().unwrap();
        assert!(group.iter().map(|part| part.bytes).sum::<u64>() < GROUP_BYTES_MAX + PART_BYTES_MAX + 65_008);
        assert!(queue.push(values(2, 65_000)).refused.is_none());
    }

    #[test]
    fn a_closed_queue_still_gives_out_what_waits() {
        let queue = Queue::default();
        let queued = queue.push(values(2, 10));
        queue.close();
        assert!(matches!(queue.push(values(1, 10)).refused, Some((1, AppendError::Closed))));
        assert_eq!(queue.take().map(|group| group.len()), Some(1));
        assert!(queue.take().is_none());
        drop(queued);
    }

    #[test]
    fn a_failed_queue_answers_what_waits() {
        let queue = Queue::default();
        let mut queued = queue.push(values(2, 10));
        queue.fail(&AppendError::Closed);
        assert!(matches!(queued.parts[0].1.try_recv(), Ok(Err(AppendError::Closed))));
        assert!(queue.take().is_none());
    }
}

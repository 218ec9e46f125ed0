//! The body of a request as it is read: the length of every message is known before its bytes are, so what it will hold
//! is charged first, and what may not be held is not read.
//!
//! Single calls are refused when bytes are lacking; a bulk stream waits, which the transport's flow control tells its
//! caller. A message that has begun must end in time, and a single call must have been sent in time.

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::HeaderMap;
use http_body::Frame;
use loopledger_wire::Failure;
use tokio::sync::futures::OwnedNotified;
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Status;

use super::methods::Method;
use super::{LACKING_RETRY, REQUEST_BYTES_MAX};
use loopledger_limits::Permit;
use loopledger_limits::bytes::{Account, Charge, Short, Taker};

/// Whether it is compressed, and the length.
const HEAD_BYTES: usize = 5;

/// What a request costs besides its bytes: its places in queues, and its answer.
const REQUEST_COST_BYTES: u64 = 512;

/// What belongs to one call: how it is counted, and what its requests hold.
#[derive(Debug)]
pub(super) struct CallContext {
    pub(super) method: Arc<Method>,
    account: Arc<Account>,
    /// Of messages that were read and not answered, in their order; of a call that is no bulk stream the last one only.
    charges: Mutex<VecDeque<Charge>>,
    /// Of the head; as long as the call.
    _head: Charge,
    /// Of a bulk stream.
    _permit: Option<Permit>,
}

impl CallContext {
    /// Charges the head of a call.
    pub(super) fn open(
        method: Arc<Method>,
        permit: Option<Permit>,
        account: &Arc<Account>,
        head: &HeaderMap,
    ) -> Result<Self, Short> {
        let bytes = head
            .iter()
            .fold(0, |sum: usize, (name, value)| sum.saturating_add(name.as_str().len()).saturating_add(value.len()));
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX).saturating_add(REQUEST_COST_BYTES);
        let head = account.try_charge(bytes, Taker::Call)?;
        Ok(Self { method, account: Arc::clone(account), charges: Mutex::default(), _head: head, _permit: permit })
    }

    /// What the oldest message holds that was not taken out; it is in other hands now.
    pub(super) fn take_charge(&self) -> Option<Charge> {
        self.charges.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    fn charge(&self, bytes: u64) -> Result<(), Short> {
        let is_bulk = self.method.is_bulk();
        let taker = if is_bulk { Taker::Stream } else { Taker::Call };
        let charge = self.account.try_charge(bytes.saturating_add(REQUEST_COST_BYTES), taker)?;
        let mut charges = self.charges.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_bulk {
            // The next message is read when the one before was taken.
            charges.clear();
        }
        charges.push_back(charge);
        Ok(())
    }
}

/// How a call is refused whose bytes are lacking.
pub(super) fn lacking(short: Short) -> Status {
    let of_connection = short == Short::OfConnection;
    Failure::TooMuchAtOnce { of_connection, retry_after: LACKING_RETRY }.into()
}

/// A body whose messages are charged before they are handed on.
pub(super) struct Metered {
    body: Body,
    call: Arc<CallContext>,
    /// Read and not handed on: the messages in it are not charged yet.
    held: Bytes,
    /// The head of the message that begins.
    head: [u8; HEAD_BYTES],
    head_len: usize,
    /// Bytes of the message under way that have not come.
    left: usize,
    read_max: Duration,
    /// When the message under way, or the single request, must have come.
    deadline: Option<Pin<Box<Sleep>>>,
    /// Until bytes are given back.
    waiting: Option<Pin<Box<OwnedNotified>>>,
}

/// What can be done with the bytes that are held.
enum Step {
    /// So many may be handed on.
    HandOn(usize),
    Lacking(Short),
    TooLarge,
}

impl Metered {
    pub(super) fn new(body: Body, call: Arc<CallContext>, read_max: Duration) -> Self {
        let mut metered = Self {
            body,
            call,
            held: Bytes::new(),
            head: [0; HEAD_BYTES],
            head_len: 0,
            left: 0,
            read_max,
            deadline: None,
            waiting: None,
        };
        if !metered.call.method.reads_stream {
            metered.begin_time();
        }
        metered
    }

    fn begin_time(&mut self) {
        let now = Instant::now();
        let until = now.checked_add(self.read_max).unwrap_or(now);
        self.deadline = Some(Box::pin(sleep_until(until)));
    }

    fn end_time(&mut self) {
        // A single request ends with its body.
        if self.call.method.reads_stream {
            self.deadline = None;
        }
    }

    /// Goes through what is held up to where something is in the way.
    fn step(&mut self) -> Step {
        let mut at = 0_usize;
        loop {
            let rest = self.held.get(at..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            if self.left > 0 {
                let taken = self.left.min(rest.len());
                self.left = self.left.saturating_sub(taken);
                at = at.saturating_add(taken);
                if self.left == 0 {
                    self.end_time();
                }
                continue;
            }
            let mut head = self.head;
            let missing = head.get_mut(self.head_len..).unwrap_or_default();
            let taken = missing.len().min(rest.len());
            missing.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            if self.head_len.saturating_add(taken) < HEAD_BYTES {
                (self.head, self.head_len) = (head, self.head_len.saturating_add(taken));
                at = at.saturating_add(taken);
                break;
            }
            let [_, length @ ..] = head;
            let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
            let in_the_way = if length > REQUEST_BYTES_MAX {
                Some(Step::TooLarge)
            } else {
                self.call.charge(u64::try_from(length).unwrap_or(u64::MAX)).err().map(Step::Lacking)
            };
            match in_the_way {
                Some(step) if at == 0 => return step,
                // What comes before it goes on first.
                Some(_) => return Step::HandOn(at),
                None => {}
            }
            (self.head_len, self.left) = (0, length);
            at = at.saturating_add(taken);
            if length == 0 {
                self.end_time();
            }
        }
        if (self.left > 0 || self.head_len > 0) && self.deadline.is_none() {
            self.begin_time();
        }
        Step::HandOn(at)
    }

    /// Waits until bytes are given back; `Ready`: it is worth another look.
    fn poll_waiting(&mut self, short: Short, context: &mut Context<'_>) -> Poll<()> {
        let Some(waiting) = &mut self.waiting else {
            // Registered first, then looked at again: nothing is missed in between.
            let mut waiting = Box::pin(self.call_freed(short));
            waiting.as_mut().enable();
            self.waiting = Some(waiting);
            return Poll::Ready(());
        };
        ready!(waiting.as_mut().poll(context));
        self.waiting = None;
        Poll::Ready(())
    }

    fn call_freed(&self, short: Short) -> OwnedNotified {
        self.call.account.freed(short)
    }

    fn poll_late(&mut self, context: &mut Context<'_>) -> Poll<Status> {
        match &mut self.deadline {
            Some(deadline) => {
                deadline.as_mut().poll(context).map(|()| Failure::MessageTooSlow { within: self.read_max }.into())
            }
            None => Poll::Pending,
        }
    }
}

impl HttpBody for Metered {
    type Data = Bytes;
    type Error = tonic::codegen::StdError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        loop {
            if !this.held.is_empty() {
                match this.step() {
                    Step::HandOn(bytes) => {
                        this.waiting = None;
                        return Poll::Ready(Some(Ok(Frame::data(this.held.split_to(bytes)))));
                    }
                    Step::TooLarge => {
                        let failure = Failure::MessageTooLarge { bytes_max: REQUEST_BYTES_MAX };
                        return Poll::Ready(Some(Err(Status::from(failure).into())));
                    }
                    Step::Lacking(short) if this.call.method.is_bulk() => ready!(this.poll_waiting(short, context)),
                    Step::Lacking(short) => return Poll::Ready(Some(Err(lacking(short).into()))),
                }
                continue;
            }
            let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) else {
                return this.poll_late(context).map(|late| Some(Err(late.into())));
            };
            match frame {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => this.held = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.held.is_empty() && self.body.is_end_stream()
    }
}

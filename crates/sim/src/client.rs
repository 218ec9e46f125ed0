//! Callers: they retry a command until its outcome is known or their patience ends; some disconnect.

use core::time::Duration;

use futures::future::join;
use loopledger_dice::Dice;
use loopledger_domain::{Decider, Rejection};
use loopledger_service::writer::{Answer, Halt, Ordered, WriteError};
use loopledger_types::{EntityKind, Position, RequestId, WithCauses};
use loopledger_wire::Write;
use tokio::time::{Instant, sleep, timeout};

use crate::history::History;
use crate::node::HandlePool;

/// Attempts before a caller gives up.
const ATTEMPTS_MAX: u32 = 60;

/// What a caller knows in the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Acknowledged(Position),
    /// By the rules, or because of a position in `after`. If because something does not exist, what.
    Refused(Option<Missing>),
    /// Another request had the id.
    Reused(Position),
    GaveUp,
}

/// What is said not to exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) kind: EntityKind,
    pub(crate) id: String,
}

/// What became of one request of one caller.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) verdict: Verdict,
    /// Some attempt ended without an answer: it may have taken effect, or still do so.
    pub(crate) doubtful: bool,
    /// When the answer came: of a bulk stream, before its caller has all of them.
    pub(crate) at: Instant,
}

/// How a caller behaves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    /// Percent of attempts that the caller does not wait for.
    pub(crate) abandons: u64,
    /// Percent of attempts with hardly any time.
    pub(crate) hurries: u64,
    /// Percent of failures after which the caller tries no more.
    pub(crate) gives_up: u64,
}

impl Manner {
    pub(crate) const PATIENT: Self = Self { abandons: 0, hurries: 0, gives_up: 0 };
    pub(crate) const MIXED: Self = Self { abandons: 4, hurries: 4, gives_up: 10 };
}

/// Sends `write` to one writer after another.
pub(crate) async fn ask<D: Decider>(
    pool: &HandlePool<D>,
    write: &Write<D::Command>,
    manner: Manner,
    dice: &mut Dice,
    history: &History,
) -> Said {
    let mut doubtful = false;
    for attempt in 0..ATTEMPTS_MAX {
        if attempt > 0 {
            history.count("retry");
            sleep(Duration::from_millis(dice.below(400))).await;
        }
        let Some(handle) = pool.any(dice) else { continue };
        let hurried = dice.chance(manner.hurries);
        let patience = if hurried { dice.below(8) } else { 1_000 + dice.below(9_000) };
        let deadline = Instant::now() + Duration::from_millis(patience);
        let answer = handle.submit(write.clone(), Some(deadline));
        let answer = if dice.chance(manner.abandons) {
            let Ok(answer) = timeout(Duration::from_millis(dice.below(12)), answer).await else {
                history.fault("call abandoned", write.request_id.to_string());
                doubtful = true;
                continue;
            };
            answer
        } else {
            answer.await
        };
        match judge(write.request_id, answer, history) {
            Ok(verdict) => return Said { verdict, doubtful, at: Instant::now() },
            Err(unknown) => doubtful |= unknown,
        }
        if dice.chance(manner.gives_up) {
            break;
        }
    }
    Said { verdict: Verdict::GaveUp, doubtful, at: Instant::now() }
}

/// Sends all of them through one bulk stream; what it leaves open is asked one by one. Answers come in order.
pub(crate) async fn ask_in_bulk<D: Decider>(
    pool: &HandlePool<D>,
    writes: &[Write<D::Command>],
    manner: Manner,
    dice: &mut Dice,
    history: &History,
) -> Vec<Said> {
    let mut heard = Vec::new();
    if let Some(handle) = pool.any(dice) {
        history.count("bulk streams");
        let (mut stream, mut answers) = Ordered::open(None);
        let wait_until = Instant::now().checked_add(Duration::from_secs(3));
        let send = async move {
            for write in writes {
                stream.submit(&handle, write.clone(), wait_until).await;
            }
        };
        let hear = async {
            for write in writes {
                let Some(answer) = answers.next().await else { return };
                heard.push(judge(write.request_id, answer, history).map(|verdict| (verdict, Instant::now())));
            }
        };
        join(send, hear).await;
    }
    let mut all = Vec::new();
    for (index, write) in writes.iter().enumerate() {
        let said = match heard.get(index) {
            Some(Ok((verdict, at))) => Said { verdict: verdict.clone(), doubtful: false, at: *at },
            other => {
                let unknown = other.is_none_or(|heard| *heard != Err(false));
                let said = ask(pool, write, manner, dice, history).await;
                Said { doubtful: said.doubtful || unknown, ..said }
            }
        };
        all.push(said);
    }
    all
}

/// What an answer says; if nothing for good, whether it leaves the outcome open.
fn judge(request_id: RequestId, answer: Answer, history: &History) -> Result<Verdict, bool> {
    match answer {
        Ok(receipt) => {
            if receipt.request_id != request_id {
                history.violation(format!("{request_id} was answered with the receipt of {}", receipt.request_id));
            }
            if receipt.repeated {
                history.count("receipt of a repeat");
            }
            Ok(Verdict::Acknowledged(receipt.position))
        }
        Err(WriteError::Rejected(why)) => {
            history.note(format!("{request_id} {why:?}"));
            let missing = if let Rejection::NotFound { kind, id } = why { Some(Missing { kind, id }) } else { None };
            Ok(Verdict::Refused(missing))
        }
        Err(WriteError::DataLoss(_) | WriteError::StreamNotRead { .. }) => {
            history.count("position refused");
            Ok(Verdict::Refused(None))
        }
        Err(WriteError::RequestIdReused { first, .. }) => Ok(Verdict::Reused(first)),
        Err(WriteError::UpstreamBehind { .. } | WriteError::UpstreamHalted(_)) => {
            history.count("upstream behind");
            Err(false)
        }
        Err(WriteError::QueueFull { .. }) => Err(false),
        Err(WriteError::DeadlineExceeded | WriteError::LogUnavailable) => {
            history.fault("deadline passed", request_id.to_string());
            Err(true)
        }
        Err(WriteError::ShuttingDown | WriteError::Halted(Halt::Stopped)) => {
            history.count("writer went away");
            Err(true)
        }
        Err(WriteError::Halted(Halt::Clock(_))) => {
            history.count("clock wrong");
            // It may have been appended before the clock was found wrong.
            Err(true)
        }
        Err(
            error @ (WriteError::Internal { .. }
            | WriteError::Malformed { .. }
            | WriteError::UnknownField(_)
            | WriteError::Halted(_)),
        ) => {
            history.violation(format!("{request_id}: {}", WithCauses(&error)));
            Err(true)
        }
    }
}

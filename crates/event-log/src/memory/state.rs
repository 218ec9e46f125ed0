//! The contents of a memory log: landed records, delayed ones, and the faults that decide between them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use loopledger_dice::Dice;
use tokio::sync::{Notify, oneshot};

use super::faults::{FaultPlan, FaultReport, strikes};
use crate::{
    AppendError, Headers, LogRecord, Offset, READ_BATCH_BYTES_MAX, READ_BATCH_RECORDS_MAX, RECORD_BYTES_MAX, ReadError,
    Record,
};

/// Duplicates keep no order, not even among themselves: each is a producer of its own, numbered from here.
const FIRST_GHOST: u64 = 1 << 32;

#[derive(Debug)]
pub(super) struct State {
    pub(super) dice: Dice,
    pub(super) plan: FaultPlan,
    pub(super) report: FaultReport,
    /// Producers so far; also numbers the next.
    pub(super) producers: u64,
    ghosts: u64,
    tickets: u64,
    lanes: Vec<Lane>,
}

/// One partition.
#[derive(Debug)]
struct Lane {
    landed: Vec<Landed>,
    end: Offset,
    held: BTreeMap<u64, VecDeque<Held>>,
    /// Wakes the readers when something lands or is held, in the order in which they began to wait: `watch` would wake
    /// them in a random order, and another one in every run.
    activity: Arc<Notify>,
}

/// What is kept of a record.
#[derive(Debug, Clone)]
struct Kept {
    headers: Headers,
    value: Bytes,
}

#[derive(Debug)]
struct Landed {
    offset: Offset,
    kept: Kept,
}

#[derive(Debug)]
struct Held {
    kept: Kept,
    /// When it was appended, in order of arrival.
    ticket: u64,
    reply: Option<oneshot::Sender<Offset>>,
}

/// What became of an append, so far.
#[derive(Debug)]
pub(super) enum Outcome {
    Done(Result<Offset, AppendError>),
    Held(oneshot::Receiver<Offset>),
}

impl State {
    pub(super) fn new(lane_count: usize, seed: u64, plan: FaultPlan) -> Self {
        let lane = || Lane { landed: Vec::new(), end: Offset::START, held: BTreeMap::new(), activity: Arc::default() };
        Self {
            dice: Dice::new(seed),
            plan,
            report: FaultReport::default(),
            producers: 1,
            ghosts: FIRST_GHOST,
            tickets: 0,
            lanes: std::iter::repeat_with(lane).take(lane_count).collect(),
        }
    }

    fn lane(&mut self, lane: usize) -> &mut Lane {
        self.lanes.get_mut(lane).expect("lanes are checked when a topic and partition are named")
    }

    pub(super) fn lane_count(&self) -> usize {
        self.lanes.len()
    }

    pub(super) fn end(&mut self, lane: usize) -> Offset {
        self.lane(lane).end
    }

    pub(super) fn activity(&mut self, lane: usize) -> Arc<Notify> {
        Arc::clone(&self.lane(lane).activity)
    }

    pub(super) fn holds_any(&mut self, lane: usize) -> bool {
        !self.lane(lane).held.is_empty()
    }

    /// Takes one record, and decides its fate.
    pub(super) fn accept(&mut self, lane: usize, producer: u64, record: &Record) -> Outcome {
        if record.value.len() > RECORD_BYTES_MAX {
            return Outcome::Done(Err(AppendError::TooLarge { bytes: record.value.len() }));
        }
        let kept = || Kept { headers: record.headers.clone(), value: record.value.clone() };
        let plan = self.plan;
        if strikes(&mut self.dice, plan.failed_not_applied) {
            self.report.failed_not_applied = self.report.failed_not_applied.saturating_add(1);
            return failed("injected; it was not applied");
        }
        self.tickets = self.tickets.saturating_add(1);
        let ticket = self.tickets;
        let fails = strikes(&mut self.dice, plan.failed_applied);
        let fails_late = !fails && strikes(&mut self.dice, plan.failed_applied_late);
        let held = fails_late || strikes(&mut self.dice, plan.delayed) || self.lane(lane).held.contains_key(&producer);
        self.report.failed_applied = self.report.failed_applied.saturating_add(u64::from(fails));
        self.report.failed_applied_late = self.report.failed_applied_late.saturating_add(u64::from(fails_late));
        let outcome = if held {
            let (reply, landed) = oneshot::channel();
            self.hold(lane, producer, Held { kept: kept(), ticket, reply: Some(reply) });
            self.report.delayed = self.report.delayed.saturating_add(1);
            Outcome::Held(landed)
        } else {
            Outcome::Done(Ok(self.land(lane, producer, ticket, kept())))
        };
        if strikes(&mut self.dice, plan.duplicated) {
            self.report.duplicated = self.report.duplicated.saturating_add(1);
            self.ghosts = self.ghosts.saturating_add(1);
            self.hold(lane, self.ghosts, Held { kept: kept(), ticket, reply: None });
        }
        if fails || fails_late { failed("injected; it was or will be applied") } else { outcome }
    }

    fn hold(&mut self, lane: usize, producer: u64, held: Held) {
        let lane = self.lane(lane);
        lane.held.entry(producer).or_default().push_back(held);
        lane.wake();
    }

    fn land(&mut self, lane: usize, producer: u64, ticket: u64, kept: Kept) -> Offset {
        let lane = self.lane(lane);
        let overtakes = |(other, queue): (&u64, &VecDeque<Held>)| {
            *other != producer && *other < FIRST_GHOST && queue.front().is_some_and(|held| held.ticket < ticket)
        };
        let reordered = producer < FIRST_GHOST && lane.held.iter().any(overtakes);
        let offset = lane.end;
        lane.end = after(offset, &kept.value);
        lane.landed.push(Landed { offset, kept });
        lane.wake();
        self.report.reordered = self.report.reordered.saturating_add(u64::from(reordered));
        offset
    }

    /// Lets one held record of the partition land, of any producer. False if none is held.
    pub(super) fn release_one(&mut self, lane: usize) -> bool {
        let queues = u64::try_from(self.lane(lane).held.len()).unwrap_or(u64::MAX);
        let choice = usize::try_from(self.dice.below(queues)).unwrap_or(0);
        let Some(producer) = self.lane(lane).held.keys().nth(choice).copied() else { return false };
        let queue = self.lane(lane).held.get_mut(&producer).expect("the key was just read");
        let held = queue.pop_front().expect("emptied queues are removed");
        if queue.is_empty() {
            self.lane(lane).held.remove(&producer);
        }
        let offset = self.land(lane, producer, held.ticket, held.kept);
        if let Some(reply) = held.reply {
            // The caller gave up on the append; it stands all the same.
            let _ = reply.send(offset);
        }
        true
    }

    /// Lets a held record land one time in four: what waits must pass the time, but never for ever.
    pub(super) fn release_sometimes(&mut self, lane: usize) {
        if self.holds_any(lane) && self.dice.below(4) == 0 {
            self.release_one(lane);
        }
    }

    pub(super) fn check(&mut self, lane: usize, from: Offset) -> Result<usize, ReadError> {
        let lane = self.lane(lane);
        if from > lane.end {
            return Err(ReadError::OffsetOutOfRange { from, end: lane.end });
        }
        let index = lane.landed.partition_point(|landed| landed.offset < from);
        match lane.landed.get(index) {
            Some(landed) if landed.offset != from => Err(ReadError::NotARecordBoundary { offset: from }),
            _ => Ok(index),
        }
    }

    /// Copies what has landed from `from` on, up to the bounds of a batch.
    pub(super) fn batch(&mut self, lane: usize, from: Offset) -> Result<Vec<LogRecord>, ReadError> {
        let index = self.check(lane, from)?;
        let slow = index < self.lane(lane).landed.len() && {
            let rate = self.plan.slow_read;
            strikes(&mut self.dice, rate)
        };
        self.report.slow_reads = self.report.slow_reads.saturating_add(u64::from(slow));
        let records_max = if slow { 1 } else { READ_BATCH_RECORDS_MAX };
        let mut bytes = 0_usize;
        let fits = |landed: &&Landed| {
            let first = bytes == 0;
            bytes = bytes.saturating_add(landed.kept.value.len());
            first || bytes <= READ_BATCH_BYTES_MAX
        };
        let landed = self.lane(lane).landed.get(index..).unwrap_or_default();
        let record = |landed: &Landed| LogRecord {
            offset: landed.offset,
            next: after(landed.offset, &landed.kept.value),
            headers: landed.kept.headers.clone(),
            value: landed.kept.value.clone(),
        };
        Ok(landed.iter().take(records_max).take_while(fits).map(record).collect())
    }

    /// Forgets what landed at `to` or later.
    pub(super) fn truncate(&mut self, lane: usize, to: Offset) -> Result<(), ReadError> {
        let index = self.check(lane, to)?;
        let lane = self.lane(lane);
        let cut = u64::try_from(lane.landed.len().saturating_sub(index)).unwrap_or(u64::MAX);
        lane.landed.truncate(index);
        lane.end = to;
        lane.wake();
        self.report.truncated = self.report.truncated.saturating_add(cut);
        Ok(())
    }
}

impl Lane {
    fn wake(&self) {
        self.activity.notify_waiters();
    }
}

/// Offsets grow by more than the value's length, so that they cannot be used as counts.
fn after(offset: Offset, value: &Bytes) -> Offset {
    Offset(offset.0.saturating_add(u64::try_from(value.len()).unwrap_or(u64::MAX)).saturating_add(1))
}

fn failed(reason: &str) -> Outcome {
    Outcome::Done(Err(AppendError::Unconfirmed { reason: reason.to_owned() }))
}

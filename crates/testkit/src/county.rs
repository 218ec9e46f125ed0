//! A county in one thread: the four services' rules over a log that is a vector, with no writer, store or clock.
//!
//! For tests that need a real history and benches that need real records. Commands are decided one by one; after
//! each, reactions run until none is due.

use std::sync::Arc;

use loopledger_domain::distribution::Distribution;
use loopledger_domain::procurement::Procurement;
use loopledger_domain::sales::Sales;
use loopledger_domain::station::Station;
use loopledger_domain::{Commit, Context, Decider, Event, Rejection, State};
use loopledger_proto::client::v1::RecordLine;
use loopledger_proto::client::v1::record_line::Line;
use loopledger_types::{Cause, CountyCode, Hash, Position, RequestId, Service, StreamId, StreamSequence, Timestamp};
use loopledger_wire::{BulkRequest, Draft, Write, encode_commit};

/// A command that was refused, by the form of its request or by a rule.
#[derive(Debug)]
pub struct Refused(pub Rejection);

/// 2026-11-24T00:00:00Z: after every business date of the scenario.
const START_SECONDS: i64 = 1_795_478_400;

#[derive(Debug)]
struct Desk<D: Decider> {
    state: State<D>,
    head: (u64, Hash),
    /// Commits of each upstream service folded so far.
    seen: [u64; 5],
    /// What the newest commit said of them.
    referenced: [u64; 5],
}

impl<D: Decider> Desk<D> {
    fn new() -> Self {
        Self { state: State::new(CountyCode::TUOLI), head: (0, Hash::ZERO), seen: [0; 5], referenced: [0; 5] }
    }

    /// Chains the events, folds them, and hands out the commit with its record.
    fn commit(
        &mut self,
        log: &mut Log,
        request: (RequestId, [u8; 32]),
        cause: Option<Cause>,
        events: Vec<Event>,
    ) -> Position {
        let stream = StreamId { service: D::SERVICE, county: CountyCode::TUOLI };
        let mut upstream: Vec<StreamSequence> = Service::ALL
            .into_iter()
            .filter(|service| self.seen[service.index()] > self.referenced[service.index()])
            .map(|service| StreamSequence {
                stream: StreamId { service, county: CountyCode::TUOLI },
                sequence: self.seen[service.index()],
            })
            .collect();
        upstream.sort_by_key(|head| head.stream.service.as_str());
        self.referenced = self.seen;
        let (sequence, recorded_at) = (self.head.0.saturating_add(1), log.tick());
        let draft = Draft {
            stream,
            sequence,
            previous_hash: self.head.1,
            request_id: request.0,
            request_digest: request.1,
            cause,
            actor: None,
            recorded_at,
            events: &events,
            upstream: &upstream,
        };
        let mut record = Vec::new();
        encode_commit(&draft, &mut record);
        let hash = loopledger_chain::leaf_hash(&record);
        let commit = Commit {
            stream,
            sequence,
            hash,
            request_id: request.0,
            request_digest: request.1,
            cause,
            actor: None,
            recorded_at,
            events,
            upstream,
        };
        self.state.evolve(&commit);
        self.state.entities.confirm();
        self.head = (sequence, hash);
        let position = commit.position();
        log.push(commit, record);
        position
    }

    fn decide(&mut self, log: &mut Log, write: &Write<D::Command>) -> Result<Position, Refused> {
        let stream = StreamId { service: D::SERVICE, county: CountyCode::TUOLI };
        let context = Context { request_id: write.request_id, stream, now: log.now, actor: None };
        let events = D::decide(&self.state, &write.command, &context).map_err(Refused)?;
        Ok(self.commit(log, (write.request_id, write.digest), None, events))
    }

    /// Folds one upstream commit and answers it if it concerns this service; whether there was one.
    fn follow(&mut self, log: &mut Log) -> bool {
        for service in D::UPSTREAM {
            let index = service.index();
            let next = usize::try_from(self.seen[index]).expect("sequences fit");
            let Some(commit) = log.commits[index].get(next).cloned() else { continue };
            self.seen[index] = commit.sequence;
            D::apply_upstream(&mut self.state, &commit);
            if commit.events.iter().any(D::concerns) {
                let stream = StreamId { service: D::SERVICE, county: CountyCode::TUOLI };
                let request_id = commit.request_id.for_reaction(commit.stream, stream);
                let context = Context { request_id, stream, now: log.now, actor: None };
                let events = D::react(&self.state, &commit, &context);
                self.commit(log, (request_id, [0; 32]), Some(commit.position()), events);
            }
            return true;
        }
        false
    }
}

/// What has been recorded, per service and in all.
#[derive(Debug)]
struct Log {
    commits: [Vec<Arc<Commit>>; 5],
    records: Vec<(Service, Vec<u8>)>,
    now: Timestamp,
}

impl Log {
    /// A millisecond later, so that record times differ.
    fn tick(&mut self) -> Timestamp {
        let nanos = self.now.nanos.saturating_add(1_000_000);
        let carry = nanos >= 1_000_000_000;
        self.now = Timestamp {
            seconds: self.now.seconds.saturating_add(i64::from(carry)),
            nanos: if carry { 0 } else { nanos },
        };
        self.now
    }

    fn push(&mut self, commit: Commit, record: Vec<u8>) {
        let service = commit.stream.service;
        self.commits[service.index()].push(Arc::new(commit));
        self.records.push((service, record));
    }
}

/// The four services of 托里县.
#[derive(Debug)]
pub struct County {
    procurement: Desk<Procurement>,
    station: Desk<Station>,
    distribution: Desk<Distribution>,
    sales: Desk<Sales>,
    log: Log,
}

impl Default for County {
    fn default() -> Self {
        Self::new()
    }
}

impl County {
    pub fn new() -> Self {
        Self {
            procurement: Desk::new(),
            station: Desk::new(),
            distribution: Desk::new(),
            sales: Desk::new(),
            log: Log {
                commits: Default::default(),
                records: Vec::new(),
                now: Timestamp { seconds: START_SECONDS, nanos: 0 },
            },
        }
    }

    /// Decides one line of a file, then runs every reaction; `None` for a barrier, which needs nothing here.
    pub fn record(&mut self, line: RecordLine) -> Option<Result<Position, Refused>> {
        let outcome = match line.line? {
            Line::Procurement(request) => {
                request.into_write().map_err(Refused).and_then(|write| self.procurement.decide(&mut self.log, &write))
            }
            Line::Station(request) => {
                request.into_write().map_err(Refused).and_then(|write| self.station.decide(&mut self.log, &write))
            }
            Line::Distribution(request) => {
                request.into_write().map_err(Refused).and_then(|write| self.distribution.decide(&mut self.log, &write))
            }
            Line::Sales(request) => {
                request.into_write().map_err(Refused).and_then(|write| self.sales.decide(&mut self.log, &write))
            }
            Line::Await(_) => return None,
        };
        self.settle();
        Some(outcome)
    }

    /// Runs reactions until none is due.
    fn settle(&mut self) {
        loop {
            let log = &mut self.log;
            let moved = [
                self.procurement.follow(log),
                self.station.follow(log),
                self.distribution.follow(log),
                self.sales.follow(log),
            ];
            if !moved.contains(&true) {
                return;
            }
        }
    }

    /// The commits of a service, in order.
    pub fn commits(&self, service: Service) -> &[Arc<Commit>] {
        &self.log.commits[service.index()]
    }

    /// Every record in the order in which it was made, with its service.
    pub fn records(&self) -> &[(Service, Vec<u8>)] {
        &self.log.records
    }

    /// Takes the records out, for those who need a great many and no states.
    pub fn take_records(&mut self) -> Vec<(Service, Vec<u8>)> {
        std::mem::take(&mut self.log.records)
    }
}

//! The streams as the oracle reads them, by its own implementation of admission; and the invariants between streams.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use loopledger_chain::{Envelope, leaf_hash};
use loopledger_domain::{Commit, Event, Terms, distribution, procurement, sales, station};
use loopledger_event_log::MemoryLog;
use loopledger_types::{CountyCode, Hash, Key, Position, Service, StreamId, partition_of};
use loopledger_wire::decode_commit;

use super::SERVICES;
use crate::faults::junk::records;

/// Nothing longer is a commit.
const BYTES_MAX: usize = 60 * 1_024;

/// The four streams of the county.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    /// By service.
    pub(crate) commits: [Vec<Commit>; 4],
    /// Records that are no commit of anybody, by topic.
    pub(crate) voids: [u64; 4],
}

impl Streams {
    pub(crate) fn read(log: &MemoryLog) -> Self {
        let mut streams = Self::default();
        for service in SERVICES {
            for record in records(log, service) {
                streams.admit(service, &record);
            }
        }
        streams
    }

    /// The first record that extends the stream is its next commit.
    fn admit(&mut self, service: Service, record: &Bytes) {
        let (commits, voids) = (&mut self.commits[service.index()], &mut self.voids[service.index()]);
        let envelope = Some(record).filter(|record| record.len() <= BYTES_MAX).and_then(|r| Envelope::decode(r).ok());
        let lives = |county| partition_of(Key(county), 64);
        let ours = |stream: StreamId| stream.service == service && lives(stream.county) == lives(CountyCode::TUOLI);
        let Some(envelope) = envelope.filter(|envelope| ours(envelope.stream)) else {
            *voids += 1;
            return;
        };
        if envelope.stream.county != CountyCode::TUOLI {
            return;
        }
        let (sequence, hash) = commits.last().map_or((0, Hash::ZERO), |last| (last.sequence, last.hash));
        if envelope.sequence == sequence + 1 && envelope.previous_hash == hash {
            commits.push(decode_commit(&envelope, leaf_hash(record)).expect("the services write what they understand"));
        } else {
            *voids += 1;
        }
    }

    pub(crate) fn of(&self, service: Service) -> &[Commit] {
        &self.commits[service.index()]
    }

    pub(crate) fn at(&self, position: Position) -> Option<&Commit> {
        let commits = self.commits.get(position.stream.service.index())?;
        let commit = commits.get(usize::try_from(position.sequence.checked_sub(1)?).ok()?)?;
        (commit.position() == position).then_some(commit)
    }

    /// Every commit that concerns a service is answered once, in order; nothing else is. Time does not go back.
    pub(crate) fn check(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for service in SERVICES {
            let mut causes: BTreeMap<Service, Vec<Position>> = BTreeMap::new();
            let mut before = None;
            for commit in self.of(service) {
                if let Some(cause) = commit.cause {
                    causes.entry(cause.stream.service).or_default().push(cause);
                }
                if before.is_some_and(|before| commit.recorded_at < before) {
                    wrong.push(format!("{:?} was recorded before its predecessor", commit.position()));
                }
                before = Some(commit.recorded_at);
                let known = |stream: StreamId| u64::try_from(self.of(stream.service).len()).unwrap_or(0);
                if commit.upstream.iter().any(|head| head.sequence > known(head.stream)) {
                    wrong.push(format!("{:?} rests on what is not there", commit.position()));
                }
            }
            for upstream in SERVICES.into_iter().filter(|upstream| *upstream != service) {
                let concerning = |commit: &&Commit| commit.events.iter().any(|e| answered_by(e).contains(&service));
                let due: Vec<_> = self.of(upstream).iter().filter(concerning).map(Commit::position).collect();
                let done = causes.remove(&upstream).unwrap_or_default();
                if due != done {
                    let missing: Vec<_> = due.iter().filter(|due| !done.contains(due)).collect();
                    let count = (due.len(), done.len());
                    wrong.push(format!(
                        "{service} answered {upstream} wrongly: {count:?} due and done, not: {missing:?}"
                    ));
                }
            }
        }
        wrong
    }
}

/// Who must answer what.
fn answered_by(event: &Event) -> BTreeSet<Service> {
    use distribution::Event as D;
    use procurement::Event as P;
    use sales::Event as S;
    use station::Event as St;
    let one = |service| BTreeSet::from([service]);
    match event {
        Event::Station(St::GoodsCollected(e)) if matches!(e.origin.terms, Terms::Outright { .. }) => {
            one(Service::Procurement)
        }
        Event::Distribution(D::ShipmentDispatched(e)) if e.freight.0 > 0 => one(Service::Procurement),
        Event::Station(St::GoodsBoughtIn(_))
        | Event::Distribution(D::GoodsBoughtIn(_))
        | Event::Sales(S::ConsignmentSettled(_)) => one(Service::Procurement),
        Event::Procurement(P::PurchaseAccepted(_) | P::PurchaseDeclined(_))
        | Event::Distribution(D::HandOverRefused(_)) => one(Service::Station),
        Event::Distribution(D::ShipmentReceived(e)) if e.at_station => one(Service::Station),
        Event::Station(St::GoodsHandedOver(_)) => one(Service::Distribution),
        Event::Sales(S::OrderPlaced(e)) => e.lines.iter().map(|line| line.holder).collect(),
        Event::Sales(S::CancellationRequested(e)) => one(e.holder),
        Event::Station(
            St::StockRefused(_) | St::ReservationReleased(_) | St::CancelRefused(_) | St::GoodsIssued(_),
        )
        | Event::Distribution(
            D::StockRefused(_) | D::ReservationReleased(_) | D::CancelRefused(_) | D::GoodsIssued(_),
        ) => one(Service::Sales),
        Event::Procurement(_) | Event::Station(_) | Event::Distribution(_) | Event::Sales(_) => BTreeSet::new(),
    }
}

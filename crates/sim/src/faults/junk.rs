//! Foreign records: not written by the county's writers, or not for this partition. Every reader must find them void, or
//! another stream's.

use bytes::Bytes;
use loopledger_chain::{AnyRef, EVENT_TYPE_PREFIX, Envelope, leaf_hash};
use loopledger_dice::Dice;
use loopledger_event_log::{EventLog as _, MemoryLog, Offset, Record};
use loopledger_types::{CountyCode, Hash, Key, Partition, Service, StreamId, partition_of};

use crate::history::History;
use crate::oracle::SERVICES;

/// An intruder who may append to every topic, with the log as it is.
pub(crate) struct Intruder {
    log: MemoryLog,
}

impl Intruder {
    pub(crate) fn new(log: &MemoryLog) -> Self {
        Self { log: log.producer() }
    }

    pub(crate) fn strike(&self, dice: &mut Dice, history: &History) {
        let service = *dice.pick(&SERVICES).expect("there are services");
        let records = records(&self.log, service);
        let (kind, value) = match dice.below(6) {
            0 => ("garbage record", garbage(dice)),
            1 => ("oversized record", oversized(records.last(), dice)),
            2 => ("record of another topic", {
                let other = *dice.pick(&SERVICES).filter(|other| **other != service).unwrap_or(&Service::Ledger);
                self::records(&self.log, other).last().cloned().unwrap_or_default()
            }),
            3 => ("record of another county", elsewhere(records.first(), service, dice)),
            4 => ("record once more", dice.pick(&records).cloned().unwrap_or_default()),
            _ => ("record on another predecessor", forked(records.last())),
        };
        history.fault(kind, format!("{service}, {} bytes", value.len()));
        let record = Record { key: Key(CountyCode::TUOLI), headers: Vec::new(), value };
        // It is queued already; the report is not used.
        drop(self.log.append(service.topic(), partition(&self.log, service), vec![record]));
    }
}

pub(crate) fn partition(log: &MemoryLog, service: Service) -> Partition {
    partition_of(Key(CountyCode::TUOLI), log.partition_count(service.topic()))
}

/// Everything that has landed in the county's partition.
pub(crate) fn records(log: &MemoryLog, service: Service) -> Vec<Bytes> {
    let mut reader = log.read(service.topic(), partition(log, service), Offset::START).expect("the log can be read");
    let mut records = Vec::new();
    loop {
        let read = reader.poll_now().expect("the log can be read");
        if read.is_empty() {
            return records;
        }
        records.extend(read.into_iter().map(|record| record.value));
    }
}

fn garbage(dice: &mut Dice) -> Bytes {
    let length = dice.below(300);
    (0..length).map(|_| u8::try_from(dice.below(256)).unwrap_or(0)).collect()
}

/// What would be the next commit, if it were not too long.
fn oversized(last: Option<&Bytes>, dice: &mut Dice) -> Bytes {
    let long = vec![7; 61_440 + usize::try_from(dice.below(3_000)).unwrap_or(0)];
    let type_url = format!("{EVENT_TYPE_PREFIX}loopledger.station.event.v1.GoodsCollected");
    next(last, |envelope| envelope.events = vec![AnyRef { type_url: &type_url, value: &long }])
}

/// What would be the next commit, if it named the one before.
fn forked(last: Option<&Bytes>) -> Bytes {
    next(last, |envelope| envelope.previous_hash = Hash([9; 32]))
}

fn next<'a>(last: Option<&'a Bytes>, change: impl FnOnce(&mut Envelope<'a>)) -> Bytes {
    let Some((last, mut envelope)) = last.and_then(|last| Some((last, Envelope::decode(last).ok()?))) else {
        return Bytes::new();
    };
    envelope.sequence += 1;
    envelope.previous_hash = leaf_hash(last);
    change(&mut envelope);
    encoded(&envelope)
}

/// A first commit of another county, which lives in the same partition or does not.
fn elsewhere(first: Option<&Bytes>, service: Service, dice: &mut Dice) -> Bytes {
    let Some(mut envelope) = first.and_then(|first| Envelope::decode(first).ok()) else { return Bytes::new() };
    let home = partition_of(Key(CountyCode::TUOLI), 64);
    let same = dice.chance(50);
    let counties = (650_101..).filter_map(|code| CountyCode::parse(&u32::to_string(&code)).ok());
    let mut others = counties.filter(|county| (partition_of(Key(*county), 64) == home) == same);
    let county = others.nth(usize::try_from(dice.below(3)).unwrap_or(0)).unwrap_or(CountyCode::TUOLI);
    envelope.stream = StreamId { service, county };
    encoded(&envelope)
}

fn encoded(envelope: &Envelope<'_>) -> Bytes {
    let mut record = Vec::new();
    envelope.encode(&mut record);
    record.into()
}

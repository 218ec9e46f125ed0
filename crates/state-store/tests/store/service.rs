//! As a writer sees it: the same for both implementations.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex};

use loopledger_dice::Dice;
use loopledger_domain::Entity;
use loopledger_state_store::{
    Checkpoint, MAX_CHANGES, Memory, MemoryStore, Mirror, Orphan, Progress, RequestRecord, RowStore, RowsProgress,
    ServiceStore, SledStore, StoreError, StreamProgress, UpstreamProgress,
};
use loopledger_types::{CountyCode, Hash, Head, RequestId, Service, StreamId, Timestamp};
use tempfile::tempdir;

const STREAM: StreamId = StreamId { service: Service::Station, county: CountyCode::TUOLI };
const UPSTREAM: StreamId = StreamId { service: Service::Sales, county: CountyCode::TUOLI };

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Thing {
    pub(crate) number: u32,
    pub(crate) closed: bool,
}

impl Entity for Thing {
    type Key = u32;

    fn is_closed(&self) -> bool {
        self.closed
    }
}

impl Mirror for Thing {
    const SCHEMA: u16 = 1;

    fn encode_key(key: &u32, out: &mut Vec<u8>) {
        out.extend_from_slice(&key.to_be_bytes());
    }

    fn decode_key(bytes: &[u8]) -> Option<u32> {
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.number.to_be_bytes());
        out.push(u8::from(self.closed));
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (number, rest) = bytes.split_first_chunk()?;
        Some(Self { number: u32::from_be_bytes(*number), closed: rest == [1] })
    }
}

fn head(sequence: u64) -> Head {
    Head { sequence, hash: Hash([sequence as u8; 32]) }
}

pub(crate) fn checkpoint(sequence: u64, entities: Vec<(u32, Option<Thing>)>) -> Checkpoint<Thing> {
    let upstream = UpstreamProgress {
        stream: UPSTREAM,
        noted: head(sequence * 2),
        noted_offset: sequence * 3,
        answered: head(sequence),
        answered_offset: sequence,
        named: sequence,
    };
    Checkpoint {
        progress: Progress {
            head: head(sequence),
            offset: sequence * 10,
            recorded_at: Timestamp { seconds: 1_760_000_000, nanos: 5 },
            newest: None,
            referenced: sequence + 1,
            upstream: vec![upstream],
        },
        entities,
        requests: vec![record(sequence)],
        tail: vec![(sequence, vec![sequence as u8; 30].into())],
        orphans: if sequence.is_multiple_of(50) { vec![orphan(sequence)] } else { Vec::new() },
    }
}

pub(crate) fn orphan(sequence: u64) -> Orphan {
    Orphan { request_id: record(sequence).request_id, answer: vec![sequence as u8; 40].into() }
}

pub(crate) fn record(sequence: u64) -> RequestRecord {
    let mut id = [9; 16];
    id[..8].copy_from_slice(&sequence.to_le_bytes());
    RequestRecord { request_id: RequestId(id), digest: [3; 32], sequence, hash: head(sequence).hash }
}

pub(crate) fn submit(store: &dyn ServiceStore<Thing>, checkpoint: Checkpoint<Thing>) {
    while !store.has_room() {
        store.flush().unwrap();
    }
    store.submit(checkpoint).unwrap();
}

/// Random checkpoints over few entities that open, close, open again and vanish; read back after every restart.
fn check_against_a_model(restart: impl Fn() -> Box<dyn ServiceStore<Thing>>) {
    let mut random = Dice::new(5);
    let mut model: BTreeMap<u32, Thing> = BTreeMap::new();
    let mut store = restart();
    assert_eq!(store.progress().unwrap(), None);
    for sequence in 1..=300_u64 {
        let mut changes: BTreeMap<u32, Option<Thing>> = BTreeMap::new();
        for _ in 0..random.below(40) {
            let key = random.below(120) as u32;
            let thing = Thing { number: random.roll() as u32, closed: random.below(2) == 0 };
            changes.insert(key, (random.below(8) != 0).then_some(thing));
        }
        for (key, thing) in &changes {
            match thing {
                Some(thing) => model.insert(*key, thing.clone()),
                None => model.remove(key),
            };
        }
        let mut entities: Vec<_> = changes.into_iter().collect();
        entities.reverse();
        submit(&*store, checkpoint(sequence, entities));
        for key in 0..120 {
            assert_eq!(store.entity(&key).unwrap().as_ref(), model.get(&key), "at once, key {key} at {sequence}");
        }
        assert_eq!(store.request(record(sequence).request_id).unwrap(), Some(record(sequence)));
        if random.below(20) == 0 {
            store.close().unwrap();
            drop(store);
            store = restart();
            let open: BTreeMap<u32, Thing> = store.load_open().unwrap().into_iter().collect();
            assert_eq!(open, model.clone().into_iter().filter(|(_, thing)| !thing.closed).collect());
        }
        assert_eq!(store.progress().unwrap(), Some(checkpoint(sequence, vec![]).progress));
    }
    for sequence in 1..=300 {
        assert_eq!(store.request(record(sequence).request_id).unwrap(), Some(record(sequence)));
    }
    assert_eq!(store.request(record(301).request_id).unwrap(), None);
    let orphans: BTreeMap<RequestId, Orphan> =
        store.orphans().unwrap().into_iter().map(|orphan| (orphan.request_id, orphan)).collect();
    assert_eq!(orphans, (50..=300).step_by(50).map(|n| (orphan(n).request_id, orphan(n))).collect());
    let tail: Vec<u64> = store.tail().unwrap().into_iter().map(|(sequence, _)| sequence).collect();
    assert_eq!(tail, (1..=300).collect::<Vec<_>>());
}

#[test]
fn sled_keeps_what_a_writer_submits() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("store");
    check_against_a_model(|| {
        let (store, report) = SledStore::<Thing>::open(&path, STREAM, None).unwrap();
        assert_eq!(report.moved_aside, None);
        Box::new(store)
    });
}

#[test]
fn memory_keeps_what_a_writer_submits() {
    let memory = Memory::new();
    check_against_a_model(|| Box::new(MemoryStore::<Thing>::new(memory.clone())));
}

#[test]
fn what_is_submitted_is_found_before_it_is_written() {
    let directory = tempdir().unwrap();
    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    let at_gate = Arc::clone(&gate);
    let on_point = move |_: &'static str| {
        let (open, changed) = &*at_gate;
        drop(changed.wait_while(open.lock().unwrap(), |open| !*open).unwrap());
    };
    let path = directory.path().join("store");
    let (store, _) = SledStore::<Thing>::open(&path, STREAM, Some(Arc::new(on_point))).unwrap();
    let thing = |number| Some(Thing { number, closed: true });
    store.submit(checkpoint(1, vec![(7, thing(1)), (8, thing(2))])).unwrap();
    store.submit(checkpoint(2, vec![(7, None)])).unwrap();
    assert_eq!(store.entity(&7).unwrap(), None);
    assert_eq!(store.entity(&8).unwrap(), thing(2));
    assert_eq!(store.request(record(1).request_id).unwrap(), Some(record(1)));
    assert_eq!(store.progress().unwrap().unwrap().head, head(2));
    *gate.0.lock().unwrap() = true;
    gate.1.notify_all();
    store.flush().unwrap();
    assert_eq!(store.entity(&7).unwrap(), None);
    assert_eq!(store.entity(&8).unwrap(), thing(2));
}

#[test]
fn a_store_that_is_retired_stays_whole_beside_the_new_one() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("store");
    for number in 1..=2 {
        let (store, report) = SledStore::<Thing>::open(&path, STREAM, None).unwrap();
        assert_eq!((report.moved_aside, store.progress().unwrap()), (None, None), "it begins empty");
        submit(&store, checkpoint(number, vec![]));
        let aside = store.retire().unwrap().unwrap();
        assert_eq!(aside, directory.path().join(format!("store.evidence-{number}")));
        assert_eq!(store.progress(), Err(StoreError::Closed));
        let (evidence, report) = SledStore::<Thing>::open(&aside, STREAM, None).unwrap();
        assert_eq!(report.moved_aside, None);
        assert_eq!(evidence.progress().unwrap(), Some(checkpoint(number, vec![]).progress));
        assert_eq!(evidence.tail().unwrap(), checkpoint(number, vec![]).tail);
    }
}

#[test]
fn a_checkpoint_over_the_limit_is_refused_whole() {
    let store = MemoryStore::<Thing>::new(Memory::new());
    let many = (0..=MAX_CHANGES as u32).map(|key| (key, None)).collect();
    assert!(matches!(store.submit(checkpoint(1, many)), Err(StoreError::TooLarge { .. })));
    assert_eq!(store.progress().unwrap(), None);
}

#[test]
fn a_projections_rows_and_heads_come_back_together() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("rows");
    let progress = RowsProgress {
        streams: vec![StreamProgress { stream: UPSTREAM, head: head(4), offset: 9 }],
        extra: b"digest".to_vec(),
    };
    let (store, _) = RowStore::open(&path, "projection/654224", 1, None).unwrap();
    let mut rows = loopledger_state_store::Batch::new();
    rows.put(b"b/1", b"one");
    rows.put(b"b/2", b"two");
    rows.delete(b"b/1");
    store.submit(&progress, rows).unwrap();
    store.close().unwrap();
    drop(store);
    let (store, report) = RowStore::open(&path, "projection/654224", 1, None).unwrap();
    assert_eq!(report.moved_aside, None);
    assert_eq!(store.progress().unwrap(), Some(progress));
    assert_eq!(store.get(b"b/1").unwrap(), None);
    let mut found = Vec::new();
    store
        .scan(b"b/", &mut |key, value| {
            found.push((key.to_vec(), value.to_vec()));
            Ok(())
        })
        .unwrap();
    assert_eq!(found, [(b"b/2".to_vec(), b"two".to_vec())]);
}

//! Many streams in one store: none sees another's, and what happens to the store happens to all.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use loopledger_dice::Dice;
use loopledger_page_store::{Backend, Batch, Memory, Options, PageStore, PageStream, Reason, StoreError, StreamKey};
use tempfile::tempdir;

use crate::support::{Gate, Model, options, random_batch_of, scan, segments_of, submit, wounded};

const STREAMS: u32 = 12;
const PLENTY: u64 = 1 << 40;

/// Far apart and next to each other, the smallest and the largest.
fn key(number: u32) -> StreamKey {
    StreamKey(match number {
        0..4 => number,
        4..8 => u32::MAX - number,
        _ => number << 20,
    })
}

fn open_streams(store: &PageStore) -> Vec<PageStream> {
    (0..STREAMS).map(|number| store.stream(key(number))).collect()
}

/// What one stream should hold.
#[derive(Debug, Clone, Default, PartialEq)]
struct Expected {
    entries: Model,
    batches: u64,
}

impl Expected {
    /// Makes the stream's next batch: the keys are those of every stream, the raw records too.
    fn next(&mut self, stream: StreamKey, random: &mut Dice) -> Batch {
        self.batches += 1;
        let mut batch = random_batch_of(stream, random, &mut self.entries);
        batch.set_meta(self.batches.to_le_bytes().to_vec());
        (self.batches * 9..(self.batches + 1) * 9).for_each(|n| batch.push_tail(n, Self::record(n)));
        batch
    }

    fn record(sequence: u64) -> bytes::Bytes {
        vec![sequence as u8; 20].into()
    }

    fn check(&self, stream: &dyn Backend) {
        assert_eq!(batches_of(stream), self.batches);
        assert_eq!(scan(stream, b""), self.entries);
        let under = |(key, _): &(&Vec<u8>, &Vec<u8>)| key.starts_with(b"b");
        let under: Model = self.entries.iter().filter(under).map(|(k, v)| (k.clone(), v.clone())).collect();
        assert_eq!(scan(stream, b"b"), under);
        for (key, value) in &self.entries {
            assert_eq!(stream.get(key).unwrap().as_ref(), Some(value));
        }
        let tail = stream.tail().unwrap();
        let records: Vec<_> = (9..(self.batches + 1) * 9).map(|n| (n, Self::record(n))).collect();
        assert_eq!(tail, if self.batches == 0 { Vec::new() } else { records });
    }
}

fn batches_of(stream: &dyn Backend) -> u64 {
    stream.meta().unwrap().map_or(0, |meta| u64::from_le_bytes(meta.try_into().unwrap()))
}

/// A closed store in which every stream but the last has something.
fn written(path: &std::path::Path) -> Vec<Expected> {
    let (store, _) = PageStore::open(path, &options()).unwrap();
    let streams = open_streams(&store);
    let mut expected = vec![Expected::default(); STREAMS as usize];
    let mut random = Dice::new(9);
    for _ in 0..200 {
        let at = random.below(u64::from(STREAMS) - 1) as usize;
        submit(&streams[at], expected[at].next(key(at as u32), &mut random));
    }
    streams[0].close().unwrap();
    expected
}

#[test]
fn streams_with_equal_keys_do_not_see_each_other() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("store");
    let memory = Memory::new();
    let memories: Vec<Memory> = (0..STREAMS).map(|number| memory.stream(key(number))).collect();
    for seed in 1..=3 {
        let directory = path.join(seed.to_string());
        let mut store = PageStore::open(&directory, &options()).unwrap().0;
        let mut streams = open_streams(&store);
        let mut random = Dice::new(seed);
        let mut expected = vec![Expected::default(); STREAMS as usize];
        for _ in 0..400 {
            let at = random.below(u64::from(STREAMS)) as usize;
            match random.below(40) {
                0 => {
                    streams[at].settle().unwrap();
                    expected.iter().zip(&streams).for_each(|(expected, stream)| expected.check(stream));
                }
                1 => {
                    streams[at].close().unwrap();
                    drop((streams, store));
                    store = PageStore::open(&directory, &options()).unwrap().0;
                    streams = open_streams(&store);
                }
                _ => submit(&streams[at], expected[at].next(key(at as u32), &mut random)),
            }
        }
        streams[0].flush().unwrap();
        expected.iter().zip(&streams).for_each(|(expected, stream)| expected.check(stream));
    }
    let mut random = Dice::new(4);
    let mut expected = vec![Expected::default(); STREAMS as usize];
    for _ in 0..200 {
        let at = random.below(u64::from(STREAMS)) as usize;
        memories[at].submit(Box::new(Some(expected[at].next(key(at as u32), &mut random)))).unwrap();
    }
    expected.iter().zip(&memories).for_each(|(expected, stream)| expected.check(stream));
}

#[test]
fn a_batch_of_another_stream_is_refused() {
    let directory = tempdir().unwrap();
    let (store, _) = PageStore::open(&directory.path().join("store"), &options()).unwrap();
    let stream = store.stream(key(1));
    let mut batch = Batch::of(key(2));
    batch.put(b"key", b"value");
    stream.submit(Box::new(Some(batch))).unwrap();
    assert!(matches!(stream.flush(), Err(StoreError::Failed(_))));
    assert_eq!(store.stream(key(2)).get(b"key").unwrap(), None);
}

#[test]
fn a_stream_keeps_its_room_whatever_others_submit() {
    let directory = tempdir().unwrap();
    let gate = Gate::default();
    let options = Options { on_point: Some(gate.on_point()), queue: 2, ..options() };
    let (store, _) = PageStore::open(&directory.path().join("store"), &options).unwrap();
    let streams = open_streams(&store);
    for stream in &streams {
        for n in 0..2_u8 {
            assert!(stream.has_room());
            let mut batch = stream.batch();
            batch.put(&[n], b"value");
            stream.submit(Box::new(Some(batch))).unwrap();
        }
        assert!(!stream.has_room());
        assert_eq!(stream.submit(Box::new(Some(stream.batch()))), Err(StoreError::Full));
    }
    gate.open();
    streams[0].flush().unwrap();
    assert!(streams.iter().all(|stream| stream.has_room() && scan(stream, b"").len() == 2));
}

/// Files of the store's raw records that this process has open.
fn open_tails(path: &std::path::Path) -> usize {
    let entries = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    entries.filter(|entry| std::fs::read_link(entry.path()).is_ok_and(|to| to.starts_with(path.join("tail")))).count()
}

#[test]
fn an_idle_stream_has_no_file_open_and_busy_ones_have_few() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("store");
    let (store, _) = PageStore::open(&path, &Options { overlay_keys: 1 << 20, ..options() }).unwrap();
    let streams: Vec<PageStream> = (0..300).map(|number| store.stream(StreamKey(number))).collect();
    let mut most = 0;
    for stream in &streams {
        let mut batch = stream.batch();
        batch.put(b"key", b"value");
        batch.push_tail(1, vec![1; 10].into());
        submit(stream, batch);
        most = most.max(open_tails(&path));
    }
    assert!(most <= 256, "{most}");
    streams[0].flush().unwrap();
    assert_eq!(open_tails(&path), 0);
    assert!(streams.iter().all(|stream| stream.tail().unwrap().len() == 1));
    streams[0].close().unwrap();
    drop((streams, store));
    let (store, _) = PageStore::open(&path, &options()).unwrap();
    assert!((0..300).all(|number| store.stream(StreamKey(number)).tail().unwrap().len() == 1));
    assert_eq!(open_tails(&path), 0);
}

#[test]
fn damaged_raw_records_of_a_stream_are_found_when_it_is_used_and_condemn_the_store() {
    let directory = tempdir().unwrap();
    for use_it in ["read", "write", "check"] {
        let path = directory.path().join(use_it);
        let expected = written(&path);
        let segment = segments_of(&path, key(5)).pop().unwrap();
        let mut bytes = std::fs::read(&segment).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(segment, bytes).unwrap();
        if use_it == "check" {
            let (store, report) = PageStore::open(&path, &Options { checked: vec![key(5)], ..options() }).unwrap();
            assert!(matches!(report.moved_aside.unwrap().1, Reason::Corrupt(_)));
            assert_eq!(store.stream(key(1)).meta().unwrap(), None);
            assert!(store.stream(key(1)).remembered().is_some(), "it is still known how far the stream had come");
            continue;
        }
        let (store, report) = PageStore::open(&path, &options()).unwrap();
        assert_eq!(report.moved_aside, None);
        let (damaged, other) = (store.stream(key(5)), store.stream(key(1)));
        expected[1].check(&other);
        if use_it == "read" {
            assert!(matches!(damaged.tail(), Err(StoreError::Corrupt(_))));
            assert_eq!(other.failure(), None);
        } else {
            let mut batch = damaged.batch();
            batch.push_tail(100_000, vec![1; 10].into());
            submit(&damaged, batch);
            assert!(matches!(damaged.flush(), Err(StoreError::Corrupt(_))));
            assert!(matches!(other.failure(), Some(StoreError::Corrupt(_))));
            expected[1].check(&other);
        }
        let (aside, _) = damaged.condemn("its raw records are damaged").unwrap().unwrap();
        assert_eq!(aside.file_name().unwrap().to_str().unwrap(), format!("{use_it}.corrupt-1"));
        assert_eq!(damaged.get(b"key"), Err(StoreError::Closed));
        // The other owner's store is gone too. It hears that, moves nothing aside, and may begin anew.
        assert!(other.failure().is_some_and(|error| error.may_pass()));
        assert!(other.meta().is_err() && other.submit(Box::new(Some(other.batch()))).is_err());
        assert_eq!(other.condemn("as well").unwrap(), None);
        other.probe().unwrap();
        assert_eq!(other.reopen().unwrap().moved_aside, None);
        assert_eq!((other.meta().unwrap(), other.failure()), (None, None));
        assert_eq!(other.remembered(), Some((expected[1].batches + 1) * 9 - 1));
        assert!(damaged.failure().is_some());
        damaged.reopen().unwrap();
        let mut again = Expected::default();
        submit(&damaged, again.next(key(5), &mut Dice::new(1)));
        damaged.flush().unwrap();
        again.check(&damaged);
    }
}

#[test]
fn a_flipped_byte_never_leads_to_wrong_answers_in_any_stream() {
    let directory = tempdir().unwrap();
    let whole = directory.path().join("whole");
    let expected = written(&whole);
    let (mut aside, mut intact) = (0, 0);
    for (path, file, at) in wounded(&whole, directory.path()) {
        let (store, report) = PageStore::open(&path, &options()).unwrap();
        let streams = open_streams(&store);
        if report.moved_aside.is_some() {
            assert!(streams.iter().all(|stream| batches_of(stream) == 0 && scan(stream, b"").is_empty()));
            aside += 1;
            continue;
        }
        for (stream, expected) in streams.iter().zip(&expected) {
            let mut found = Model::new();
            let scanned = stream.scan(b"", &mut |key, value| {
                found.insert(key.to_vec(), value.to_vec());
                Ok(())
            });
            // sled takes damage in what it wrote last for a torn end, and goes back: to the boundary of a batch.
            if let (Ok(()), Ok(Some(meta))) = (scanned, stream.meta())
                && meta == expected.batches.to_le_bytes()
            {
                assert_eq!(found, expected.entries, "{}, byte {at}", file.display());
                intact += 1;
            }
        }
    }
    assert!(aside > 0 && intact > 0, "{aside} aside, {intact} streams intact");
}

#[test]
fn a_full_disk_fails_all_streams_and_each_owner_opens_the_store_again() {
    let directory = tempdir().unwrap();
    let left = Arc::new(AtomicU64::new(PLENTY));
    let played = Arc::clone(&left);
    let options = Options { on_space: Some(Arc::new(move || played.load(Ordering::Relaxed))), ..options() };
    let (store, _) = PageStore::open(&directory.path().join("store"), &options).unwrap();
    let streams = open_streams(&store);
    let mut random = Dice::new(6);
    // After every batch since the last flush.
    let mut states: Vec<Vec<Expected>> = vec![vec![Expected::default()]; streams.len()];
    for round in 0..4 {
        for states in &mut states {
            states.drain(..states.len() - 1);
        }
        left.store(0, Ordering::Relaxed);
        while store.stream(key(0)).failure().is_none() {
            let at = random.below(u64::from(STREAMS)) as usize;
            let mut next = states[at].last().unwrap().clone();
            let batch = next.next(key(at as u32), &mut random);
            if streams[at].has_room() && streams[at].submit(Box::new(Some(batch))).is_ok() {
                states[at].push(next);
            }
        }
        let full = |error: StoreError| matches!(error, StoreError::OutOfSpace(_));
        assert!(streams.iter().all(|stream| stream.failure().is_some_and(full)), "round {round}");
        assert!(streams[3].probe().is_err_and(full));
        for stream in &streams {
            scan(stream, b"");
        }

        left.store(PLENTY, Ordering::Relaxed);
        for (at, stream) in streams.iter().enumerate() {
            // Opened again for others already: until its own owner does, it says so, and answers nothing.
            assert!(stream.failure().is_some(), "round {round}, stream {at}");
            assert!(at == 0 || stream.get(b"any").is_err() && stream.submit(Box::new(Some(stream.batch()))).is_err());
            assert_eq!(stream.reopen().unwrap().moved_aside, None);
            assert_eq!(stream.failure(), None);
            let found = batches_of(stream);
            let kept = states[at].iter().find(|state| state.batches == found).cloned();
            let kept = kept.unwrap_or_else(|| panic!("round {round}, stream {at}: found {found}"));
            kept.check(stream);
            states[at] = vec![kept];
        }
        for (at, stream) in streams.iter().enumerate() {
            let mut next = states[at][0].clone();
            submit(stream, next.next(key(at as u32), &mut random));
            states[at].push(next);
        }
        streams[5].flush().unwrap();
    }
    left.store(PLENTY, Ordering::Relaxed);
    streams[0].flush().unwrap();
    states.iter().zip(&streams).for_each(|(states, stream)| states.last().unwrap().check(stream));
}

#[test]
fn memory_that_fails_does_so_for_every_stream_until_its_owner_opens_it_again() {
    let memory = Memory::new();
    let (a, b) = (memory.stream(key(1)), memory.stream(key(2)));
    a.set_full(true);
    a.submit(Box::new(Some(a.batch()))).unwrap();
    assert!(a.failure().is_some() && b.failure().is_some());
    a.set_full(false);
    a.reopen().unwrap();
    assert!(a.failure().is_none() && b.failure().is_some());
    b.reopen().unwrap();
    a.condemn("damaged").unwrap();
    assert!(a.failure().is_none() && b.failure().is_some(), "what was b's is gone too");
}

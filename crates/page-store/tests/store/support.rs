//! A small random source, a model, and a store that merges soon.

use std::collections::BTreeMap;
use std::path::Path;

use loopledger_page_store::{Backend, Batch, OpenReport, Options, PageStore};

pub(crate) type Model = BTreeMap<Vec<u8>, Vec<u8>>;

/// `SplitMix64`.
#[derive(Debug, Clone)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// Options under which 64 keys fill an overlay, so that a test sees several levels of runs.
pub(crate) fn options() -> Options {
    Options { overlay_keys: 64, ..Options::new("station/654224", 1) }
}

pub(crate) fn open(path: &Path) -> PageStore {
    let (store, report) = PageStore::open(path, &options()).unwrap();
    assert_eq!(report, OpenReport::default());
    store
}

/// A batch of random puts and deletes over few keys, of different lengths, applied to the model too.
pub(crate) fn random_batch(random: &mut Random, model: &mut Model) -> Batch {
    let mut batch = Batch::new();
    if random.below(32) == 0 {
        // Large enough for several of sled's batches.
        for number in 0..24_u8 {
            let value = vec![random.next() as u8; 40_000 + number as usize * 1_000];
            batch.put(&[b'd', number], &value);
            model.insert(vec![b'd', number], value);
        }
    }
    for _ in 0..random.below(60) {
        let number = random.below(700);
        let mut key = vec![b'a' + (number % 3) as u8];
        key.extend_from_slice(&number.to_be_bytes()[5..]);
        key.extend(std::iter::repeat_n(0, (number % 7) as usize));
        if random.below(4) == 0 {
            batch.delete(&key);
            model.remove(&key);
        } else {
            let length = if random.below(50) == 0 { 20_000 } else { random.below(90) };
            let value: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
            batch.put(&key, &value);
            model.insert(key, value);
        }
    }
    batch
}

pub(crate) fn submit(store: &PageStore, batch: Batch) {
    while !store.has_room() {
        store.flush().unwrap();
    }
    store.submit(Box::new(Some(batch))).unwrap();
}

pub(crate) fn scan(store: &dyn Backend, prefix: &[u8]) -> Model {
    let mut found = Model::new();
    let mut last: Option<Vec<u8>> = None;
    store
        .scan(prefix, &mut |key, value| {
            assert!(last.as_deref().is_none_or(|last| last < key), "in order, each key once");
            last = Some(key.to_vec());
            found.insert(key.to_vec(), value.to_vec());
            Ok(())
        })
        .unwrap();
    found
}

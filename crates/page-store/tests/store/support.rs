//! A model, and a store that merges soon.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};

use loopledger_dice::Dice;
use loopledger_page_store::{
    Backend, Batch, OnPoint, OpenReport, Options, PageStore, PageStream, StoreError, StreamKey,
};

pub(crate) type Model = BTreeMap<Vec<u8>, Vec<u8>>;

/// The stream of tests that need only one.
pub(crate) const STREAM: StreamKey = StreamKey(0);

/// Options under which 64 keys fill an overlay, so that a test sees several levels of runs.
pub(crate) fn options() -> Options {
    Options { overlay_keys: 64, checked: vec![STREAM], ..Options::new("station/654224", 1) }
}

/// A store of one stream.
pub(crate) fn open_with(path: &Path, options: &Options) -> Result<(PageStream, OpenReport), StoreError> {
    PageStore::open(path, options).map(|(store, report)| (store.stream(STREAM), report))
}

pub(crate) fn open(path: &Path) -> PageStream {
    let (store, report) = open_with(path, &options()).unwrap();
    assert_eq!(report, OpenReport::default());
    store
}

/// A batch of random puts and deletes over few keys, of different lengths, applied to the model too.
pub(crate) fn random_batch(random: &mut Dice, model: &mut Model) -> Batch {
    random_batch_of(STREAM, random, model)
}

pub(crate) fn random_batch_of(stream: StreamKey, random: &mut Dice, model: &mut Model) -> Batch {
    let mut batch = Batch::of(stream);
    if random.below(32) == 0 {
        // Large enough for several of sled's batches.
        for number in 0..24_u8 {
            let value = vec![random.roll() as u8; 40_000 + number as usize * 1_000];
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
            let value: Vec<u8> = (0..length).map(|_| random.roll() as u8).collect();
            batch.put(&key, &value);
            model.insert(key, value);
        }
    }
    batch
}

pub(crate) fn submit(store: &PageStream, batch: Batch) {
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

pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The files of a stream's raw records, oldest first.
pub(crate) fn segments_of(path: &Path, stream: StreamKey) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path.join("tail").join(format!("{:08x}", stream.0))).unwrap();
    let mut segments: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    segments.sort();
    segments
}

pub(crate) fn segments(path: &Path) -> Vec<PathBuf> {
    segments_of(path, STREAM)
}

/// Files of sled's and bytes of its large one, evenly spread.
fn wounds(path: &Path) -> Vec<(PathBuf, usize)> {
    let mut wounds = Vec::new();
    for entry in std::fs::read_dir(path).unwrap() {
        let entry = entry.unwrap();
        let length = entry.metadata().unwrap().len() as usize;
        if entry.file_type().unwrap().is_file() && length > 0 {
            let name = PathBuf::from(entry.file_name());
            wounds.extend((0..24).map(|n| (name.clone(), n * (length - 1) / 23)));
        }
    }
    wounds
}

/// A store's thread stands at the first checkpoint until the gate is opened.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub(crate) fn on_point(&self) -> OnPoint {
        let gate = Arc::clone(&self.0);
        Arc::new(move |name| {
            if name == "state-store.inside-checkpoint" {
                let (open, changed) = &*gate;
                drop(changed.wait_while(open.lock().unwrap(), |open| !*open).unwrap());
            }
        })
    }

    pub(crate) fn open(&self) {
        let (open, changed) = &*self.0;
        *open.lock().unwrap() = true;
        changed.notify_all();
    }
}

/// For each wound of the store `whole` a copy that has it: a byte is flipped at that place of that file.
pub(crate) fn wounded<'a>(
    whole: &'a Path,
    directory: &'a Path,
) -> impl Iterator<Item = (PathBuf, PathBuf, usize)> + 'a {
    wounds(whole).into_iter().enumerate().map(move |(number, (file, at))| {
        let path = directory.join(format!("store-{number}"));
        copy(whole, &path);
        let mut bytes = std::fs::read(path.join(&file)).unwrap();
        bytes[at] ^= 0x10;
        std::fs::write(path.join(&file), bytes).unwrap();
        (path, file, at)
    })
}

//! The store of one writer: entities, requests, progress and raw tail.
//!
//! What was submitted is found at once, before it is written: a writer may evict what it submitted, and a repeated
//! request is recognised. Open entities lie under a prefix of their own, so that a warm start reads them alone.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use loopledger_domain::Entity;
use loopledger_types::{RequestId, StreamId};

use crate::checkpoint::{
    Checkpoint, LAYOUT, Progress, RequestRecord, decode_progress, decode_request, encode_progress, encode_request,
};
use crate::{
    Backend, Batch, Memory, OnPoint, OpenReport, Options, Orphan, PageStore, PageStream, Reason, StoreError,
    Submission, TailRecord, stream_key,
};

/// An entity that can be stored. The layout must be a mirror of its own, so that the domain's types can change freely.
pub trait Mirror: Entity {
    /// Raised with every change of layout; a store of another version is moved aside and rebuilt.
    const SCHEMA: u16;

    /// Appends the key; different keys, different bytes.
    fn encode_key(key: &Self::Key, out: &mut Vec<u8>);

    fn decode_key(bytes: &[u8]) -> Option<Self::Key>;

    fn encode(&self, out: &mut Vec<u8>);

    fn decode(bytes: &[u8]) -> Option<Self>;
}

/// What a writer needs of its store. One submitter, any number of readers; nothing waits for a disk but `flush`,
/// `close`, `probe`, `reopen`, and a read of what is not in memory.
pub trait ServiceStore<E: Entity>: core::fmt::Debug + Send + Sync + 'static {
    /// How far the newest submitted checkpoint had come; `None`: empty.
    fn progress(&self) -> Result<Option<Progress>, StoreError>;

    fn entity(&self, key: &E::Key) -> Result<Option<E>, StoreError>;

    fn request(&self, request_id: RequestId) -> Result<Option<RequestRecord>, StoreError>;

    /// Every entity that is not closed, for a warm start. Waits for what was submitted.
    fn load_open(&self) -> Result<Vec<(E::Key, E)>, StoreError>;

    /// Raw records of the newest commits, oldest first, at most 10,000. Waits for what was submitted.
    fn tail(&self) -> Result<Vec<TailRecord>, StoreError>;

    /// The newest sequence of which a raw record is left on disk, in this store or in one that was moved aside: the own
    /// stream had it. May be newer than [`progress`](Self::progress).
    fn remembered(&self) -> Option<u64>;

    /// The raw records up to there, oldest first.
    fn salvage(&self) -> Vec<TailRecord>;

    /// Every reaction whose cause is lost. Waits for what was submitted.
    fn orphans(&self) -> Result<Vec<Orphan>, StoreError>;

    /// Whether a checkpoint would be taken now; stays true until one is submitted. Ask before draining changes.
    fn has_room(&self) -> bool;

    /// Queues a checkpoint; they are written in order, each whole or not at all. Never waits.
    /// At most [`MAX_CHANGES`](crate::MAX_CHANGES) changes and [`MAX_TAIL_BYTES`](crate::MAX_TAIL_BYTES) of records.
    fn submit(&self, checkpoint: Checkpoint<E>) -> Result<(), StoreError>;

    /// Waits until everything submitted is written and on disk.
    fn flush(&self) -> Result<(), StoreError>;

    /// Flushes and lets the directory go. Everything else fails afterwards.
    fn close(&self) -> Result<(), StoreError>;

    /// Why nothing more is written, if that is so. What was written or submitted before can still be read.
    fn failure(&self) -> Option<StoreError>;

    /// Whether the disk takes anything now.
    fn probe(&self) -> Result<(), StoreError>;

    /// Closes the store without care and opens what is on disk again: what was submitted and is not there is forgotten,
    /// as after a crash. Never after a lost tail.
    fn reopen(&self) -> Result<OpenReport, StoreError>;

    /// Closes the store and moves it aside, because it turned out to be unusable. Never for a lost tail.
    fn condemn(&self, why: &str) -> Result<Option<(PathBuf, Reason)>, StoreError>;

    /// Closes the store in good order and moves it aside: evidence of a loss that was accepted.
    fn retire(&self) -> Result<Option<PathBuf>, StoreError>;
}

/// On disk, alone in its directory or one of many streams.
pub type SledStore<E> = Store<E, PageStream>;
/// In memory.
pub type MemoryStore<E> = Store<E, Memory>;

const OPEN: u8 = b'o';
const CLOSED: u8 = b'c';
const REQUEST: u8 = b'q';
const ORPHAN: u8 = b'r';

/// Both implementations of [`ServiceStore`].
#[derive(Debug)]
pub struct Store<E: Mirror, B: Backend> {
    backend: B,
    pending: Arc<Pending<E>>,
}

/// Submitted and not yet readable in the backend, oldest first.
type Pending<E> = RwLock<VecDeque<Arc<Checkpoint<E>>>>;

const fn schema<E: Mirror>() -> u32 {
    let [a, b] = LAYOUT.to_be_bytes();
    let [c, d] = E::SCHEMA.to_be_bytes();
    u32::from_be_bytes([a, b, c, d])
}

impl<E: Mirror> SledStore<E> {
    /// With what a [`PageStore`] is opened that holds streams of this service's, a partition's say. [`Store::over`] then
    /// takes one of its [streams](PageStore::stream), by its [key](stream_key).
    pub fn options(owner: impl Into<String>, on_point: Option<OnPoint>) -> Options {
        Options { on_point, ..Options::new(owner, schema::<E>()) }
    }

    /// Opens the store of `stream` alone in `directory`, or moves aside what is there and starts empty.
    pub fn open(
        directory: &Path,
        stream: StreamId,
        on_point: Option<OnPoint>,
    ) -> Result<(Self, OpenReport), StoreError> {
        let (store, report) = PageStore::open(directory, &Self::options_of_one(stream, on_point))?;
        Ok((Self::over(store.stream(stream_key(stream))), report))
    }

    /// The same; but a store without room on its disk holds nothing until it is opened again.
    pub fn open_or_absent(
        directory: &Path,
        stream: StreamId,
        on_point: Option<OnPoint>,
    ) -> Result<(Self, OpenReport), StoreError> {
        let (store, report) = PageStore::open_or_absent(directory, &Self::options_of_one(stream, on_point))?;
        Ok((Self::over(store.stream(stream_key(stream))), report))
    }

    /// Its raw records are checked at once: there is no other stream that need not wait for that.
    fn options_of_one(stream: StreamId, on_point: Option<OnPoint>) -> Options {
        Options { checked: vec![stream_key(stream)], ..Self::options(stream.to_string(), on_point) }
    }
}

impl<E: Mirror> MemoryStore<E> {
    /// A store over `memory`, which survives the store.
    pub fn new(memory: Memory) -> Self {
        memory.open();
        Self::over(memory)
    }
}

impl<E: Mirror, B: Backend> Store<E, B> {
    /// A store over what belongs to its stream.
    pub fn over(backend: B) -> Self {
        Self { backend, pending: Arc::default() }
    }

    /// The newest of what pending checkpoints say.
    fn find_pending<T>(&self, find: impl Fn(&Checkpoint<E>) -> Option<T>) -> Option<T> {
        let pending = self.pending.read().unwrap_or_else(PoisonError::into_inner);
        pending.iter().rev().find_map(|checkpoint| find(checkpoint))
    }

    /// The backend holds a closed and an open version if an entity was opened again; the newer one counts.
    fn stored_entity(&self, key: &E::Key) -> Result<Option<E>, StoreError> {
        let open = self.backend.get(&entity_key::<E>(OPEN, key))?;
        let closed = self.backend.get(&entity_key::<E>(CLOSED, key))?;
        let open = open.as_deref().map(split_entity).transpose()?;
        let closed = closed.as_deref().map(split_entity).transpose()?;
        open.max(closed).map(|(_, bytes)| decode_entity(bytes)).transpose()
    }
}

impl<E: Mirror, B: Backend> ServiceStore<E> for Store<E, B> {
    fn progress(&self) -> Result<Option<Progress>, StoreError> {
        if let Some(progress) = self.find_pending(|checkpoint| Some(checkpoint.progress.clone())) {
            return Ok(Some(progress));
        }
        self.backend.meta()?.map(|meta| decode_progress(&meta)).transpose()
    }

    fn entity(&self, key: &E::Key) -> Result<Option<E>, StoreError> {
        let pending = self.find_pending(|checkpoint| {
            let at = checkpoint.entities.binary_search_by(|(candidate, _)| candidate.cmp(key)).ok()?;
            checkpoint.entities.get(at).map(|(_, entity)| entity.clone())
        });
        pending.map_or_else(|| self.stored_entity(key), Ok)
    }

    fn request(&self, request_id: RequestId) -> Result<Option<RequestRecord>, StoreError> {
        let pending = self.find_pending(|checkpoint| {
            let at = checkpoint.requests.binary_search_by(|record| record.request_id.cmp(&request_id)).ok()?;
            checkpoint.requests.get(at).copied()
        });
        if pending.is_some() {
            return Ok(pending);
        }
        let Some(bytes) = self.backend.get(&id_key(REQUEST, request_id))? else { return Ok(None) };
        decode_request(request_id, &bytes).map(Some).ok_or(StoreError::Corrupt("a request's record has another size"))
    }

    fn load_open(&self) -> Result<Vec<(E::Key, E)>, StoreError> {
        self.backend.flush()?;
        let mut entities = Vec::new();
        self.backend.scan(&[OPEN], &mut |key, value| {
            let key = key.get(1..).and_then(E::decode_key).ok_or(StoreError::Corrupt("an entity's key is wrong"))?;
            let (_, bytes) = split_entity(value)?;
            entities.push((key, decode_entity(bytes)?));
            Ok(())
        })?;
        Ok(entities)
    }

    fn tail(&self) -> Result<Vec<TailRecord>, StoreError> {
        self.backend.flush()?;
        self.backend.tail()
    }

    fn remembered(&self) -> Option<u64> {
        self.backend.remembered()
    }

    fn salvage(&self) -> Vec<TailRecord> {
        self.backend.salvage()
    }

    fn orphans(&self) -> Result<Vec<Orphan>, StoreError> {
        self.backend.flush()?;
        let mut orphans = Vec::new();
        self.backend.scan(&[ORPHAN], &mut |key, answer| {
            let request_id = key.get(1..).and_then(|id| id.try_into().ok()).map(RequestId);
            let request_id = request_id.ok_or(StoreError::Corrupt("a reaction's key is wrong"))?;
            orphans.push(Orphan { request_id, answer: Bytes::copy_from_slice(answer) });
            Ok(())
        })?;
        Ok(orphans)
    }

    fn has_room(&self) -> bool {
        self.backend.has_room()
    }

    fn submit(&self, mut checkpoint: Checkpoint<E>) -> Result<(), StoreError> {
        checkpoint.check_size()?;
        if !self.backend.has_room() {
            return Err(StoreError::Full);
        }
        checkpoint.entities.sort_unstable_by_key(|(key, _)| *key);
        checkpoint.requests.sort_unstable_by_key(|record| record.request_id);
        let checkpoint = Arc::new(checkpoint);
        let mut pending = self.pending.write().unwrap_or_else(PoisonError::into_inner);
        pending.push_back(Arc::clone(&checkpoint));
        // Released first: a backend may write at once and then takes the checkpoint out of what is pending.
        drop(pending);
        let submitted = self.backend.submit(Box::new(Submitted { checkpoint, pending: Arc::clone(&self.pending) }));
        if submitted.is_err() {
            self.pending.write().unwrap_or_else(PoisonError::into_inner).pop_back();
        }
        submitted
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.backend.flush()
    }

    fn close(&self) -> Result<(), StoreError> {
        self.backend.close()
    }

    fn failure(&self) -> Option<StoreError> {
        self.backend.failure()
    }

    fn probe(&self) -> Result<(), StoreError> {
        self.backend.probe()
    }

    fn reopen(&self) -> Result<OpenReport, StoreError> {
        let report = self.backend.reopen()?;
        self.pending.write().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(report)
    }

    fn condemn(&self, why: &str) -> Result<Option<(PathBuf, Reason)>, StoreError> {
        self.backend.condemn(why)
    }

    fn retire(&self) -> Result<Option<PathBuf>, StoreError> {
        self.backend.retire()
    }
}

/// A checkpoint on its way to the backend, encoded there.
#[derive(Debug)]
struct Submitted<E: Mirror> {
    checkpoint: Arc<Checkpoint<E>>,
    pending: Arc<Pending<E>>,
}

impl<E: Mirror> Submission for Submitted<E> {
    fn fill(&mut self, batch: &mut Batch) {
        let checkpoint = &*self.checkpoint;
        let as_of = checkpoint.progress.head.sequence.to_le_bytes();
        let mut value = Vec::new();
        for (key, entity) in &checkpoint.entities {
            let open = entity_key::<E>(OPEN, key);
            let Some(entity) = entity else {
                batch.delete(&open);
                batch.delete(&entity_key::<E>(CLOSED, key));
                continue;
            };
            value.clear();
            value.extend_from_slice(&as_of);
            entity.encode(&mut value);
            if entity.is_closed() {
                batch.delete(&open);
                batch.put(&entity_key::<E>(CLOSED, key), &value);
            } else {
                batch.put(&open, &value);
            }
        }
        for record in &checkpoint.requests {
            batch.put(&id_key(REQUEST, record.request_id), &encode_request(record));
        }
        for orphan in &checkpoint.orphans {
            batch.put(&id_key(ORPHAN, orphan.request_id), &orphan.answer);
        }
        for (sequence, record) in &checkpoint.tail {
            batch.push_tail(*sequence, record.clone());
        }
        batch.set_meta(encode_progress(&checkpoint.progress));
    }

    fn written(&mut self) {
        self.pending.write().unwrap_or_else(PoisonError::into_inner).pop_front();
    }
}

fn entity_key<E: Mirror>(class: u8, key: &E::Key) -> Vec<u8> {
    let mut out = Vec::with_capacity(40);
    out.push(class);
    E::encode_key(key, &mut out);
    out
}

fn id_key(class: u8, request_id: RequestId) -> [u8; 17] {
    let mut key = [class; 17];
    if let Some(slot) = key.last_chunk_mut() {
        *slot = request_id.0;
    }
    key
}

/// The sequence of the checkpoint that wrote the entity, and its bytes.
fn split_entity(value: &[u8]) -> Result<(u64, &[u8]), StoreError> {
    let (as_of, bytes) = value.split_first_chunk().ok_or(StoreError::Corrupt("an entity's record is too short"))?;
    Ok((u64::from_le_bytes(*as_of), bytes))
}

fn decode_entity<E: Mirror>(bytes: &[u8]) -> Result<E, StoreError> {
    E::decode(bytes).ok_or(StoreError::Corrupt("an entity cannot be decoded"))
}

//! Opening what is there: manifest, runs, pages; or finding out that it must not be used.

use std::sync::Arc;

use sled::{IVec, Tree};

use super::filter::key_hash;
use super::overlay::Overlay;
use super::page::{FORMAT, Page, PageError, seal_one};
use super::parts::{fetch, fetch_if_any, page_error};
use super::pipeline::{Pipeline, failed};
use super::run::{Run, RunEntry};
use super::store::Options;
use super::{keys, view::View};
use crate::{Reason, StoreError};

/// Bound of what a manifest or meta may claim to hold when it is decoded: both are far smaller.
const DECODE_LIMIT: usize = 16 * 1024 * 1024;

/// Which runs and pages count. Written when a run is finished, in one sled write.
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub(crate) struct Manifest {
    pub(crate) schema: u32,
    pub(crate) owner: String,
    pub(crate) next_run: u64,
    /// Pages below are in runs.
    pub(crate) first_page: u64,
    /// In order of levels, oldest first within one.
    pub(crate) runs: Vec<RunEntry>,
    /// Runs that were being made or deleted: none of them counts.
    pub(crate) garbage: Vec<u64>,
}

/// Written after every page that it counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub(crate) struct Meta {
    /// Pages from `first_page` up to here must exist.
    pub(crate) next_page: u64,
}

/// What the engine starts with.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) view: View,
    pub(crate) levels: Vec<Vec<Arc<Run>>>,
    pub(crate) manifest: Manifest,
    pub(crate) meta: Meta,
    /// First page that still waits to be deleted.
    pub(crate) drop_from: u64,
}

/// Why loading stopped.
#[derive(Debug)]
pub(crate) enum LoadError {
    /// The store must be moved aside.
    Unusable(Reason),
    /// Nothing is wrong with the store: another process has it open, its disk is full, or the system refused something.
    Refused(StoreError),
}

impl From<StoreError> for LoadError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Corrupt(what) => Self::Unusable(Reason::Corrupt(what)),
            StoreError::InUse | StoreError::OutOfSpace(_) | StoreError::Resource(_) => Self::Refused(error),
            StoreError::Failed(_) | StoreError::Full | StoreError::TooLarge { .. } | StoreError::Closed => {
                Self::Unusable(Reason::Failed(error.to_string()))
            }
        }
    }
}

impl From<sled::Error> for LoadError {
    fn from(error: sled::Error) -> Self {
        // sled has no error kind of its own for a directory that another process holds.
        if error.to_string().contains("could not acquire lock") {
            return Self::Refused(StoreError::InUse);
        }
        failed(error).into()
    }
}

impl LoadError {
    /// What the owner is told if nothing can be done about it.
    pub(crate) fn into_error(self) -> StoreError {
        match self {
            Self::Unusable(reason) => StoreError::Failed(reason.to_string()),
            Self::Refused(error) => error,
        }
    }
}

pub(crate) fn encode<T: bincode::Encode>(value: &T) -> Page {
    seal_one(&encode_bytes(value))
}

pub(crate) fn encode_bytes<T: bincode::Encode>(value: &T) -> Vec<u8> {
    bincode::encode_to_vec(value, bincode::config::standard()).expect("writing to memory cannot fail")
}

const WRONG: StoreError = StoreError::Corrupt("the manifest or a meta cannot be decoded");

fn decode<T: bincode::Decode<()>>(page: &Page) -> Result<T, StoreError> {
    decode_bytes(page.entry(0).and_then(|(_, value)| value).ok_or(WRONG)?)
}

pub(crate) fn decode_bytes<T: bincode::Decode<()>>(bytes: &[u8]) -> Result<T, StoreError> {
    let config = bincode::config::standard().with_limit::<DECODE_LIMIT>();
    let (value, read) = bincode::decode_from_slice(bytes, config).map_err(|_| WRONG)?;
    if read == bytes.len() { Ok(value) } else { Err(WRONG) }
}

/// Numbers of the pages of a class, ascending.
fn numbers(tree: &Tree, class: u8) -> impl Iterator<Item = Result<u64, StoreError>> {
    let keys = tree.scan_prefix([class]).keys().map(|key| key.map_err(failed));
    let whole = keys.filter(|key| key.as_ref().map_or(true, |key| key.len() == keys::numbered(0, 0).len()));
    whole.map(|key| keys::number(&key?).ok_or(StoreError::Corrupt("a key has no number")))
}

/// Reads the whole state of all streams, or writes the manifest of an empty one, unless there `existed` one before: damaged
/// files may open as empty ones.
pub(crate) fn load(pipeline: &mut Pipeline, options: &Options, existed: bool) -> Result<Loaded, LoadError> {
    let tree = &pipeline.tree().clone();
    let manifest = match fetch_if_any(tree, &keys::MANIFEST)? {
        Some(bytes) => check_manifest(bytes, options)?,
        None if existed => return Err(StoreError::Corrupt("there was a store, but it has no manifest").into()),
        None => create(pipeline, options)?,
    };
    let meta: Meta = match fetch_if_any(tree, &keys::META)? {
        Some(bytes) => decode(&Page::open(bytes).map_err(page_error)?)?,
        None => Meta::default(),
    };
    let mut manifest = manifest;
    let levels = load_runs(pipeline, &mut manifest)?;
    let active = load_pages(tree, manifest.first_page, meta.next_page)?;
    let leftover = numbers(tree, keys::PAGE).next().transpose()?.unwrap_or(manifest.first_page);
    let view = View { is_open: true, active, frozen: None, runs: newest_first(&levels) };
    let drop_from = leftover.min(manifest.first_page);
    Ok(Loaded { view, levels, manifest, meta, drop_from })
}

fn create(pipeline: &mut Pipeline, options: &Options) -> Result<Manifest, LoadError> {
    let manifest = Manifest {
        schema: options.schema,
        owner: options.owner.clone(),
        next_run: 0,
        first_page: 0,
        runs: Vec::new(),
        garbage: Vec::new(),
    };
    pipeline.write(&keys::MANIFEST, &encode(&manifest))?;
    pipeline.sync()?;
    Ok(manifest)
}

fn check_manifest(bytes: IVec, options: &Options) -> Result<Manifest, LoadError> {
    let version = |format: u8, schema: u32| format!("{format}.{schema}");
    let page = Page::open(bytes).map_err(|error| match error {
        PageError::Damaged => LoadError::from(page_error(error)),
        PageError::Version(found) => LoadError::Unusable(Reason::OtherVersion {
            found: found.to_string(),
            expected: version(FORMAT, options.schema),
        }),
    })?;
    let manifest: Manifest = decode(&page)?;
    if manifest.owner != options.owner {
        return Err(LoadError::Unusable(Reason::OtherOwner { found: manifest.owner, expected: options.owner.clone() }));
    }
    if manifest.schema != options.schema {
        return Err(LoadError::Unusable(Reason::OtherVersion {
            found: version(FORMAT, manifest.schema),
            expected: version(FORMAT, options.schema),
        }));
    }
    Ok(manifest)
}

/// Loads the runs by level, and adds to the garbage those that were begun after the manifest was written.
fn load_runs(pipeline: &Pipeline, manifest: &mut Manifest) -> Result<Vec<Vec<Arc<Run>>>, LoadError> {
    let tree = pipeline.tree();
    for class in keys::RUN_CLASSES {
        while let Some(item) =
            tree.range(keys::numbered(class, manifest.next_run)..=keys::numbered(class, u64::MAX)).next()
        {
            let id = keys::number(&item?.0).ok_or(StoreError::Corrupt("a key has no number"))?;
            manifest.garbage.push(id);
            manifest.next_run = id.checked_add(1).ok_or(StoreError::Corrupt("a run's number is at its end"))?;
        }
    }
    for id in pipeline.tree_names(&[keys::BLOCK]).filter_map(|name| keys::number(&name)) {
        if id >= manifest.next_run {
            manifest.garbage.push(id);
            manifest.next_run = id.checked_add(1).ok_or(StoreError::Corrupt("a run's number is at its end"))?;
        }
    }
    let mut levels: Vec<Vec<Arc<Run>>> = Vec::new();
    for entry in &manifest.runs {
        let level = usize::from(entry.level);
        if levels.len() <= level {
            levels.resize_with(level.saturating_add(1), Vec::new);
        }
        let run = Arc::new(Run::load(pipeline, entry.clone())?);
        if let Some(runs) = levels.get_mut(level) {
            runs.push(run);
        }
    }
    Ok(levels)
}

fn load_pages(tree: &Tree, first: u64, next: u64) -> Result<Overlay, LoadError> {
    // Pages from `next` on are what a large batch wrote before its meta: the next batch writes over them.
    if next < first {
        return Err(StoreError::Corrupt("the meta is older than the manifest").into());
    }
    let mut overlay = Overlay::default();
    for number in first..next {
        let page = fetch(tree, &keys::numbered(keys::PAGE, number))?;
        let hashes: Vec<u64> = page.entries().map(|(key, _)| key_hash((page.stream(), key))).collect();
        overlay.insert(page, &hashes);
    }
    Ok(overlay)
}

/// All runs, newest first.
pub(crate) fn newest_first(levels: &[Vec<Arc<Run>>]) -> Arc<Vec<Arc<Run>>> {
    Arc::new(levels.iter().flat_map(|level| level.iter().rev().cloned()).collect())
}

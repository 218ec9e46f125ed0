//! Opening the log: lock, metadata file, recovery.

use core::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use loopledger_types::{Partition, Service, Topic};

use super::disk::{Disk, FaultPoint, Kind, check_file, kind_of};
use super::lock::Lock;
use super::partition::PartitionFiles;
use super::recover::{Recovered, TornTail, recover};
use super::{FileLog, Lane};
use crate::OpenError;

const FORMAT_LINE: &str = "loopledger file log, format 1";

/// Called at the named points of every group, on the writer's thread: lets a test stop or kill the process there.
pub type PointHook = Arc<dyn Fn(&'static str) + Send + Sync>;

#[derive(Clone)]
pub struct FileLogOptions {
    /// Partitions to a topic, fixed when the log is created.
    pub partition_count: u32,
    /// A segment is closed before the group that would make it longer than this. The last segment is read whole at
    /// start, so it costs start time: 16 MiB are some 10 ms.
    pub segment_bytes: u64,
    pub faults: Option<Arc<dyn FaultPoint>>,
    pub on_point: Option<PointHook>,
}

impl Default for FileLogOptions {
    fn default() -> Self {
        Self { partition_count: 64, segment_bytes: 16 * 1_024 * 1_024, faults: None, on_point: None }
    }
}

impl fmt::Debug for FileLogOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileLogOptions")
            .field("partition_count", &self.partition_count)
            .field("segment_bytes", &self.segment_bytes)
            .finish_non_exhaustive()
    }
}

/// What opening found and repaired.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenReport {
    pub torn_tails: Vec<TornTail>,
}

impl FileLog {
    /// Opens the log in `dir`, or creates it. Blocks; takes well under a second whatever the log's length, because only
    /// the last segment of each partition is read.
    pub fn open(dir: impl AsRef<Path>, options: FileLogOptions) -> Result<(Self, OpenReport), OpenError> {
        let dir = dir.as_ref();
        let disk = Disk { faults: options.faults.clone() };
        create_root(&disk, dir).map_err(|error| OpenError::io("create", dir, error))?;
        let lock = Lock::take(&dir.join("lock"))?;
        check_description(&disk, dir, options.partition_count)?;
        let mut report = OpenReport::default();
        let mut lanes = Vec::new();
        for topic in Service::ALL.map(Topic) {
            let topic_dir = dir.join(topic.to_string());
            match kind_of(&topic_dir).map_err(|error| OpenError::io("look at", &topic_dir, error))? {
                Kind::Folder => check_no_more_partitions(&topic_dir, options.partition_count)?,
                Kind::Nothing => {}
                Kind::File { .. } => return Err(OpenError::NotALog { path: topic_dir, reason: "it is not a folder" }),
            }
            for partition in (0..options.partition_count).map(Partition) {
                let path = topic_dir.join(partition.0.to_string());
                let found = match kind_of(&path).map_err(|error| OpenError::io("look at", &path, error))? {
                    Kind::Folder => recover(&disk, topic, partition, &path)?,
                    Kind::Nothing => Recovered::default(),
                    Kind::File { .. } => return Err(OpenError::NotALog { path, reason: "it is not a folder" }),
                };
                report.torn_tails.extend(found.torn);
                lanes.push(Lane::new(PartitionFiles::new(topic, partition, path, found.bases), found.end));
            }
        }
        Ok((Self { options, lanes, _lock: lock }, report))
    }
}

fn create_root(disk: &Disk, dir: &Path) -> io::Result<()> {
    match kind_of(dir)? {
        Kind::Folder => return Ok(()),
        Kind::File { .. } => return Err(io::ErrorKind::NotADirectory.into()),
        Kind::Nothing => {}
    }
    if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        create_root(disk, parent)?;
    }
    disk.create_directory(dir)
}

fn check_description(disk: &Disk, dir: &Path, partition_count: u32) -> Result<(), OpenError> {
    let path = dir.join("log.meta");
    check_file(&path).map_err(|error| OpenError::io("read", &path, error))?;
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let found = text
                .strip_prefix(FORMAT_LINE)
                .and_then(|rest| rest.strip_prefix("\npartitions "))
                .and_then(|rest| rest.strip_suffix('\n')?.parse::<u32>().ok());
            match found {
                Some(found) if found == partition_count => Ok(()),
                Some(found) => Err(OpenError::PartitionCount { found, wanted: partition_count }),
                None => Err(OpenError::NotALog { path, reason: "it was not written by this version" }),
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if Service::ALL.map(Topic).iter().any(|topic| is_something(&dir.join(topic.to_string()))) {
                return Err(OpenError::NotALog { path, reason: "it is missing, but there are topics" });
            }
            describe(disk, dir, &path, partition_count).map_err(|error| OpenError::io("write", &path, error))
        }
        Err(error) => Err(OpenError::io("read", &path, error)),
    }
}

/// Whatever cannot be looked at is there.
fn is_something(path: &Path) -> bool {
    !kind_of(path).is_ok_and(|kind| kind == Kind::Nothing)
}

/// Whole or not at all: written aside, then renamed.
fn describe(disk: &Disk, dir: &Path, path: &Path, partition_count: u32) -> io::Result<()> {
    let aside = path.with_extension("meta.new");
    check_file(&aside)?;
    let mut file = File::create(&aside)?;
    writeln!(file, "{FORMAT_LINE}\npartitions {partition_count}")?;
    file.sync_all()?;
    std::fs::rename(&aside, path)?;
    disk.sync_directory(dir)
}

fn check_no_more_partitions(topic_dir: &Path, partition_count: u32) -> Result<(), OpenError> {
    let read = |error| OpenError::io("list", topic_dir, error);
    for entry in std::fs::read_dir(topic_dir).map_err(read)? {
        let entry = entry.map_err(read)?;
        let number = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
        if number.is_some_and(|number| number >= partition_count) {
            return Err(OpenError::NotALog { path: entry.path(), reason: "the partition number is out of range" });
        }
    }
    Ok(())
}

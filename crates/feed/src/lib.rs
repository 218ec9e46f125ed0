//! Following streams: admission, and decoding that is shared by everybody in the process.
//!
//! [`Feed`] reads each partition once, however many follow it; each [`Follower`] runs admission for its own stream.
//! What does not happen here: folding, and any judgement of what a commit means.

mod barrier;
mod catch_up;
pub mod clock;
mod contact;
mod follower;
mod halts;
mod heads;
mod lag;
mod locate;
mod losses;
mod place;
mod reach;
mod record;
mod routes;
mod source;
mod wakes;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use loopledger_domain::TailLost;
use loopledger_event_log::{EventLog, Offset};
use loopledger_types::{CountyCode, Head, Key, Partition, Position, StreamId, Topic, partition_of};
use loopledger_wire::decode_commit;
use tokio_util::task::AbortOnDropHandle;

pub use barrier::HeadCheck;
use barrier::StartupBarrier;
pub use catch_up::{CatchUp, Progression};
use contact::Followed;
pub use contact::STALE_AFTER;
pub use contact::{Contact, Outage};
pub use follower::Seen;
pub use follower::{Admitted, Commits, FollowError, Follower, LostTail};
pub use halts::HaltedWriter;
use halts::Halts;
pub use heads::Heads;
pub use lag::Lag;
pub use losses::{loss, walk};
pub use reach::{LogReach, StreamSamples, of_service, of_stream, unreachable};
pub use record::Decode;
use record::LogPartition;
pub use record::{Record, parse};
pub use source::ReadTo;
use source::Source;
use tokio::sync::mpsc::UnboundedReceiver;
use wakes::Wakes;

/// The log as this process reads it. Clones share everything.
#[derive(Debug, Clone)]
pub struct Feed {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    log: Arc<dyn EventLog>,
    decode: Decode,
    sources: Mutex<BTreeMap<(Topic, Partition), Running>>,
    barrier: Arc<StartupBarrier>,
    halts: Halts,
    contact: Arc<Contact>,
    wakes: Arc<Wakes>,
    /// Asks for the log's end from the first follower on.
    watch: OnceLock<AbortOnDropHandle<()>>,
}

#[derive(Debug)]
struct Running {
    source: Arc<Source>,
    /// Stops reading when the last follower and the feed are gone.
    _task: AbortOnDropHandle<()>,
}

impl Feed {
    pub fn new(log: Arc<dyn EventLog>) -> Self {
        Self::understanding(log, decode_commit)
    }

    /// Of a reader that understands what `decode` does, e.g. of one that is older than what is on the log.
    pub fn understanding(log: Arc<dyn EventLog>, decode: Decode) -> Self {
        let (sources, barrier) = (Mutex::default(), Arc::default());
        let contact = Arc::new(Contact::new(&*log));
        let (halts, wakes, watch) = (Halts::default(), Arc::default(), OnceLock::new());
        Self { shared: Arc::new(Shared { log, decode, sources, barrier, halts, contact, wakes, watch }) }
    }

    pub fn log(&self) -> &Arc<dyn EventLog> {
        &self.shared.log
    }

    /// Where a stream lives.
    pub fn partition(&self, stream: StreamId) -> Partition {
        self.log_partition(stream).partition
    }

    /// Follows a stream from its first commit. Must be called within a tokio runtime.
    pub fn follow(&self, stream: StreamId) -> Follower {
        Follower::new(self.clone(), stream, Head::EMPTY, Offset::START)
    }

    /// Follows a stream from after `head`, whose record stood at offset `at` when it was last read. The offset is a
    /// hint: if the record is not there, the stream is read from its beginning until `head` turns up. If it does not,
    /// the whole process knows it.
    pub async fn resume(&self, stream: StreamId, head: Head, at: Offset) -> Result<Follower, FollowError> {
        let resumed = locate::resume(self.clone(), stream, head, at).await;
        if let Err(FollowError::LostTail(lost)) = &resumed {
            self.shared.barrier.note(lost);
        }
        resumed
    }

    /// To be held while programs of this process begin, until each has said what its stores remember. Nothing is read
    /// meanwhile.
    pub fn beginning(&self) -> HeadCheck {
        HeadCheck::new(Arc::clone(&self.shared.barrier), None)
    }

    /// To be held by a program of this process until it has resumed at every head that its store remembers of a county.
    pub fn opening(&self, county: CountyCode) -> HeadCheck {
        HeadCheck::new(Arc::clone(&self.shared.barrier), Some(county))
    }

    /// Waits until every program of this process has resumed that remembers something of the county.
    pub async fn opened(self, county: CountyCode) {
        self.shared.barrier.finished(county).await;
    }

    /// What a program of this process remembers of a stream and could not resume at.
    pub fn lost(&self, stream: StreamId) -> Option<LostTail> {
        self.shared.barrier.lost(stream)
    }

    /// The writer of `stream` in this process is halted, or not any more.
    pub fn set_halted(&self, stream: StreamId, halted: Option<HaltedWriter>) {
        self.shared.halts.set(stream, halted);
    }

    /// The writer of `stream`, if it runs in this process and is halted.
    pub fn halted(&self, stream: StreamId) -> Option<HaltedWriter> {
        self.shared.halts.of(stream)
    }

    /// Waits until writers of this process halted, or went on, more than `seen` times in all; how often. Cancel-safe.
    pub async fn halts_changed(&self, seen: u64) -> u64 {
        self.shared.halts.changed(seen).await
    }

    /// The same, and where the log ends now.
    pub async fn resume_with_end(
        &self,
        stream: StreamId,
        head: Head,
        at: Offset,
    ) -> Result<(Follower, Offset), FollowError> {
        let follower = self.resume(stream, head, at).await?;
        Ok((follower, locate::end(self, stream).await?))
    }

    /// Whether the log has the commit that `position` names. Reads the stream from its beginning: for what is so old
    /// that its hash is no longer kept.
    pub async fn contains(&self, position: Position) -> Result<bool, FollowError> {
        locate::contains(self.clone(), position).await
    }

    /// The commits up to `sequence` that the log lacks at its present end, if no accepted loss may be theirs. For a
    /// sequence that another stream names: whatever a commit names was in the log before it.
    pub async fn missing(&self, stream: StreamId, sequence: u64) -> Result<Option<LostTail>, FollowError> {
        losses::missing(self, stream, sequence).await
    }

    /// The losses that a stream has accepted, up to the log's present end. Reads the stream from its beginning.
    pub async fn losses(self, stream: StreamId) -> Result<Vec<TailLost>, FollowError> {
        losses::losses(&self, stream).await
    }

    /// Makes reading cheaper up to this offset: the followers of this process no longer learn which trace led to the
    /// commits before it, so replayed commits have no trace.
    pub fn spare_traces_before(&self, stream: StreamId, offset: Offset) {
        self.source(stream).spare_traces_before(offset);
    }

    /// Where the log of a stream ends now.
    pub async fn end(self, stream: StreamId) -> Result<Offset, FollowError> {
        locate::end(&self, stream).await
    }

    /// The partition that the records of a stream are in.
    pub fn log_partition(&self, stream: StreamId) -> LogPartition {
        let topic = stream.service.topic();
        let partition_count = self.shared.log.partition_count(topic);
        let partition = partition_of(Key(stream.county), partition_count);
        LogPartition { topic, partition, partition_count, decode: self.shared.decode }
    }

    /// The partition of `stream` is read from there on, or from further back if another program of the process needs that.
    /// Before the programs have [begun](Self::beginning). Must be called within a tokio runtime.
    pub fn begin(&self, stream: StreamId, mark: &ReadTo) {
        self.source(stream).begin(mark);
    }

    /// How far the partition of `stream` is read, if it is.
    pub fn read_to(&self, stream: StreamId) -> Option<ReadTo> {
        self.source(stream).read_to()
    }

    /// Whether the log still has what was read of the partition of `stream`.
    pub async fn has_read(&self, stream: StreamId, mark: &ReadTo) -> Result<bool, FollowError> {
        locate::has_read(self, stream, mark).await
    }

    /// The stream's newest commit before `read` is `head`, whose record stood at `at` and is in the log: it may be resumed
    /// there without another look. Must be called within a tokio runtime.
    pub fn trust(&self, stream: StreamId, head: Head, at: Offset, read: Offset) {
        self.source(stream).trust(stream, head, at, read);
    }

    /// Whether the stream is not followed, its newest commit is `head`, and it has had no record since.
    pub fn is_at_rest(&self, stream: StreamId, head: Head) -> bool {
        self.source(stream).is_at_rest(stream, head)
    }

    /// Names each stream that gets a record while it is not followed, from now on: once, until it was followed again.
    pub fn wakes(&self) -> UnboundedReceiver<StreamId> {
        self.shared.wakes.subscribe()
    }

    /// What reading the partition of a stream has cost and met: how often followers were woken, and how many records
    /// named no stream of the partition.
    pub fn counts(&self, stream: StreamId) -> (u64, u64) {
        self.source(stream).counts()
    }

    /// Whether the log can be reached.
    pub fn contact(&self) -> &Arc<Contact> {
        &self.shared.contact
    }

    /// A read that failed and is tried again.
    pub fn note_failure(&self, error: &FollowError) {
        if let FollowError::Read { stream, source } = error {
            let followed = self.watched(*stream);
            self.shared.contact.read_failed(followed, source);
        }
    }

    /// From now on the log is asked where it ends. Must be called within a tokio runtime.
    fn watched(&self, stream: StreamId) -> Followed {
        let followed = self.shared.contact.followed(stream);
        self.shared.contact.follow(followed);
        self.shared.watch.get_or_init(|| {
            let watch = Arc::clone(&self.shared.contact).watch(Arc::downgrade(&self.shared.log));
            AbortOnDropHandle::new(tokio::spawn(watch))
        });
        followed
    }

    fn source(&self, stream: StreamId) -> Arc<Source> {
        self.watched(stream);
        let partition = self.log_partition(stream);
        let mut sources = self.shared.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let running = sources.entry((partition.topic, partition.partition)).or_insert_with(|| {
            let (contact, wakes) = (Arc::clone(&self.shared.contact), Arc::clone(&self.shared.wakes));
            let barrier = Arc::clone(&self.shared.barrier);
            let source = Arc::new(Source::new(partition, contact, wakes, barrier));
            let task = tokio::spawn(Arc::clone(&source).run(Arc::clone(&self.shared.log)));
            Running { source, _task: AbortOnDropHandle::new(task) }
        });
        Arc::clone(&running.source)
    }
}

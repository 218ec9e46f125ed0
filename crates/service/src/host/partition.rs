//! A partition's store, and what it says of how far the partition was read.

use core::fmt;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use loopledger_domain::Decider;
use loopledger_event_log::Offset;
use loopledger_state_store::{
    Mark, MarkStore, Memory, MemoryStore, Mirror, OnPoint, OpenReport, PageStore, Progress, ServiceStore, SledStore,
    Store, TopicMark, store_directory, store_owner, stream_key,
};
use loopledger_types::{CountyCode, Head, Partition, Service, StreamId};

use super::{Host, StartError};
use crate::feed::{Feed, FollowError, ReadTo};

/// Counties of a partition whose raw records are all checked when the store is opened. Of more, each when it is needed.
const CHECKED_MAX: usize = 4;

/// What a service hosts of a partition.
pub(super) struct HostedPartition {
    partition: Partition,
    counties: Vec<CountyCode>,
    place: Place,
    /// The mark that is stored.
    mark: Mutex<Option<Mark>>,
    /// The opening of the store in which the counties at rest are known to have their checkpoints.
    known_opening: AtomicU64,
}

enum Place {
    Memory(BTreeMap<CountyCode, Memory>),
    Directory(PageStore),
}

impl fmt::Debug for HostedPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostedPartition").field("partition", &self.partition).finish_non_exhaustive()
    }
}

type Opened = (BTreeMap<Partition, HostedPartition>, Vec<CountyCode>);

/// Opens the stores of the partitions that the counties are in. Blocks.
pub(super) fn open<D: Decider>(
    feed: &Feed,
    counties: &[CountyCode],
    data: Option<&Path>,
    on_point: Option<&OnPoint>,
) -> Result<Opened, StartError>
where
    D::Entity: Mirror,
{
    let mut hosted: BTreeMap<Partition, Vec<CountyCode>> = BTreeMap::new();
    for county in counties {
        let partition = feed.partition(StreamId { service: D::SERVICE, county: *county });
        hosted.entry(partition).or_default().push(*county);
    }
    let mut partitions = BTreeMap::new();
    for (partition, counties) in hosted {
        let place = match data {
            None => Place::Memory(counties.iter().map(|county| (*county, Memory::new())).collect()),
            Some(data) => Place::Directory(open_store::<D>(data, partition, &counties, on_point.cloned())?),
        };
        partitions.insert(
            partition,
            HostedPartition { partition, counties, place, mark: Mutex::default(), known_opening: AtomicU64::new(0) },
        );
    }
    let mut counties = counties.to_vec();
    counties.sort_unstable();
    counties.dedup();
    Ok((partitions, counties))
}

fn open_store<D: Decider>(
    data: &Path,
    partition: Partition,
    counties: &[CountyCode],
    on_point: Option<OnPoint>,
) -> Result<PageStore, StartError>
where
    D::Entity: Mirror,
{
    let service = D::SERVICE;
    let directory = store_directory(data, service, partition);
    let mut options = SledStore::<D::Entity>::options(store_owner(service, partition), on_point);
    if counties.len() <= CHECKED_MAX {
        let key = |county: &CountyCode| stream_key(StreamId { service, county: *county });
        options.checked = counties.iter().map(key).collect();
    } else {
        // A batch of each may wait in memory.
        options.queue = 1;
    }
    let opened = PageStore::open_or_absent(&directory, &options);
    let (store, report) = opened.map_err(|source| StartError::Store { service, partition: partition.0, source })?;
    let OpenReport { moved_aside, absent, .. } = report;
    if let Some((to, reason)) = moved_aside {
        let to = to.display();
        tracing::warn!(%service, partition = partition.0, %to, %reason, "the state store was moved aside, reading the whole log");
    }
    if let Some(why) = absent {
        tracing::warn!(%service, partition = partition.0, %why, "the state store is not open: reading the whole log and continuing in memory");
    }
    Ok(store)
}

/// What a county's checkpoint says of where its streams stand.
enum Standing {
    /// Nothing more of it was read before the mark.
    AtRest(Vec<(StreamId, Head, Offset)>),
    /// That is to be found out.
    Unsettled,
}

impl HostedPartition {
    /// The county's part of the store.
    pub(super) fn store<E: Mirror>(&self, stream: StreamId) -> Arc<dyn ServiceStore<E>> {
        match &self.place {
            Place::Memory(memories) => {
                let memory = memories.get(&stream.county).cloned().unwrap_or_default();
                Arc::new(MemoryStore::<E>::new(memory))
            }
            Place::Directory(store) => Arc::new(Store::<E, _>::over(store.stream(stream_key(stream)))),
        }
    }

    /// Tells the feed where the partition and its streams stand; the counties of which that is not known.
    pub(super) async fn recall<D: Decider>(&self, feed: &Feed) -> Result<Vec<CountyCode>, FollowError>
    where
        D::Entity: Mirror,
    {
        let Some(any) = self.counties.first().copied() else { return Ok(Vec::new()) };
        let topics: Vec<StreamId> = Host::<D>::streams(any).collect();
        let mark = self.stored_mark(feed, &topics).await?;
        let read = |service: Service| {
            let topic = mark.as_ref().and_then(|mark| mark.topics.iter().find(|topic| topic.service == service));
            topic.map_or(ReadTo::NOTHING, |topic| ReadTo {
                next: Offset(topic.next),
                last: topic.last.map(|(at, hash)| (Offset(at), hash)),
            })
        };
        let mut unsettled = Vec::new();
        let mut has_begun = false;
        for county in self.counties.iter().copied() {
            let is_live = mark.as_ref().is_some_and(|mark| mark.live.contains(&county));
            let standing =
                if is_live { Standing::Unsettled } else { self.standing::<D>(county, |service| read(service).next) };
            let Standing::AtRest(streams) = standing else {
                unsettled.push(county);
                continue;
            };
            if !core::mem::replace(&mut has_begun, true) {
                for stream in &topics {
                    feed.begin(*stream, &read(stream.service));
                }
            }
            for (stream, head, at) in streams {
                feed.trust(stream, head, at, read(stream.service).next);
            }
        }
        *self.mark.lock().unwrap_or_else(PoisonError::into_inner) = mark;
        Ok(unsettled)
    }

    /// The mark, if the log still has all that it says was read.
    async fn stored_mark(&self, feed: &Feed, topics: &[StreamId]) -> Result<Option<Mark>, FollowError> {
        let Place::Directory(store) = &self.place else { return Ok(None) };
        // A store that cannot say is looked at by every county's writer.
        let Some(mark) = MarkStore::of(store).read().unwrap_or_default() else { return Ok(None) };
        for topic in topics {
            let Some(marked) = mark.topics.iter().find(|marked| marked.service == topic.service) else {
                return Ok(None);
            };
            let last = marked.last.map(|(at, hash)| (Offset(at), hash));
            let read = ReadTo { next: Offset(marked.next), last };
            if !feed.has_read(*topic, &read).await? {
                tracing::warn!(topic = %topic.service, partition = self.partition.0, "the log lacks what was read of it, every county looks for its head");
                return Ok(None);
            }
        }
        Ok(Some(mark))
    }

    /// Where a county stands, if its checkpoint has all that is before these offsets.
    fn standing<D: Decider>(&self, county: CountyCode, read: impl Fn(Service) -> Offset) -> Standing
    where
        D::Entity: Mirror,
    {
        let own = StreamId { service: D::SERVICE, county };
        let store = self.store::<D::Entity>(own);
        // Of a store that cannot be read its writer says what is wrong.
        let Ok(progress) = store.progress() else { return Standing::Unsettled };
        let Some(progress) = progress else {
            // Of a commit that is not in the checkpoint the raw record may be there.
            if store.remembered().is_some() {
                return Standing::Unsettled;
            }
            let nothing = Host::<D>::streams(county).map(|stream| (stream, Head::EMPTY, Offset::START));
            return Standing::AtRest(nothing.collect());
        };
        let Progress { head, offset, referenced, upstream, .. } = progress;
        let mut streams = vec![(own, head, Offset(offset))];
        for service in D::UPSTREAM.iter().copied() {
            let stream = StreamId { service, county };
            let Some(known) = upstream.iter().find(|known| known.stream == stream) else {
                streams.push((stream, Head::EMPTY, Offset::START));
                continue;
            };
            if known.noted != known.answered {
                return Standing::Unsettled;
            }
            streams.push((stream, known.noted, Offset(known.noted_offset)));
        }
        let is_newer =
            |(stream, head, at): &(StreamId, Head, Offset)| *head != Head::EMPTY && *at >= read(stream.service);
        if referenced > head.sequence || streams.iter().any(is_newer) {
            return Standing::Unsettled;
        }
        Standing::AtRest(streams)
    }

    /// Whether nobody follows the county's streams, and its checkpoint has all that was read of them.
    pub(super) fn is_at_rest<D: Decider>(&self, feed: &Feed, county: CountyCode) -> bool
    where
        D::Entity: Mirror,
    {
        match self.standing::<D>(county, |_| Offset(u64::MAX)) {
            Standing::AtRest(streams) => streams.into_iter().all(|(stream, head, _)| feed.is_at_rest(stream, head)),
            Standing::Unsettled => false,
        }
    }

    /// Says how far the partition is read, and of which counties that is not stored.
    pub(super) fn write_mark<D: Decider>(&self, feed: &Feed, is_at_rest: impl Fn(CountyCode) -> bool) {
        let Place::Directory(store) = &self.place else { return };
        let Some(any) = self.counties.first().copied() else { return };
        // First how far it is read: a county that comes to life from here on reads what is behind.
        let read = Host::<D>::streams(any).map(|stream| {
            let read = feed.read_to(stream)?;
            let last = read.last.map(|(at, hash)| (at.0, hash));
            Some(TopicMark { service: stream.service, next: read.next.0, last })
        });
        let Some(topics) = read.collect::<Option<Vec<_>>>() else { return };
        let live = self.counties.iter().copied().filter(|county| !is_at_rest(*county)).collect();
        let mark = Mark { topics, live };
        let mut stored = self.mark.lock().unwrap_or_else(PoisonError::into_inner);
        if stored.as_ref() == Some(&mark) {
            return;
        }
        match MarkStore::of(store).write(&mark) {
            Ok(()) => *stored = Some(mark),
            Err(error) => tracing::debug!(partition = self.partition.0, %error, "could not write the mark"),
        }
    }

    /// The counties at rest, if the store was opened again, or moved aside, since they were last looked at: what they had in
    /// it may be gone.
    pub(super) fn take_doubtful(&self) -> Vec<CountyCode> {
        let Place::Directory(store) = &self.place else { return Vec::new() };
        let opening = store.openings();
        if self.known_opening.swap(opening, Ordering::Relaxed) == opening {
            return Vec::new();
        }
        *self.mark.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.counties.clone()
    }

    /// Lets the store go.
    pub(super) fn close(&self) {
        let Place::Directory(store) = &self.place else { return };
        if let Err(error) = store.close() {
            // The store is a cache behind the log: the next start replays what is missing.
            tracing::warn!(partition = self.partition.0, %error, "the state store was not closed cleanly");
        }
    }
}

//! Many streams in one partition: what is read once, who is woken by it, and where a stream is followed on.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures::FutureExt as _;
use loopledger_chain::{AnyRef, Envelope, leaf_hash};
use loopledger_domain::Commit;
use loopledger_event_log::{Decorator, EventLog, LogReader, MemoryLog, Offset, ReadError, Record};
use loopledger_feed::{Feed, FollowError, Follower, ReadTo};
use loopledger_types::{CountyCode, Hash, Head, Key, Partition, RequestId, Service, StreamId, Timestamp, Topic};
use loopledger_wire::NotUnderstood;

const TOPIC: Topic = Topic(Service::Station);
const PARTITION: Partition = Partition(0);

fn stream(number: u32) -> StreamId {
    let county = CountyCode::parse(&format!("65{number:04}")).unwrap();
    StreamId { service: Service::Station, county }
}

/// Counts its readers.
#[derive(Debug, Clone)]
struct Log {
    inner: MemoryLog,
    readers: Arc<AtomicUsize>,
}

impl Decorator for Log {
    fn inner(&self) -> &dyn EventLog {
        &self.inner
    }

    fn read(&self, topic: Topic, partition: Partition, from: Offset) -> Result<Box<dyn LogReader>, ReadError> {
        self.readers.fetch_add(1, Ordering::Relaxed);
        self.inner.read(topic, partition, from)
    }
}

/// A log with one partition, and the streams' heads.
struct World {
    log: Log,
    feed: Feed,
    heads: BTreeMap<StreamId, Head>,
}

#[expect(clippy::unnecessary_wraps, reason = "as the feed wants it")]
fn decode(envelope: &Envelope<'_>, hash: Hash) -> Result<Commit, NotUnderstood> {
    Ok(Commit {
        stream: envelope.stream,
        sequence: envelope.sequence,
        hash,
        request_id: RequestId([1; 16]),
        request_digest: envelope.request_digest,
        cause: None,
        actor: None,
        recorded_at: envelope.recorded_at,
        events: Vec::new(),
        upstream: Vec::new(),
    })
}

impl World {
    fn new() -> Self {
        let log = Log { inner: MemoryLog::new(1), readers: Arc::default() };
        let feed = Feed::understanding(Arc::new(log.clone()), decode);
        Self { log, feed, heads: BTreeMap::new() }
    }

    /// A process that begins anew on the same log.
    fn restart(&mut self) {
        self.feed = Feed::understanding(Arc::new(self.log.clone()), decode);
        self.log.readers.store(0, Ordering::Relaxed);
    }

    fn readers(&self) -> usize {
        self.log.readers.load(Ordering::Relaxed)
    }

    async fn append(&self, value: Vec<u8>) -> Offset {
        let record = Record { key: Key(CountyCode::TUOLI), headers: Vec::new(), value: Bytes::from(value) };
        let appended = self.log.inner.append(TOPIC, PARTITION, vec![record]).await;
        *appended.first().unwrap().as_ref().unwrap()
    }

    /// The next commit of a stream, of about so many bytes.
    async fn commit(&mut self, stream: StreamId, bytes: usize) -> Offset {
        let head = self.heads.get(&stream).copied().unwrap_or(Head::EMPTY);
        let payload = vec![7; bytes];
        let envelope = Envelope {
            stream,
            sequence: head.sequence + 1,
            previous_hash: head.hash,
            request_id: "01970000-0000-7000-8000-000000000001",
            request_digest: [0; 32],
            cause: None,
            actor: None,
            recorded_at: Timestamp { seconds: 1, nanos: 0 },
            events: vec![AnyRef { type_url: "type.googleapis.com/a.B", value: &payload }],
            upstream: Vec::new(),
        };
        let mut value = Vec::new();
        envelope.encode(&mut value);
        self.heads.insert(stream, Head { sequence: head.sequence + 1, hash: leaf_hash(&value) });
        self.append(value).await
    }

    fn head(&self, stream: StreamId) -> Head {
        self.heads.get(&stream).copied().unwrap()
    }

    /// Lets everything run that can.
    async fn settle(&self) {
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
    }
}

async fn sequences(follower: &mut Follower, up_to: u64) -> Vec<u64> {
    let mut all = Vec::new();
    while all.last().is_none_or(|last| *last < up_to) {
        all.extend(follower.next().await.unwrap().commits.iter().map(|admitted| admitted.commit.sequence));
    }
    all
}

#[tokio::test(start_paused = true)]
async fn a_record_wakes_the_followers_of_its_stream_and_nobody_else() {
    for streams in [2, 500] {
        let mut world = World::new();
        let mut followers: Vec<Follower> = (0..streams).map(|number| world.feed.follow(stream(number))).collect();
        for follower in &mut followers {
            assert!(follower.next().now_or_never().is_none());
        }
        world.settle().await;
        let (before, _) = world.feed.counts(stream(0));
        for _ in 0..10 {
            world.commit(stream(1), 10).await;
            world.settle().await;
        }
        let (after, _) = world.feed.counts(stream(0));
        assert_eq!((after - before, world.readers()), (10, 1), "of {streams} streams");
        assert_eq!(sequences(&mut followers[1], 10).await, (1..=10).collect::<Vec<_>>());
        // The others know all the same how far the partition is read.
        assert!(followers[0].next().now_or_never().is_none());
        assert_eq!(followers[0].next_offset(), world.feed.clone().end(stream(0)).await.unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn what_names_no_stream_is_counted_once() {
    let mut world = World::new();
    let mut followers: Vec<Follower> = (0..3).map(|number| world.feed.follow(stream(number))).collect();
    for round in 1..=4 {
        world.append(b"junk".to_vec()).await;
        world.commit(stream(0), 10).await;
        let _ = sequences(&mut followers[0], round).await;
    }
    assert_eq!(world.feed.counts(stream(0)).1, 4);
    // Each knows of it, as of its own void records.
    for follower in &mut followers {
        let _ = follower.next().now_or_never();
        assert_eq!(follower.voids(), 4);
    }
    // One that begins behind the tip reads it again for itself, and one that begins at the tip does not.
    tokio::time::advance(Duration::from_mins(1)).await;
    world.settle().await;
    let mut late = world.feed.follow(stream(1));
    late.wake_at(world.feed.clone().end(stream(1)).await.unwrap());
    while late.next_offset() < world.feed.clone().end(stream(1)).await.unwrap() {
        late.next().await.unwrap();
    }
    world.append(b"junk".to_vec()).await;
    world.settle().await;
    let _ = late.next().now_or_never();
    assert_eq!((late.voids(), world.feed.counts(stream(0)).1), (5, 5));
}

#[tokio::test(start_paused = true)]
async fn a_follower_that_is_woken_by_nothing_says_when_an_offset_is_read() {
    let mut world = World::new();
    let mut idle = world.feed.follow(stream(0));
    let mut busy = world.feed.follow(stream(1));
    let end = world.commit(stream(1), 10).await;
    idle.wake_at(Offset(end.0 + 1));
    let read = idle.next().await.unwrap();
    assert!(read.commits.is_empty() && read.next > end, "{read:?}");
    assert!(idle.next().now_or_never().is_none(), "once");
    assert_eq!(sequences(&mut busy, 1).await, [1]);
}

/// Reading waits for a slow follower, those that have nothing hear of it, and in the end it goes on without him.
#[tokio::test(start_paused = true)]
async fn a_slow_follower_holds_the_others_up_for_a_while_only_and_misses_nothing() {
    let mut world = World::new();
    let mut slow = world.feed.follow(stream(0));
    let mut fast = world.feed.follow(stream(1));
    assert!(slow.next().now_or_never().is_none() && fast.next().now_or_never().is_none());
    let large = 50_000;
    for _ in 0..60 {
        world.commit(stream(0), large).await;
        world.settle().await;
    }
    world.commit(stream(1), 10).await;
    let held = fast.next().await.unwrap();
    assert!(held.is_held && held.commits.is_empty(), "{held:?}");
    let began = tokio::time::Instant::now();
    assert_eq!(sequences(&mut fast, 1).await, [1]);
    assert!(began.elapsed() >= Duration::from_secs(2), "{:?}", began.elapsed());
    for _ in 0..30 {
        world.commit(stream(0), large).await;
    }
    assert_eq!(sequences(&mut slow, 90).await, (1..=90).collect::<Vec<_>>());
    assert!(world.readers() > 1, "it read for itself");
    // It is back among the others.
    let readers = world.readers();
    world.commit(stream(0), 10).await;
    assert_eq!(sequences(&mut slow, 91).await, [91]);
    assert_eq!(world.readers(), readers);
}

#[tokio::test(start_paused = true)]
async fn a_stream_at_rest_is_followed_on_without_a_look_at_the_log() {
    let mut world = World::new();
    let (resting, busy) = (stream(0), stream(1));
    world.commit(resting, 10).await;
    let first = world.head(resting);
    let mut follower = world.feed.follow(resting);
    let mut other = world.feed.follow(busy);
    assert_eq!(sequences(&mut follower, 1).await, [1]);
    let mut wakes = world.feed.wakes();
    drop(follower);
    for round in 1..=3 {
        world.commit(busy, 10).await;
        let _ = sequences(&mut other, round).await;
    }
    assert!(wakes.try_recv().is_err(), "nothing of it came");
    for _ in 0..3 {
        world.commit(resting, 10).await;
        world.settle().await;
    }
    assert_eq!((wakes.try_recv(), wakes.try_recv().is_err()), (Ok(resting), true), "named once");
    let readers = world.readers();
    // Two programs of the process go on, one after the other.
    let mut followers = Vec::new();
    for _ in 0..2 {
        let mut follower = world.feed.resume(resting, first, Offset::START).await.unwrap();
        assert_eq!(sequences(&mut follower, 4).await, [2, 3, 4]);
        followers.push(follower);
    }
    assert_eq!(world.readers(), readers, "no reader of their own");
    // At rest again, it is named again.
    drop(followers);
    world.commit(resting, 10).await;
    assert_eq!(wakes.recv().await, Some(resting));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_trusted_needs_no_look_at_the_log_either() {
    let mut world = World::new();
    let (first, second) = (stream(0), stream(1));
    let offset = world.commit(first, 10).await;
    world.commit(second, 10).await;
    let mut follower = world.feed.follow(first);
    assert_eq!(sequences(&mut follower, 1).await, [1]);
    world.settle().await;
    let _ = follower.next().now_or_never();
    let mark = world.feed.read_to(first).unwrap();
    world.restart();
    assert!(world.feed.has_read(first, &mark).await.unwrap());
    let other = ReadTo { last: mark.last.map(|(at, _)| (at, Hash([8; 32]))), ..mark };
    assert!(!world.feed.has_read(first, &other).await.unwrap());
    let later = ReadTo { next: Offset(mark.next.0 + 1), last: None };
    assert!(!world.feed.has_read(first, &later).await.unwrap());
    world.log.readers.store(0, Ordering::Relaxed);
    let mut wakes = world.feed.wakes();
    let beginning = world.feed.beginning();
    world.feed.begin(first, &mark);
    // A second program has not read so much of it.
    world.feed.begin(first, &ReadTo { next: offset, last: None });
    world.feed.trust(first, world.head(first), offset, mark.next);
    world.settle().await;
    assert_eq!(world.readers(), 0, "nothing is read before all have begun");
    drop(beginning);
    world.settle().await;
    assert_eq!(world.readers(), 1, "reading goes on");
    let mut follower = world.feed.resume(first, world.head(first), offset).await.unwrap();
    assert_eq!(world.readers(), 1);
    world.commit(first, 10).await;
    assert_eq!(sequences(&mut follower, 2).await, [2]);
    assert_eq!(wakes.try_recv(), Ok(first));
    // Of the other it is known that it has no commit before: it was not in the store.
    let lost = world.feed.resume(second, Head { sequence: 9, hash: Hash([9; 32]) }, offset).await;
    assert!(matches!(lost, Err(FollowError::LostTail(_))), "{lost:?}");
}

#[tokio::test(start_paused = true)]
async fn streams_at_rest_are_looked_for_again_if_the_log_became_shorter() {
    let mut world = World::new();
    let resting = stream(0);
    world.commit(resting, 10).await;
    let at = world.commit(stream(1), 10).await;
    let mut follower = world.feed.follow(resting);
    follower.wake_at(Offset(at.0 + 1));
    while follower.next_offset() <= at {
        follower.next().await.unwrap();
    }
    let mut wakes = world.feed.wakes();
    drop(follower);
    world.log.inner.truncate(TOPIC, PARTITION, at).unwrap();
    let named = tokio::time::timeout(Duration::from_mins(1), wakes.recv()).await;
    assert_eq!(named, Ok(Some(resting)));
    let readers = world.readers();
    let mut follower = world.feed.resume(resting, world.head(resting), Offset::START).await.unwrap();
    assert!(world.readers() > readers, "it was looked for");
    world.commit(resting, 10).await;
    assert_eq!(sequences(&mut follower, 2).await, [2]);
}

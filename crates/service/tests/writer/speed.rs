//! How fast a writer is with a trivial decider on the memory log. `MEASURE=1` prints it; nothing is asserted, because a
//! shared machine proves nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use loopledger_event_log::{FileLog, FileLogOptions, MemoryLog};
use loopledger_service::feed::Feed;
use loopledger_service::writer::{Ordered, Writer, WriterConfig};
use loopledger_state_store::{Memory, SledStore};
use loopledger_types::Service;

use crate::peer::{Left, Number};
use crate::world::{COUNTY, add, clock, start, stream};

#[tokio::test]
async fn commits_per_second_on_one_core() {
    let count = if std::env::var_os("MEASURE").is_some() { 500_000 } else { 2_000 };
    let log = MemoryLog::new(8);
    let writer: Writer<Left> = start(&log, &Memory::new(), WriterConfig::default());
    writer.handle().serving().await.unwrap();
    let writes: Vec<_> = (0..count).map(|number| add(number, number % 1_000, 1)).collect();
    let began = Instant::now();
    let (mut ordered, mut answers) = Ordered::open(None);
    let send = async {
        for write in writes {
            ordered.submit(writer.handle(), write, None).await;
        }
        drop(ordered);
    };
    let receive = async {
        while let Some(answer) = answers.next().await {
            answer.unwrap();
        }
    };
    tokio::join!(send, receive);
    let elapsed = began.elapsed();
    let rate = u128::from(count) * 1_000_000 / elapsed.as_micros().max(1);
    println!("{count} commits in {elapsed:?}: {rate}/s; {:?}", writer.handle().metrics().snapshot());
    let feed = Feed::new(Arc::new(log.clone()));
    let mut follower = feed.follow(stream(Service::Station));
    let began = Instant::now();
    while follower.head().sequence < count {
        follower.next().await.unwrap();
    }
    let elapsed = began.elapsed();
    println!("followed and decoded: {}/s", u128::from(count) * 1_000_000 / elapsed.as_micros().max(1));
}

/// On disk: how long one write takes, how many a second a bulk stream brings, and how fast a writer without its store
/// folds them again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_file_log() {
    let measure = std::env::var_os("MEASURE").is_some();
    let (single, bulk) = if measure { (2_000_u64, 300_000_u64) } else { (20, 500) };
    let directory = tempfile::tempdir().unwrap();
    let (log, _) = FileLog::open(directory.path().join("log"), FileLogOptions::default()).unwrap();
    let log = Arc::new(log);
    let open = |name: &str| {
        let path = directory.path().join(name);
        Arc::new(SledStore::<Number>::open(&path, stream(Service::Station), None).unwrap().0)
    };
    let store = open("store");
    let writer = Writer::<Left>::start(COUNTY, Feed::new(log.clone()), store, clock(), WriterConfig::default());
    writer.handle().serving().await.unwrap();
    let mut times = Vec::new();
    for number in 0..single {
        let began = Instant::now();
        writer.handle().submit(add(number, 1, 1), None).await.unwrap();
        times.push(began.elapsed());
    }
    times.sort_unstable();
    println!("one at a time: median {:?}, 99th {:?}", times[times.len() / 2], times[times.len() * 99 / 100]);
    let began = Instant::now();
    let (mut ordered, mut answers) = Ordered::open(None);
    let handle = writer.handle().clone();
    let send = tokio::spawn(async move {
        for number in single..single + bulk {
            ordered.submit(&handle, add(number, number % 1_000, 1), None).await;
        }
    });
    while let Some(answer) = answers.next().await {
        answer.unwrap();
    }
    send.await.unwrap();
    println!("{bulk} through one stream: {}/s", rate(bulk, began.elapsed()));
    writer.shut_down().await;

    let began = Instant::now();
    let writer = Writer::<Left>::start(COUNTY, Feed::new(log), open("other"), clock(), WriterConfig::default());
    writer.handle().serving().await.unwrap();
    println!("folded again: {}/s", rate(single + bulk, began.elapsed()));
    assert_eq!(writer.handle().heads().get(stream(Service::Station)).sequence, single + bulk);
}

fn rate(count: u64, elapsed: Duration) -> u128 {
    u128::from(count) * 1_000_000 / elapsed.as_micros().max(1)
}

//! A log that comes back shorter than what was read of it: no program continues from there.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use loopledger_event_log::{Decorator, EventLog, FileLog, FileLogOptions, MemoryLog, Offset, Record};
use loopledger_service::feed::Feed;
use loopledger_service::writer::{WriteError, Writer, WriterConfig};
use loopledger_state_store::{Memory, MemoryStore, ServiceStore, SledStore};
use loopledger_types::{Key as LogKey, Service, Topic, WithCauses, partition_of};

use crate::peer::{Command, Left, Number, Right};
use crate::world::{COUNTY, add, after, clock, halted, halts, in_time, partition, start, stream, write};

pub(crate) const STATION: Topic = Topic(Service::Station);

/// The raw records of the stations' stream.
pub(crate) fn records(log: &dyn EventLog) -> Vec<Record> {
    records_of(log, Service::Station)
}

pub(crate) fn records_of(log: &dyn EventLog, service: Service) -> Vec<Record> {
    let partition = partition_of(LogKey(COUNTY), log.partition_count(service.topic()));
    let read = log.read(service.topic(), partition, Offset::START).unwrap().poll_now().unwrap();
    let record = |value| Record { key: LogKey(COUNTY), headers: Vec::new(), value };
    read.into_iter().map(|read| record(read.value)).collect()
}

/// Where the record after the first `count` begins.
pub(crate) fn offset_after(log: &MemoryLog, count: usize) -> Offset {
    let read = log.read(STATION, partition(log, Service::Station), Offset::START).unwrap().poll_now().unwrap();
    read[count - 1].next
}

/// Adds one to an account, as often as there are `numbers`.
pub(crate) async fn add_all(writer: &Writer<Left>, numbers: core::ops::Range<u64>) {
    for number in numbers {
        writer.handle().submit(add(number, 1, 1), in_time()).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_that_shrinks_while_it_is_written_halts_its_writer() {
    let log = MemoryLog::new(8);
    let writer: Writer<Left> = start(&log, &Memory::new(), WriterConfig::default());
    add_all(&writer, 0..20).await;
    log.truncate(STATION, partition(&log, Service::Station), offset_after(&log, 15)).unwrap();
    let halt = halts(writer.handle()).await;
    assert_eq!(halt.reason(), "LOST_TAIL");
    assert_eq!(halt.to_string(), "commits 16 to 20 of station/654224 are missing from the log");
}

#[tokio::test(start_paused = true)]
async fn a_log_that_shrinks_while_it_is_followed_halts_the_services_downstream() {
    let log = MemoryLog::new(8);
    let left: Writer<Left> = start(&log, &Memory::new(), WriterConfig::default());
    let right: Writer<Right> = start(&log, &Memory::new(), WriterConfig::default());
    add_all(&left, 0..19).await;
    let last = left.handle().submit(add(19, 1, 1), in_time()).await.unwrap().position;
    right.handle().submit(after(write(1, Command::Talk { bytes: 5 }), vec![last]), in_time()).await.unwrap();
    log.truncate(STATION, partition(&log, Service::Station), offset_after(&log, 15)).unwrap();
    let halt = halts(right.handle()).await;
    assert_eq!(halt.reason(), "LOST_TAIL");
    assert_eq!(halt.to_string(), "commits 16 to 20 of station/654224 are missing from the log");
}

/// What another writer makes of the first `kept` records, from there on.
pub(crate) async fn another_history(first: &[Record], kept: usize, more: u64) -> Vec<Record> {
    let log = MemoryLog::new(8);
    let landed = log.append(STATION, partition(&log, Service::Station), first[..kept].to_vec()).await;
    assert!(landed.iter().all(Result::is_ok));
    let writer: Writer<Left> = start(&log, &Memory::new(), WriterConfig::default());
    add_all(&writer, 500..500 + more).await;
    records(&log).split_off(kept)
}

/// Nothing is out of range then: other commits stand where the lost ones stood, and the reader stands behind them.
#[tokio::test(start_paused = true)]
async fn a_log_that_shrank_and_has_grown_again_halts_its_writer() {
    // Behind the same place, at another record boundary, and at none.
    for (more, account) in [(6, 1), (9, 1), (9, 1_000_000)] {
        let log = MemoryLog::new(8);
        let writer: Writer<Left> = start(&log, &Memory::new(), WriterConfig::default());
        for number in 0..20 {
            writer.handle().submit(add(number, if number < 17 { 1 } else { account }, 1), in_time()).await.unwrap();
        }
        let others = another_history(&records(&log), 15, more).await;
        // Appending to the log in memory is done at once: the reader does not see it shrink.
        log.truncate(STATION, partition(&log, Service::Station), offset_after(&log, 15)).unwrap();
        drop(log.append(STATION, partition(&log, Service::Station), others));
        let halt = halts(writer.handle()).await;
        assert_eq!(halt.reason(), "LOST_TAIL", "{more} more, account {account}: {halt}");
    }
}

/// Two writers that race make void records all the time: their heads are looked for, and found.
#[tokio::test(start_paused = true)]
async fn void_records_do_not_look_like_a_loss() {
    let log = MemoryLog::new(8);
    let one: Writer<Left> = start(&log.producer(), &Memory::new(), WriterConfig::default());
    let two: Writer<Left> = start(&log.producer(), &Memory::new(), WriterConfig::default());
    for round in 0..200 {
        let asked = [one.handle().submit(add(round, 1, 1), None), two.handle().submit(add(1_000 + round, 2, 1), None)];
        for answer in asked {
            answer.await.unwrap();
        }
        tokio::time::advance(Duration::from_millis(90)).await;
    }
    let voids = one.handle().metrics().voids_total.get();
    assert_eq!(voids, records(&log).len() as u64 - 400, "each is counted once");
    assert!(voids > 100, "{voids} void records");
}

/// A log that came back shorter, and whose readers have not noticed: they wait for more as before.
#[derive(Debug)]
struct Shortened {
    before: MemoryLog,
    now: OnceLock<MemoryLog>,
}

impl Decorator for Shortened {
    fn inner(&self) -> &dyn EventLog {
        self.now.get().unwrap_or(&self.before)
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_refused_on_a_log_that_ends_before_what_was_read() {
    let log = Arc::new(Shortened { before: MemoryLog::new(8), now: OnceLock::new() });
    let store: Arc<dyn ServiceStore<Number>> = Arc::new(MemoryStore::<Number>::new(Memory::new()));
    let feed = Feed::new(Arc::clone(&log) as Arc<dyn EventLog>);
    let writer: Writer<Left> = Writer::start(COUNTY, feed, store, clock(), WriterConfig::default());
    add_all(&writer, 0..20).await;
    let now = MemoryLog::new(8);
    drop(now.append(STATION, partition(&now, Service::Station), records(&*log)[..15].to_vec()));
    log.now.set(now).unwrap();
    tokio::time::advance(Duration::from_secs(5)).await;
    let refused = writer.handle().submit(add(20, 1, -1_000), in_time()).await.unwrap_err();
    let refused = WithCauses(&refused).to_string();
    assert!(refused.contains("commits 16 to 20 of station/654224 are missing from the log"), "{refused}");
}

fn open_file_log(folder: &Path) -> FileLog {
    FileLog::open(folder, FileLogOptions { partition_count: 2, ..FileLogOptions::default() }).unwrap().0
}

/// Cuts the only segment of the stations' partition behind its first `count` records.
fn cut_segment(folder: &Path, count: usize) {
    let partition = partition_of(LogKey(COUNTY), 2).0.to_string();
    let path: PathBuf = folder.join(STATION.to_string()).join(partition).join("00000000000000000000.log");
    let bytes = std::fs::read(&path).unwrap();
    // A header of 24 bytes; of each record, a length of 4 bytes, a checksum of 4, and the value.
    let mut at = 24;
    for _ in 0..count {
        at += 8 + u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    }
    assert!(at < bytes.len());
    let file: File = OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(at as u64).unwrap();
}

#[tokio::test]
async fn a_file_log_whose_segment_was_cut_between_records_halts_its_writer() {
    let folder = tempfile::tempdir().unwrap();
    let (log_folder, store_folder) = (folder.path().join("log"), folder.path().join("store"));
    let run = async |asked: u64| {
        let log: Arc<dyn EventLog> = Arc::new(open_file_log(&log_folder));
        let (store, report) = SledStore::<Number>::open(&store_folder, stream(Service::Station), None).unwrap();
        assert_eq!(report.moved_aside, None);
        let store = Arc::new(store);
        let writer: Writer<Left> =
            Writer::start(COUNTY, Feed::new(log), Arc::clone(&store) as _, clock(), WriterConfig::default());
        let outcome = if asked > 0 {
            add_all(&writer, 0..asked).await;
            None
        } else {
            Some(halted(writer.handle()).await)
        };
        writer.shut_down().await;
        store.close().unwrap();
        outcome
    };
    assert!(run(20).await.is_none());
    cut_segment(&log_folder, 13);
    for _ in 0..2 {
        // However often it is tried.
        let halt = run(0).await.unwrap();
        assert_eq!(halt.reason(), "LOST_TAIL");
        assert_eq!(halt.to_string(), "commits 14 to 20 of station/654224 are missing from the log");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_tail_halts_and_leaves_the_store_alone() {
    let log = MemoryLog::new(8);
    let memory = Memory::new();
    let writer: Writer<Left> = start(&log, &memory, WriterConfig::default());
    let mut ends = Vec::new();
    for number in 0..20 {
        writer.handle().submit(add(number, 1, 1), in_time()).await.unwrap();
        ends.push(log.end(Service::Station.topic(), partition(&log, Service::Station)).await.unwrap());
    }
    writer.shut_down().await;
    let store = MemoryStore::<Number>::new(memory.clone());
    let before = store.progress().unwrap().unwrap();
    assert_eq!(before.head.sequence, 20);
    log.truncate(Service::Station.topic(), partition(&log, Service::Station), ends[14]).unwrap();

    let writer: Writer<Left> = start(&log, &memory, WriterConfig::default());
    let halt = halted(writer.handle()).await;
    assert_eq!(halt.reason(), "LOST_TAIL");
    assert_eq!(halt.to_string(), "commits 16 to 20 of station/654224 are missing from the log");
    assert!(matches!(writer.handle().submit(add(99, 1, 1), in_time()).await, Err(WriteError::Halted(_))));
    drop(writer);
    assert_eq!(store.progress().unwrap().unwrap(), before);
    assert_eq!(store.tail().unwrap().len(), 20);
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_lost_its_tail_halts_too() {
    let log = MemoryLog::new(8);
    let memory = Memory::new();
    let right: Writer<Right> = start(&log, &Memory::new(), WriterConfig::default());
    let mut last = right.handle().submit(write(0, Command::Talk { bytes: 5 }), in_time()).await.unwrap().position;
    let end = log.end(Service::Distribution.topic(), partition(&log, Service::Distribution)).await.unwrap();
    for number in 1..10 {
        last = right.handle().submit(write(number, Command::Talk { bytes: 5 }), in_time()).await.unwrap().position;
    }
    let left: Writer<Left> = start(&log, &memory, WriterConfig::default());
    left.handle().submit(after(add(1, 1, 1), vec![last]), in_time()).await.unwrap();
    left.shut_down().await;
    drop(right);
    log.truncate(Service::Distribution.topic(), partition(&log, Service::Distribution), end).unwrap();
    let left: Writer<Left> = start(&log, &memory, WriterConfig::default());
    let halt = halted(left.handle()).await;
    assert_eq!(halt.to_string(), "commits 2 to 10 of distribution/654224 are missing from the log");
}

#[tokio::test(start_paused = true)]
async fn what_is_lost_while_serving_halts_the_stream() {
    let log = MemoryLog::new(8);
    let left: Writer<Left> = start(&log, &Memory::new(), WriterConfig::default());
    left.handle().submit(add(1, 1, 1), in_time()).await.unwrap();
    log.truncate(Service::Station.topic(), partition(&log, Service::Station), Offset::START).unwrap();
    assert_eq!(halts(left.handle()).await.reason(), "LOST_TAIL");
}

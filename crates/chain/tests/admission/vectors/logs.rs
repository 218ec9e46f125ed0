//! Vectors of admission: rules between records.

use loopledger_chain::leaf_hash;
use loopledger_types::Service;

use super::{Log, forms};
use crate::raw::{Commit, ZEROS, bytes, event, uint};

const STREAM: &str = "station/654224";

/// A commit of the writer `by`: two writers' commits at one place differ in the event alone.
fn commit(stream: &str, sequence: u64, previous_hash: [u8; 32], by: u8) -> Vec<u8> {
    let kind = "type.googleapis.com/loopledger.station.event.v1.GoodsCollected";
    Commit::new(stream, sequence, previous_hash).set(9, event(kind, &[0x08, by])).bytes()
}

fn hash(record: &[u8]) -> [u8; 32] {
    leaf_hash(record).0
}

pub(super) fn all() -> Vec<Log> {
    let mut logs = vec![
        chain(),
        duplicates(),
        reordered(),
        race_one_in_flight(),
        race_many_in_flight(),
        damage(),
        topics(),
        neighbours(),
        the_last_sequence(),
        resumed(),
        forms::sizes(),
    ];
    logs.extend(partitions());
    logs
}

fn chain() -> Log {
    let mut log = Log::new("a chain, and what does not extend it", Service::Station, 0, 1);
    log.void("the first is not number 2", "sequence", &commit(STREAM, 2, ZEROS, 1));
    log.void("the first names nothing", "previous_hash", &commit(STREAM, 1, [1; 32], 1));
    let one = log.admitted("the first", STREAM, 1, &commit(STREAM, 1, ZEROS, 1));
    log.void("the second names the first, not zeros", "previous_hash", &commit(STREAM, 2, ZEROS, 1));
    log.void("a number left out", "sequence", &commit(STREAM, 3, one, 1));
    let two = log.admitted("the second", STREAM, 2, &commit(STREAM, 2, one, 1));
    log.void("a fork from the first", "sequence", &commit(STREAM, 2, one, 2));
    log.void("the third names the first", "previous_hash", &commit(STREAM, 3, one, 1));
    let three = log.admitted("the third", STREAM, 3, &commit(STREAM, 3, two, 1));
    log.void("the largest number", "sequence", &commit(STREAM, u64::MAX, three, 1));
    log
}

fn duplicates() -> Log {
    let mut log = Log::new("duplicates", Service::Station, 0, 1);
    let first = commit(STREAM, 1, ZEROS, 1);
    let second = commit(STREAM, 2, hash(&first), 1);
    log.admitted("the first", STREAM, 1, &first);
    log.void("at once again", "sequence", &first);
    log.admitted("the second", STREAM, 2, &second);
    log.void("the first much later", "sequence", &first);
    log.void("the second again", "sequence", &second);
    log
}

fn reordered() -> Log {
    let mut log =
        Log::new("reordered: the same bytes are void at one offset and admitted at another", Service::Station, 0, 1);
    let first = commit(STREAM, 1, ZEROS, 1);
    let second = commit(STREAM, 2, hash(&first), 1);
    let third = commit(STREAM, 3, hash(&second), 1);
    log.void("the third", "sequence", &third);
    log.void("the second", "sequence", &second);
    log.admitted("the first", STREAM, 1, &first);
    log.void("the third, still too early", "sequence", &third);
    log.admitted("the second, appended again", STREAM, 2, &second);
    log.admitted("the third, appended again", STREAM, 3, &third);
    log
}

fn race_one_in_flight() -> Log {
    let mut log = Log::new("two writers, one commit in flight each", Service::Station, 0, 1);
    let one = log.admitted("A wins", STREAM, 1, &commit(STREAM, 1, ZEROS, 1));
    log.void("B was later", "sequence", &commit(STREAM, 1, ZEROS, 2));
    let two = log.admitted("B decides again and wins", STREAM, 2, &commit(STREAM, 2, one, 2));
    log.void("A was later", "sequence", &commit(STREAM, 2, one, 1));
    log.admitted("A decides again", STREAM, 3, &commit(STREAM, 3, two, 1));
    log
}

fn race_many_in_flight() -> Log {
    let mut log = Log::new("two writers, many commits in flight, interleaved", Service::Station, 0, 1);
    let chain = |by: u8| {
        let first = commit(STREAM, 1, ZEROS, by);
        let second = commit(STREAM, 2, hash(&first), by);
        let third = commit(STREAM, 3, hash(&second), by);
        [first, second, third]
    };
    let (a, b) = (chain(1), chain(2));
    log.admitted("A1", STREAM, 1, &a[0]);
    log.void("B1", "sequence", &b[0]);
    log.void("B2 extends B1, which is void", "previous_hash", &b[1]);
    log.admitted("A2", STREAM, 2, &a[1]);
    log.void("B3", "previous_hash", &b[2]);
    let three = log.admitted("A3", STREAM, 3, &a[2]);
    log.void("B3 once more", "sequence", &b[2]);
    log.admitted("B decides again", STREAM, 4, &commit(STREAM, 4, three, 2));
    log
}

fn damage() -> Log {
    let mut log = Log::new("torn, damaged and foreign bytes between good ones", Service::Station, 0, 1);
    let first = commit(STREAM, 1, ZEROS, 1);
    log.not_canonical("the first half", "truncated", &first[..60]);
    log.not_canonical("the second half", "field", &first[60..]);
    log.not_canonical("no protobuf", "field", b"{\"stream\":\"station/654224\"}");
    let head = log.admitted("the whole", STREAM, 1, &first);
    let mut second = commit(STREAM, 2, head, 1);
    second[30] ^= 0x10;
    log.void("a bit of the previous hash turned", "previous_hash", &second);
    second[30] ^= 0x10;
    log.admitted("turned back", STREAM, 2, &second);
    log
}

fn topics() -> Log {
    let mut log = Log::new("streams of other topics", Service::Sales, 0, 1);
    log.void("another service", "foreign_topic", &commit("station/654224", 1, ZEROS, 1));
    log.void("another service and number", "foreign_topic", &commit("ledger/654224", 9, [9; 32], 1));
    log.admitted("sales", "sales/654224", 1, &commit("sales/654224", 1, ZEROS, 1));
    log.void("nor does its head move", "foreign_topic", &commit("procurement/654224", 2, ZEROS, 1));
    let not = Commit::new("station/654224", 1, ZEROS).set(5, bytes(5, &[1; 8])).bytes();
    log.not_canonical("form comes before topic", "hash_length", &not);
    log
}

fn neighbours() -> Log {
    let mut log = Log::new("two counties in one partition have a head each", Service::Station, 4, 8);
    let other = "station/110101";
    let one = log.admitted("654224", STREAM, 1, &commit(STREAM, 1, ZEROS, 1));
    log.void("110101 on the head of 654224", "sequence", &commit(other, 2, one, 1));
    let first = log.admitted("110101", other, 1, &commit(other, 1, ZEROS, 1));
    log.void("654224 on the head of 110101", "previous_hash", &commit(STREAM, 2, first, 1));
    log.admitted("654224 again", STREAM, 2, &commit(STREAM, 2, one, 1));
    log.void("another partition", "foreign_partition", &commit("station/654201", 1, ZEROS, 1));
    log.void("another partition and number", "foreign_partition", &commit("station/654201", 7, [7; 32], 1));
    log.void("another topic and partition", "foreign_topic", &commit("sales/654201", 1, ZEROS, 1));
    log
}

/// Where counties live: murmur2 of six digits, as Kafka's Java producers have it.
fn partitions() -> Vec<Log> {
    // From the Java client and librdkafka.
    let eight =
        [("654224", 4), ("654201", 6), ("654221", 3), ("110101", 4), ("659001", 1), ("500101", 3), ("650102", 3)];
    eight
        .into_iter()
        .map(|(county, partition)| {
            let stream = format!("procurement/{county}");
            let mut log = Log::new("the partition of a county among 8", Service::Procurement, partition, 8);
            log.admitted(county, &stream, 1, &commit(&stream, 1, ZEROS, 1));
            for (other, elsewhere) in eight {
                if elsewhere != partition {
                    log.void(other, "foreign_partition", &commit(&format!("procurement/{other}"), 1, ZEROS, 1));
                }
            }
            log
        })
        .collect()
}

fn the_last_sequence() -> Log {
    let last = [0xee; 32];
    let mut log =
        Log::new("nothing follows the largest sequence", Service::Station, 0, 1).resume(STREAM, u64::MAX - 1, last);
    let end = log.admitted("2^64 - 1", STREAM, u64::MAX, &commit(STREAM, u64::MAX, last, 1));
    log.void("the same number", "sequence", &commit(STREAM, u64::MAX, end, 1));
    log.void("starting over", "sequence", &commit(STREAM, 1, end, 1));
    let zero = Commit::new(STREAM, 1, end).set(2, uint(2, 0)).bytes();
    log.not_canonical("around to 0", "default", &zero);
    log
}

fn resumed() -> Log {
    let head = [0x5a; 32];
    let mut log = Log::new("resumed from a checkpoint", Service::Station, 0, 1).resume(STREAM, 300, head);
    log.void("an old one", "sequence", &commit(STREAM, 300, [1; 32], 1));
    log.void("another chain", "previous_hash", &commit(STREAM, 301, [1; 32], 1));
    log.admitted("the next", STREAM, 301, &commit(STREAM, 301, head, 1));
    log.admitted("a county without a checkpoint", "station/654201", 1, &commit("station/654201", 1, ZEROS, 1));
    log
}

//! Vectors of the canonical form: what it permits, and one record for each violation.

use loopledger_chain::RECORD_BYTES_MAX;
use loopledger_types::Service;

use super::Log;
use crate::raw::{COLLECTED, Commit, ZEROS, bytes, event, head, long_varint, message, text, uint, varint};

const STREAM: &str = "station/654224";
const LAST_SECOND: u64 = 253_402_300_799;

/// A commit whose last event's value makes the record `length` bytes long.
pub(super) fn of_length(commit: &Commit, length: usize) -> Vec<u8> {
    let with = |value: usize| commit.clone().set(9, event("type.googleapis.com/z", &vec![0; value])).bytes();
    // Three lengths change their own size on the way, so the value is found by stepping.
    let value = (0..=length).rev().find(|value| with(*value).len() <= length);
    let record = with(value.unwrap());
    assert_eq!(record.len(), length);
    record
}

type Change = fn(Commit) -> Commit;

/// One chain of everything that is allowed.
pub(super) fn admitted() -> Log {
    let time = |parts: &[Vec<u8>]| message(8, parts);
    let five = ["distribution/654224", "ledger/654224", "procurement/654224", "sales/654224", "station/110101"];
    let mut log = Log::new("forms that are admitted", Service::Station, 0, 1);
    let mut hash = ZEROS;
    let mut sequence = 0;
    let mut next = |note: &str, full: bool, change: &dyn Fn(Commit) -> Commit| {
        sequence += 1;
        let commit = if full { Commit::full(STREAM, sequence, hash) } else { Commit::new(STREAM, sequence, hash) };
        hash = log.admitted(note, STREAM, sequence, &change(commit).bytes());
    };
    next("the smallest commit", false, &|c| c);
    next("with everything", true, &|c| c);
    let simple: [(&str, Change); 10] = [
        ("a digest of zeros", |c| c.set(5, bytes(5, &ZEROS))),
        ("a request id of version 5", |c| c.set(4, text(4, "74738ff5-5367-5958-9aee-98fffdcd1876"))),
        ("no request id", |c| c.set(4, Vec::new())),
        ("a request id that is no UUID: meaning, not form", |c| c.set(4, text(4, "请求 1"))),
        ("an actor without a role", |c| c.set(7, message(7, &[text(1, "u-17")]))),
        ("an actor in Chinese", |c| c.set(7, message(7, &[text(1, "用户-17"), text(2, "站长")]))),
        ("an event without a value", |c| c.set(9, event(COLLECTED, &[]))),
        ("an event of a type unknown to everybody", |c| c.set(9, event("type.googleapis.com/x", &[0xff; 3]))),
        ("an event with a value of 128 bytes", |c| c.set(9, event(COLLECTED, &[7; 128]))),
        ("the same event three times", |c| c.set(9, event(COLLECTED, &[1]).repeat(3))),
    ];
    for (note, change) in &simple {
        next(note, false, change);
    }
    next("upstream heads by name", true, &|c| c.set(10, five.map(|name| head(name, 128)).concat()));
    next("an upstream head of the largest sequence", true, &|c| c.set(10, head("sales/654224", u64::MAX)));
    next("a cause with a hash of zeros", true, &|c| {
        c.set(6, message(6, &[text(1, "sales/999999"), uint(2, u64::MAX), bytes(3, &ZEROS)]))
    });
    next("a cause in the own stream: meaning, not form", true, &|c| {
        c.set(6, message(6, &[text(1, STREAM), uint(2, 1), bytes(3, &[1; 32])]))
    });
    next("recorded at a full second", false, &|c| c.set(8, time(&[uint(1, 1_751_328_001)])));
    next("recorded in 1970, without seconds", false, &|c| c.set(8, time(&[uint(2, 1)])));
    next("recorded at the last instant there is", false, &|c| {
        c.set(8, time(&[uint(1, LAST_SECOND), uint(2, 999_999_999)]))
    });
    next("recorded before its predecessor: meaning, not form", false, &|c| c.set(8, time(&[uint(1, 1)])));
    log
}

/// One log for each field: void records, and behind them the good one, to which they changed nothing.
pub(super) fn not_canonical() -> Vec<Log> {
    vec![shape(), numbers(), hashes_and_ids(), cause_and_actor(), recorded_at(), events(), upstream()]
}

fn good() -> Commit {
    Commit::full(STREAM, 1, ZEROS)
}

/// `(note, problem, record)`.
type Fault = (&'static str, &'static str, Vec<u8>);

fn log(name: &'static str, faults: Vec<Fault>) -> Log {
    let mut log = Log::new(name, Service::Station, 0, 1);
    for (note, problem, record) in faults {
        log.not_canonical(note, problem, &record);
    }
    log.admitted("the good record", STREAM, 1, &good().bytes());
    log
}

fn shape() -> Log {
    let whole = good().bytes();
    let swapped = good().set(6, good().field(7)).set(7, good().field(6)).bytes();
    let repeated = |number: usize| good().set(number, good().field(number).repeat(2)).bytes();
    let first_to_last = [&whole[16..], &whole[..16]].concat();
    let group = |c: Commit| c.set(7, vec![0x3b, 0x3c]).bytes();
    let mut faults = vec![
        ("an empty record", "missing", Vec::new()),
        ("torn within the last field", "truncated", whole[..whole.len() - 1].to_vec()),
        ("torn within the digest", "truncated", whole[..100].to_vec()),
        ("torn behind the digest", "missing", Commit::new(STREAM, 1, ZEROS).bytes()[..124].to_vec()),
        ("one byte behind the end", "field", [&whole[..], &[0]].concat()),
        ("an unknown field 11", "field", [&whole[..], &text(11, "x")].concat()),
        ("an unknown field 16", "field", [&whole[..], &uint(16, 1)].concat()),
        ("an unknown field in the middle", "field", [&whole[..16], &uint(11, 1), &whole[16..]].concat()),
        ("a field number 0", "field", [&[0x02, 0x00], &whole[..]].concat()),
        ("a sequence as bytes", "field", good().set(2, bytes(2, &[1])).bytes()),
        ("a sequence as fixed64", "field", good().set(2, vec![0x11, 1, 0, 0, 0, 0, 0, 0, 0]).bytes()),
        ("an actor as a group", "field", group(good())),
        ("actor before cause", "field", swapped),
        ("the stream at the end", "field", first_to_last),
        ("the whole record twice", "field", whole.repeat(2)),
        ("an event behind the upstream heads", "field", [&whole[..], &event(COLLECTED, &[])].concat()),
    ];
    for number in 1..=8 {
        faults.push(("a field twice", "field", repeated(number)));
    }
    for number in [1, 2, 3, 5, 8, 9] {
        faults.push(("a required field missing", "missing", good().set(number, Vec::new()).bytes()));
    }
    log("not canonical: shape", faults)
}

fn numbers() -> Log {
    let tag = |number: u64, wire: u64, value: Vec<u8>| [varint(number * 8 + wire), value].concat();
    let sequence = |value: Vec<u8>| good().set(2, tag(2, 0, value)).bytes();
    let eleven = [vec![0x80; 10], vec![1]].concat();
    let large = [vec![0xff; 9], vec![2]].concat();
    let stream_length = [vec![0x0a], long_varint(14), STREAM.as_bytes().to_vec()].concat();
    let huge_length = [vec![0x0a], vec![0xff; 9], vec![1], STREAM.as_bytes().to_vec()].concat();
    log(
        "not canonical: numbers",
        vec![
            ("sequence 0", "default", sequence(vec![0])),
            ("sequence 0 in two bytes", "varint", sequence(vec![0x80, 0])),
            ("sequence 1 in two bytes", "varint", sequence(long_varint(1))),
            ("sequence 128 in three bytes", "varint", sequence(long_varint(128))),
            ("a sequence of 65 bits", "varint", sequence(large)),
            ("a sequence in eleven bytes", "varint", sequence(eleven)),
            ("a tag in two bytes", "varint", good().set(2, [long_varint(16), varint(1)].concat()).bytes()),
            ("a length in two bytes", "varint", good().set(1, stream_length).bytes()),
            ("a length beyond the end", "truncated", good().set(1, huge_length).bytes()),
            ("a varint that does not end", "truncated", vec![0x0a, 0x80]),
        ],
    )
}

fn hashes_and_ids() -> Log {
    let set = |number: usize, value: &[u8]| good().set(number, bytes(number as u64, value)).bytes();
    let mut faults = vec![
        ("a hash of 31 bytes", "hash_length", set(3, &[0; 31])),
        ("a hash of 33 bytes", "hash_length", set(3, &[0; 33])),
        ("a hash of 64 digits", "hash_length", set(3, &[b'0'; 64])),
        ("an empty hash", "hash_length", set(3, &[])),
        ("a digest of 31 bytes", "hash_length", set(5, &[0; 31])),
        ("an empty digest", "hash_length", set(5, &[])),
        ("an empty request id", "default", set(4, &[])),
        ("a request id not in UTF-8", "utf8", set(4, &[0xff; 36])),
        ("an empty stream", "default", set(1, b"")),
        ("a stream not in UTF-8", "utf8", set(1, b"station/65422\xff")),
    ];
    for name in [
        "station",
        "/654224",
        "station/",
        "stations/654224",
        "Station/654224",
        "station/65422",
        "station/6542240",
        "station/654224202",
        "station/065422",
        "station/65422a",
        "station/+65422",
        "station/654224/1",
        "station/654224\n",
        " station/654224",
        "station/６５４２２４",
        "station//654224",
    ] {
        faults.push(("no name of a stream", "stream", set(1, name.as_bytes())));
    }
    log("not canonical: hashes and ids", faults)
}

fn cause_and_actor() -> Log {
    let cause = |parts: &[Vec<u8>]| good().set(6, message(6, parts)).bytes();
    let actor = |parts: &[Vec<u8>]| good().set(7, message(7, parts)).bytes();
    let (stream, sequence, hash) = (text(1, "procurement/654224"), uint(2, 300), bytes(3, &[0xca; 32]));
    let (subject, role) = (text(1, "u-17"), text(2, "clerk"));
    let (s, q, h) = (|| stream.clone(), || sequence.clone(), || hash.clone());
    log(
        "not canonical: cause and actor",
        vec![
            ("an empty cause", "missing", cause(&[])),
            ("a cause without a stream", "missing", cause(&[q(), h()])),
            ("a cause without a sequence", "missing", cause(&[s(), h()])),
            ("a cause without a hash", "missing", cause(&[s(), q()])),
            ("a cause of sequence 0", "default", cause(&[s(), uint(2, 0), h()])),
            ("a cause with a short hash", "hash_length", cause(&[s(), q(), bytes(3, &[1; 31])])),
            ("a cause of no stream", "stream", cause(&[text(1, "nobody/654224"), q(), h()])),
            ("a cause with a field more", "field", cause(&[s(), q(), h(), uint(4, 1)])),
            ("a cause in another order", "field", cause(&[q(), s(), h()])),
            ("a cause with a field twice", "field", cause(&[s(), q(), h(), h()])),
            ("an empty actor", "missing", actor(&[])),
            ("an actor without a subject", "missing", actor(std::slice::from_ref(&role))),
            ("an actor with an empty subject", "default", actor(&[text(1, ""), role.clone()])),
            ("an actor with an empty role", "default", actor(&[subject.clone(), text(2, "")])),
            ("a subject not in UTF-8", "utf8", actor(&[bytes(1, &[0xc0, 0x80]), role.clone()])),
            ("a surrogate as a role", "utf8", actor(&[subject.clone(), bytes(2, &[0xed, 0xa0, 0x80])])),
            ("an actor with a field more", "field", actor(&[subject.clone(), role.clone(), uint(3, 1)])),
            ("an actor in another order", "field", actor(&[role, subject])),
        ],
    )
}

fn recorded_at() -> Log {
    let at = |parts: &[Vec<u8>]| good().set(8, message(8, parts)).bytes();
    let instant = |seconds: u64, nanos: u64| at(&[uint(1, seconds), uint(2, nanos)]);
    log(
        "not canonical: recorded_at",
        vec![
            ("no time at all", "recorded_at", at(&[])),
            ("seconds of 0 written out", "default", instant(0, 1)),
            ("nanos of 0 written out", "default", instant(1, 0)),
            ("before 1970", "recorded_at", instant(u64::MAX, 1)),
            ("negative nanos", "recorded_at", instant(1, u64::MAX)),
            ("negative nanos of 32 bits", "recorded_at", instant(1, 0xffff_ffff)),
            ("a full second of nanos", "recorded_at", instant(1, 1_000_000_000)),
            ("nanos that wrap around 2^32", "recorded_at", instant(1, (1 << 32) + 1)),
            ("the year 10000", "recorded_at", at(&[uint(1, LAST_SECOND + 1)])),
            ("nanos before seconds", "field", at(&[uint(2, 1), uint(1, 1)])),
            ("seconds twice", "field", at(&[uint(1, 1), uint(1, 1)])),
            ("a field more", "field", at(&[uint(1, 1), uint(3, 1)])),
            ("seconds in too many bytes", "varint", at(&[[vec![0x08], long_varint(1)].concat()])),
        ],
    )
}

fn events() -> Log {
    let any = |parts: &[Vec<u8>]| good().set(9, message(9, parts)).bytes();
    let kind = || text(1, COLLECTED);
    let typed = |name: &str| any(&[text(1, name), bytes(2, &[1])]);
    let second_bad = [event(COLLECTED, &[1]), message(9, &[])].concat();
    let apart = [event(COLLECTED, &[1]), head("sales/654224", 1), event(COLLECTED, &[2])].concat();
    log(
        "not canonical: events",
        vec![
            ("an empty event", "missing", any(&[])),
            ("an event without a type", "missing", any(&[bytes(2, &[1])])),
            ("an empty type", "default", typed("")),
            ("a type of the prefix alone", "event_type", typed("type.googleapis.com/")),
            ("a type without the prefix", "event_type", typed("loopledger.station.event.v1.GoodsCollected")),
            ("a type of another host", "event_type", typed("type.example.com/GoodsCollected")),
            ("a prefix in upper case", "event_type", typed("Type.googleapis.com/GoodsCollected")),
            ("a type not in UTF-8", "utf8", any(&[bytes(1, b"type.googleapis.com/\xff")])),
            ("an empty value written out", "default", any(&[kind(), bytes(2, &[])])),
            ("a value twice", "field", any(&[kind(), bytes(2, &[1]), bytes(2, &[1])])),
            ("value before type", "field", any(&[bytes(2, &[1]), kind()])),
            ("a field more", "field", any(&[kind(), bytes(2, &[1]), uint(3, 1)])),
            ("an event shorter than its value", "truncated", any(&[kind(), vec![0x12, 9, 1]])),
            ("a second event that is empty", "missing", good().set(9, second_bad).bytes()),
            ("events not side by side", "field", good().set(9, apart).set(10, Vec::new()).bytes()),
        ],
    )
}

fn upstream() -> Log {
    let of = |heads: &[Vec<u8>]| good().set(10, heads.concat()).bytes();
    let one = |parts: &[Vec<u8>]| good().set(10, message(10, parts)).bytes();
    let name = || text(1, "sales/654224");
    log(
        "not canonical: upstream",
        vec![
            ("an empty head", "missing", one(&[])),
            ("a head without a sequence", "missing", one(&[name()])),
            ("a head of sequence 0", "default", one(&[name(), uint(2, 0)])),
            ("a head without a stream", "missing", one(&[uint(2, 1)])),
            ("a head of no stream", "stream", one(&[text(1, "sales"), uint(2, 1)])),
            ("a head with a field more", "field", one(&[name(), uint(2, 1), uint(3, 1)])),
            ("a head in another order", "field", one(&[uint(2, 1), name()])),
            ("the same stream twice", "upstream_order", of(&[head("sales/654224", 1), head("sales/654224", 2)])),
            ("heads not ascending", "upstream_order", of(&[head("sales/654224", 1), head("ledger/654224", 1)])),
            (
                "heads in the order of the flow, not of their names",
                "upstream_order",
                of(&[head("procurement/654224", 1), head("distribution/654224", 1)]),
            ),
            ("counties not ascending", "upstream_order", of(&[head("sales/654224", 1), head("sales/654223", 1)])),
        ],
    )
}

/// Records at the limit of size and beyond it.
pub(super) fn sizes() -> Log {
    let mut log = Log::new("sizes", Service::Station, 0, 1);
    let garbage = vec![0; RECORD_BYTES_MAX + 1];
    // Without upstream heads the event's value comes last, so that its zeros can be counted instead of written.
    let last = |sequence, hash| Commit::new(STREAM, sequence, hash);
    log.void("a byte more than 60 KiB", "oversized", &of_length(&last(1, ZEROS), RECORD_BYTES_MAX + 1));
    log.void("too large and nothing else right", "oversized", &garbage);
    let foreign = Commit::new("sales/654224", 7, [9; 32]);
    log.void("too large and of another topic", "oversized", &of_length(&foreign, RECORD_BYTES_MAX + 1));
    log.not_canonical("60 KiB of zeros", "field", &garbage[1..]);
    let hash = log.admitted("60 KiB", STREAM, 1, &of_length(&last(1, ZEROS), RECORD_BYTES_MAX));
    log.void("a byte more on the right head", "oversized", &of_length(&last(2, hash), RECORD_BYTES_MAX + 1));
    log.admitted("the next", STREAM, 2, &last(2, hash).bytes());
    log
}

//! The committed vectors: written from the specification of the rule, then run.
//!
//! `UPDATE_VECTORS=1 cargo test -p loopledger-chain` rewrites the file; a changed verdict is a new topic version.

mod forms;
mod logs;

use std::path::PathBuf;

use loopledger_chain::{Admission, Envelope, Verdict, VoidReason, leaf_hash};
use loopledger_types::{Hash, Head, Partition, Service, StreamId, Topic, hex};
use serde_json::{Value, json};

use crate::raw::{Commit, ZEROS};

/// A log under construction: each record with the verdict that it must get.
#[derive(Debug)]
struct Log {
    name: &'static str,
    topic: Service,
    partition: u32,
    partition_count: u32,
    resume: Vec<Value>,
    records: Vec<Value>,
}

impl Log {
    fn new(name: &'static str, topic: Service, partition: u32, partition_count: u32) -> Self {
        Self { name, topic, partition, partition_count, resume: Vec::new(), records: Vec::new() }
    }

    /// Starts from a checkpoint of `stream`.
    fn resume(mut self, stream: &str, sequence: u64, hash: [u8; 32]) -> Self {
        let hash = Hash(hash).to_string();
        self.resume.push(json!({ "stream": stream, "sequence": sequence.to_string(), "hash": hash }));
        self
    }

    /// Returns the record's hash, for the next one to name.
    fn admitted(&mut self, note: &str, stream: &str, sequence: u64, record: &[u8]) -> [u8; 32] {
        let hash = leaf_hash(record);
        self.push(
            note,
            record,
            &json!({
                "verdict": "admitted", "stream": stream, "sequence": sequence.to_string(), "hash": hash.to_string()
            }),
        );
        hash.0
    }

    fn void(&mut self, note: &str, reason: &str, record: &[u8]) {
        self.push(note, record, &json!({ "verdict": "void", "reason": reason }));
    }

    /// Void as not canonical; `problem` is this implementation's word for why.
    fn not_canonical(&mut self, note: &str, problem: &str, record: &[u8]) {
        let verdict = json!({ "verdict": "void", "reason": "not_canonical", "problem": problem });
        self.push(note, record, &verdict);
    }

    fn push(&mut self, note: &str, record: &[u8], verdict: &Value) {
        // A large record ends in zeros, which are counted instead of written.
        let zeros = match record.len() {
            0..4_096 => 0,
            _ => record.iter().rev().take_while(|byte| **byte == 0).count(),
        };
        let mut entry = json!({ "note": note, "hex": hex::encode(&record[..record.len() - zeros]) });
        let fields = entry.as_object_mut().unwrap();
        if zeros > 0 {
            fields.insert("then_zeros".into(), json!(zeros));
        }
        fields.extend(verdict.as_object().unwrap().clone());
        self.records.push(entry);
    }

    fn json(self) -> Value {
        json!({
            "name": self.name,
            "topic": Topic(self.topic).to_string(),
            "partition": self.partition,
            "partition_count": self.partition_count,
            "resume": self.resume,
            "records": self.records,
        })
    }
}

/// Every single-byte mutant of `record`, and which are admitted as the first of their log: the places in order, at
/// each the byte XOR 1, 2 … 255; one byte 0 or 1 for each mutant, hashed.
fn mutants(record: &[u8]) -> Value {
    let mut admitted = Vec::new();
    for place in 0..record.len() {
        for flip in 1..=255_u8 {
            let mut mutant = record.to_vec();
            mutant[place] ^= flip;
            let mut admission = Admission::new(Topic(Service::Station), Partition(0), 1);
            admitted.push(u8::from(matches!(admission.admit(&mutant), Verdict::Admitted { .. })));
        }
    }
    json!({
        "about": "the record with one byte XOR 1..255, at each place in turn, as the first record of a log: \
                  how many are admitted, and the SHA-256 of 0 and behind it one byte 0 or 1 for each",
        "topic": "loopledger.station.v1",
        "partition": 0,
        "partition_count": 1,
        "hex": hex::encode(record),
        "admitted": admitted.iter().map(|byte| u64::from(*byte)).sum::<u64>(),
        "digest": leaf_hash(&admitted).to_string(),
    })
}

fn generate() -> Value {
    let mut logs = vec![forms::admitted()];
    logs.extend(forms::not_canonical());
    logs.extend(logs::all());
    json!({
        "about": "Logs and the verdict on each of their records; see crates/chain. `reason` is part of the rule, `note` and \
                  `problem` are not. Sequences are decimal strings; `then_zeros` bytes of 0 follow `hex`.",
        "version": 1,
        "logs": logs.into_iter().map(Log::json).collect::<Vec<_>>(),
        "mutants": mutants(&Commit::full("station/654224", 1, ZEROS).bytes()),
    })
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors/admission.json")
}

fn committed() -> Value {
    serde_json::from_str(&std::fs::read_to_string(path()).unwrap()).unwrap()
}

fn str_of<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn u32_of(value: &Value, key: &str) -> u32 {
    u32::try_from(value[key].as_u64().unwrap()).unwrap()
}

/// The verdict in the vectors' words.
fn words(verdict: &Verdict<'_>) -> Value {
    match verdict {
        Verdict::Admitted { envelope, hash } => json!({
            "verdict": "admitted", "stream": envelope.stream.to_string(),
            "sequence": envelope.sequence.to_string(), "hash": hash.to_string(),
        }),
        Verdict::Void(VoidReason::NotCanonical(error)) => json!({
            "verdict": "void", "reason": "not_canonical", "problem": error.code(),
        }),
        Verdict::Void(reason) => json!({ "verdict": "void", "reason": reason.code() }),
    }
}

#[test]
fn the_committed_vectors_are_the_generated_ones() {
    let generated = generate();
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::write(path(), format!("{generated:#}\n")).unwrap();
    }
    // By log, so that a difference can be read.
    let committed = committed();
    for (a, b) in generated["logs"].as_array().unwrap().iter().zip(committed["logs"].as_array().unwrap()) {
        assert_eq!(a, b, "{}", a["name"]);
    }
    assert!(generated == committed, "the vectors differ from what generates them: UPDATE_VECTORS=1 writes them anew");
}

#[test]
fn every_record_of_the_vectors_gets_its_verdict() {
    let mut wrong = Vec::new();
    for log in committed()["logs"].as_array().unwrap() {
        let topic = Service::ALL.map(Topic).into_iter().find(|topic| topic.to_string() == str_of(log, "topic"));
        let partition = Partition(u32_of(log, "partition"));
        let mut admission = Admission::new(topic.unwrap(), partition, u32_of(log, "partition_count"));
        for head in log["resume"].as_array().unwrap() {
            let sequence = str_of(head, "sequence").parse().unwrap();
            let head_at = Head { sequence, hash: Hash::parse(str_of(head, "hash")).unwrap() };
            admission.resume(StreamId::parse(str_of(head, "stream")).unwrap(), head_at);
        }
        for entry in log["records"].as_array().unwrap() {
            let mut record = hex::decode(str_of(entry, "hex")).unwrap();
            record.resize(record.len() + entry["then_zeros"].as_u64().unwrap_or(0) as usize, 0);
            let verdict = words(&admission.admit(&record));
            let mut expected = entry.as_object().unwrap().clone();
            expected.retain(|key, _| !["note", "hex", "then_zeros"].contains(&key.as_str()));
            let expected = Value::Object(expected);
            if verdict != expected {
                wrong.push(format!("{}: {}: {verdict} instead of {expected}", log["name"], entry["note"]));
            }
            // What is canonical is so in every log, and is its own encoding.
            if let Ok(envelope) = Envelope::decode(&record) {
                let mut encoded = Vec::new();
                envelope.encode(&mut encoded);
                assert!(encoded == record, "{}: {}", log["name"], entry["note"]);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

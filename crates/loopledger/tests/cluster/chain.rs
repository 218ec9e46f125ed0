//! The streams as they stand on Kafka, read with the admission rule and nothing else of ours.

use std::collections::{BTreeMap, BTreeSet};

use loopledger_chain::{Admission, Envelope, Verdict, VoidReason, leaf_hash};
use loopledger_domain::Commit;
use loopledger_event_log::{EventLog, Offset};
use loopledger_kafka_log::{KafkaLog, KafkaOptions};
use loopledger_types::{CountyCode, Hash, Key, Service, StreamId, partition_of};
use loopledger_wire::decode_commit;

/// The void records of all topics.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Voids {
    /// The bytes of a commit once more: an append that had been reported as failed, or was repeated.
    pub(crate) repeats: u64,
    /// Another commit took its place: a conflict of two writers.
    pub(crate) conflicts: u64,
    /// Nothing that a service wrote.
    pub(crate) foreign: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Chain {
    /// The county's streams, from the first commit on.
    pub(crate) streams: BTreeMap<Service, Vec<Commit>>,
    pub(crate) voids: Voids,
}

impl Chain {
    pub(crate) async fn read(brokers: &str) -> Self {
        let log = KafkaLog::connect(KafkaOptions::new(brokers)).await.expect("brokers that answer");
        let mut chain = Self::default();
        for service in Service::ALL {
            chain.read_stream(&log, service).await;
        }
        chain
    }

    async fn read_stream(&mut self, log: &KafkaLog, service: Service) {
        let (topic, count) = (service.topic(), log.partition_count(service.topic()));
        let stream = StreamId { service, county: CountyCode::TUOLI };
        let partition = partition_of(Key(CountyCode::TUOLI), count);
        let end = log.end(topic, partition).await.expect("an end");
        let mut admission = Admission::new(topic, partition, count);
        let mut reader = log.read(topic, partition, Offset::START).expect("the beginning");
        let (mut next, mut commits) = (Offset::START, Vec::new());
        let (mut hashes, mut previous) = (BTreeSet::new(), Hash::ZERO);
        while next < end {
            for record in reader.next().await.expect("records") {
                next = record.next;
                let hash = leaf_hash(&record.value);
                match admission.admit(&record.value) {
                    Verdict::Admitted { envelope, .. } if envelope.stream == stream => {
                        check_link(&envelope, commits.len(), previous);
                        previous = hash;
                        hashes.insert(hash);
                        commits.push(decode_commit(&envelope, hash).expect("a commit that is understood"));
                    }
                    Verdict::Void(VoidReason::Sequence { .. } | VoidReason::PreviousHash) if hashes.contains(&hash) => {
                        self.voids.repeats += 1;
                    }
                    Verdict::Void(VoidReason::Sequence { .. } | VoidReason::PreviousHash) => self.voids.conflicts += 1,
                    Verdict::Void(_) | Verdict::Admitted { .. } => self.voids.foreign += 1,
                }
            }
        }
        self.streams.insert(service, commits);
    }

    pub(crate) fn commits(&self) -> impl Iterator<Item = &Commit> {
        self.streams.values().flatten()
    }
}

/// Sequences from 1 without gaps, each on the hash before it: said again, in case the rule itself is wrong.
fn check_link(envelope: &Envelope<'_>, count: usize, previous: Hash) {
    let stream = envelope.stream;
    assert_eq!(envelope.sequence, count as u64 + 1, "{stream} has a gap");
    assert_eq!(envelope.previous_hash, previous, "{stream} {}", envelope.sequence);
}

//! What the projection does to a commit, on one core, from memory: step by step, and all of it.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use loopledger_benches::{CONCERNS, demo_records};
use loopledger_chain::{Admission, Envelope, Verdict, leaf_hash};
use loopledger_domain::Commit;
use loopledger_ledger::{Journal, Ledger, post};
use loopledger_types::{CountyCode, Key, Service, partition_of};
use loopledger_wire::decode_commit;

/// Partitions of a topic, as the embedded log has them.
const PARTITIONS: u32 = 64;

fn admissions() -> Vec<Admission> {
    let partition = partition_of(Key(CountyCode::TUOLI), PARTITIONS);
    Service::ALL.into_iter().map(|service| Admission::new(service.topic(), partition, PARTITIONS)).collect()
}

fn admit_and_decode(records: &[(Service, Vec<u8>)], mut each: impl FnMut(Commit)) {
    let mut admissions = admissions();
    for (service, record) in records {
        let admission = admissions.get_mut(service.index()).expect("one for each service");
        match admission.admit(record) {
            Verdict::Admitted { envelope, hash } => each(decode_commit(&envelope, hash).expect("our own commits")),
            Verdict::Void(reason) => panic!("void: {reason:?}"),
        }
    }
}

fn fold(c: &mut Criterion) {
    let records = demo_records(2_000);
    let bytes: usize = records.iter().map(|(_, record)| record.len()).sum();
    let count = u64::try_from(records.len()).expect("a count");
    eprintln!("{count} commits, {} bytes on average", bytes.checked_div(records.len()).unwrap_or(0));
    let mut commits = Vec::new();
    admit_and_decode(&records, |commit| commits.push(commit));

    let mut group = c.benchmark_group("fold");
    group.throughput(Throughput::Elements(count)).sample_size(10);
    group.bench_function("leaf hash", |b| {
        b.iter(|| {
            for (_, record) in &records {
                black_box(leaf_hash(record));
            }
        });
    });
    group.bench_function("decode the envelope", |b| {
        b.iter(|| records.iter().for_each(|(_, record)| drop(black_box(Envelope::decode(record)))));
    });
    group.bench_function("decode + admit", |b| b.iter(|| admit_and_decode(&records, |commit| drop(black_box(commit)))));
    group.bench_function("post", |b| {
        let mut journal = Journal::new();
        b.iter(|| commits.iter().for_each(|commit| post(commit, black_box(&mut journal))));
    });
    group.bench_function("post + balances + income + loop + trace", |b| {
        b.iter_batched(
            || Ledger::new(CountyCode::TUOLI, CONCERNS),
            |mut ledger| {
                for commit in &commits {
                    ledger.apply(commit).expect("in order");
                }
                ledger
            },
            BatchSize::PerIteration,
        );
    });
    group.bench_function("decode + admit + post + balances + income", |b| {
        b.iter_batched(
            || Ledger::new(CountyCode::TUOLI, CONCERNS),
            |mut ledger| {
                admit_and_decode(&records, |commit| ledger.apply(&commit).expect("in order"));
                ledger
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, fold);
criterion_main!(benches);

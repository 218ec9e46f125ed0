//! Whatever a log contains, every reader admits the same commits, without a gap, for ever.

use std::collections::BTreeMap;

use loopledger_chain::{Admission, RECORD_BYTES_MAX, Verdict, VoidReason, extends, leaf_hash};
use loopledger_types::{Hash, Head, Partition, Service, StreamId, Topic};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::raw::{Commit, event, text, uint};

const TOPIC: Topic = Topic(Service::Station);
const PARTITION: Partition = Partition(4);
const PARTITION_COUNT: u32 = 8;
/// Both live in partition 4 of 8.
const STREAMS: [&str; 2] = ["station/654224", "station/110101"];

/// What happens to the log next.
#[derive(Debug, Clone)]
enum Step {
    /// A writer appends a commit on the head that it believes in, `back` commits behind the newest it ever made.
    Append {
        stream: usize,
        back: Index,
        salt: u8,
    },
    /// A writer makes a commit, which arrives later or never.
    Delay {
        stream: usize,
        salt: u8,
    },
    /// Bytes made before arrive, for the first time or once more.
    Arrive(Index),
    /// Bytes made before arrive in part.
    Tear(Index, Index),
    /// Bytes made before arrive with another predecessor. (Damage of every other kind: see `codec`.)
    Damage(Index, Index, u8),
    Foreign(&'static str),
    Oversized {
        stream: usize,
    },
    NotCanonical {
        stream: usize,
    },
    Garbage(Vec<u8>),
}

fn step() -> impl Strategy<Value = Step> {
    let stream = 0..STREAMS.len();
    prop_oneof![
        6 => (stream.clone(), any::<Index>(), 0..3_u8).prop_map(|(stream, back, salt)| Step::Append { stream, back, salt }),
        3 => (stream.clone(), 0..3_u8).prop_map(|(stream, salt)| Step::Delay { stream, salt }),
        4 => any::<Index>().prop_map(Step::Arrive),
        1 => any::<(Index, Index)>().prop_map(|(which, cut)| Step::Tear(which, cut)),
        1 => (any::<Index>(), any::<Index>(), 1..=255_u8).prop_map(|(which, place, flip)| Step::Damage(which, place, flip)),
        1 => prop_oneof![Just("sales/654224"), Just("station/654201")].prop_map(Step::Foreign),
        1 => stream.clone().prop_map(|stream| Step::Oversized { stream }),
        1 => stream.prop_map(|stream| Step::NotCanonical { stream }),
        1 => prop::collection::vec(any::<u8>(), 0..40).prop_map(Step::Garbage),
    ]
}

/// The head that the log really has, and every head that some writer ever believed in.
#[derive(Debug)]
struct Chain {
    head: (u64, [u8; 32]),
    believed: Vec<(u64, [u8; 32])>,
}

/// The rule once more, over what is *known* of each record instead of over its bytes.
#[derive(Debug)]
struct Model {
    chains: [Chain; 2],
    /// Commits made so far: bytes, stream, sequence and predecessor.
    made: Vec<(Vec<u8>, usize, u64, [u8; 32])>,
    log: Vec<Vec<u8>>,
    /// Per record: is it admitted?
    expected: Vec<bool>,
}

impl Model {
    fn new() -> Self {
        let chain = || Chain { head: (0, [0; 32]), believed: vec![(0, [0; 32])] };
        Self { chains: [chain(), chain()], made: Vec::new(), log: Vec::new(), expected: Vec::new() }
    }

    fn make(&mut self, stream: usize, on: (u64, [u8; 32]), salt: u8) -> usize {
        let record = Commit::new(STREAMS[stream], on.0 + 1, on.1).set(9, event("type.googleapis.com/e", &[salt, 1]));
        let record = record.bytes();
        self.chains[stream].believed.push((on.0 + 1, leaf_hash(&record).0));
        self.made.push((record, stream, on.0 + 1, on.1));
        self.made.len() - 1
    }

    fn arrive(&mut self, which: usize) {
        let (record, stream, sequence, previous) = self.made[which].clone();
        let chain = &mut self.chains[stream];
        let fits = (sequence - 1, previous) == chain.head;
        if fits {
            chain.head = (sequence, leaf_hash(&record).0);
        }
        self.log.push(record);
        self.expected.push(fits);
    }

    fn void(&mut self, record: Vec<u8>) {
        self.log.push(record);
        self.expected.push(false);
    }

    /// A commit on the true head, were it not for what `spoil` does to it.
    fn spoilt(&mut self, stream: usize, spoil: impl FnOnce(Commit) -> Commit) {
        let (sequence, hash) = self.chains[stream].head;
        self.void(spoil(Commit::new(STREAMS[stream], sequence + 1, hash)).bytes());
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Append { stream, back, salt } => {
                let believed = &self.chains[*stream].believed;
                // Mostly the newest head of all, else any: stale writers, and whole chains that lost a race.
                let on = believed[believed.len() - 1 - back.index(2 * believed.len()).saturating_sub(believed.len())];
                let which = self.make(*stream, on, *salt);
                self.arrive(which);
            }
            Step::Delay { stream, salt } => {
                let on = self.chains[*stream].head;
                self.make(*stream, on, *salt);
            }
            Step::Arrive(which) if !self.made.is_empty() => self.arrive(which.index(self.made.len())),
            Step::Tear(which, cut) if !self.made.is_empty() => {
                let record = &self.made[which.index(self.made.len())].0;
                let torn = record[..cut.index(record.len())].to_vec();
                self.void(torn);
            }
            Step::Damage(which, place, flip) if !self.made.is_empty() => {
                let mut record = self.made[which.index(self.made.len())].0.clone();
                // Behind the stream (16 bytes), the sequence (2, below 128) and the field's tag and length.
                record[20 + place.index(32)] ^= flip;
                self.void(record);
            }
            Step::Foreign(stream) => self.void(Commit::new(stream, 1, [0; 32]).bytes()),
            Step::Oversized { stream } => {
                self.spoilt(*stream, |c| c.set(9, event("type.googleapis.com/e", &vec![7; RECORD_BYTES_MAX])));
            }
            Step::NotCanonical { stream } => {
                self.spoilt(*stream, |c| c.set(2, [uint(2, 1), text(11, "new")].concat()));
            }
            Step::Garbage(bytes) => self.void(bytes.clone()),
            Step::Arrive(_) | Step::Tear(..) | Step::Damage(..) => {}
        }
    }
}

fn model() -> impl Strategy<Value = Model> {
    prop::collection::vec(step(), 0..60).prop_map(|steps| {
        let mut model = Model::new();
        for step in &steps {
            model.step(step);
        }
        model
    })
}

fn streams() -> [StreamId; 2] {
    STREAMS.map(|name| StreamId::parse(name).unwrap())
}

fn reader() -> Admission {
    Admission::new(TOPIC, PARTITION, PARTITION_COUNT)
}

/// What a reader makes of some records: the hash of each admitted one.
fn read(admission: &mut Admission, records: &[Vec<u8>]) -> Vec<Result<Hash, VoidReason>> {
    let verdict = |record: &Vec<u8>| match admission.admit(record) {
        Verdict::Admitted { hash, .. } => Ok(hash),
        Verdict::Void(reason) => Err(reason),
    };
    records.iter().map(verdict).collect()
}

proptest! {
    #[test]
    fn the_first_record_that_extends_the_head_wins(model in model()) {
        let mut admission = reader();
        let verdicts = read(&mut admission, &model.log);
        let admitted: Vec<_> = verdicts.iter().map(Result::is_ok).collect();
        prop_assert_eq!(&admitted, &model.expected);
        for (stream, chain) in streams().into_iter().zip(&model.chains) {
            prop_assert_eq!(admission.head(stream), Head { sequence: chain.head.0, hash: Hash(chain.head.1) });
        }
        prop_assert_eq!(admission.voids(), verdicts.iter().filter(|v| v.is_err()).count() as u64);
    }

    #[test]
    fn what_is_admitted_has_no_gap_and_each_commit_names_the_one_before(model in model()) {
        let mut admission = reader();
        let mut heads = BTreeMap::new();
        for record in &model.log {
            if let Verdict::Admitted { envelope, hash } = admission.admit(record) {
                let head = heads.insert(envelope.stream, Head { sequence: envelope.sequence, hash });
                let head = head.unwrap_or(Head::EMPTY);
                prop_assert_eq!((envelope.sequence, envelope.previous_hash), (head.sequence + 1, head.hash));
                prop_assert_eq!(hash, leaf_hash(record));
            }
        }
    }

    #[test]
    fn a_verdict_never_changes_as_the_log_grows(model in model(), cut in any::<Index>()) {
        let cut = cut.index(model.log.len() + 1);
        let whole = read(&mut reader(), &model.log);
        prop_assert_eq!(&read(&mut reader(), &model.log[..cut])[..], &whole[..cut]);
    }

    #[test]
    fn a_reader_resumed_anywhere_admits_what_the_others_do(
        model in model(), cuts in prop::collection::vec(any::<Index>(), 1..5),
    ) {
        let whole = read(&mut reader(), &model.log);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(model.log.len() + 1)).collect();
        cuts.sort_unstable();
        let (mut pieces, mut heads, mut from) = (Vec::new(), [Head::EMPTY; 2], 0);
        for to in cuts.into_iter().chain([model.log.len()]) {
            // A process that starts anew, from the checkpoint alone.
            let mut admission = reader();
            streams().into_iter().zip(heads).for_each(|(stream, head)| admission.resume(stream, head));
            pieces.extend(read(&mut admission, &model.log[from..to]));
            heads = streams().map(|stream| admission.head(stream));
            from = to;
        }
        prop_assert_eq!(pieces, whole);
    }

    #[test]
    fn a_reader_that_keeps_its_own_heads_admits_what_the_others_do(model in model()) {
        let admission = reader();
        let mut heads = BTreeMap::new();
        let mut verdicts = Vec::new();
        for record in &model.log {
            let verdict = admission.screen(record).and_then(|envelope| {
                let head = heads.entry(envelope.stream).or_insert(Head::EMPTY);
                extends(*head, envelope.sequence, envelope.previous_hash)?;
                *head = Head { sequence: envelope.sequence, hash: leaf_hash(record) };
                Ok(head.hash)
            });
            verdicts.push(verdict);
        }
        prop_assert_eq!(verdicts, read(&mut reader(), &model.log));
    }
}

/// Why a checkpoint's offset matters: the same head, met one record too early, admits another commit.
#[test]
fn a_record_is_void_at_its_offset_and_may_be_admitted_at_a_later_one() {
    let first = Commit::new(STREAMS[0], 1, [0; 32]).bytes();
    let second = Commit::new(STREAMS[0], 2, leaf_hash(&first).0).bytes();
    let log = [second.clone(), first.clone(), second.clone(), second];
    let admitted: Vec<bool> = read(&mut reader(), &log).iter().map(Result::is_ok).collect();
    assert_eq!(admitted, [false, true, true, false]);
}

#[test]
#[should_panic(expected = "sales/654224 is resumed in a partition that it does not belong to")]
fn a_checkpoint_of_another_partition_is_refused() {
    reader().resume(StreamId::parse("sales/654224").unwrap(), Head::EMPTY);
}

#[test]
#[should_panic(expected = "partition 8 of 8")]
fn a_partition_that_the_topic_lacks_is_refused() {
    let _ = Admission::new(TOPIC, Partition(8), 8);
}

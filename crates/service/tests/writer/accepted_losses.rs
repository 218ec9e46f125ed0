//! A loss that is accepted: two services that answer each other continue, and nothing happens twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use loopledger_domain::{Commit, Decider};
use loopledger_event_log::{EventLog, MemoryLog};
use loopledger_service::feed::Feed;
use loopledger_service::repair::{Witness, accept, is_evidence};
use loopledger_service::writer::{Halt, Writer, WriterConfig, WriterHandle};
use loopledger_state_store::{Memory, ServiceStore};
use loopledger_types::{RequestId, Service};
use loopledger_wire::Receipt;

use crate::lost_tail::{STATION, add_all, records, records_of};
use crate::peer::{Command, Key, Left, Number, Right};
use crate::repair::{NOW, look, missing, of, store, truncate, witness};
use crate::world::{all, commits, fold, halted, in_time, partition, request, start, start_on, state, write};

/// Two services that have asked each other much, stopped.
struct County {
    log: MemoryLog,
    left: Memory,
    right: Memory,
}

const ASKED: u64 = 12;

fn asked_of_left() -> std::ops::Range<u64> {
    0..ASKED
}

fn asked_of_right() -> std::ops::Range<u64> {
    1_000..1_000 + ASKED
}

fn keys() -> Vec<Key> {
    let numbers = asked_of_left().chain(asked_of_right()).chain(2_000..2_010);
    numbers.flat_map(|number| [Key::Answered(number), Key::Done(number), Key::Seen(number)]).collect()
}

/// Asks, and waits until the question is answered and the answer acknowledged.
async fn ask<D>(handle: &WriterHandle<D>, number: u64) -> Receipt
where
    D: Decider<Command = Command, Entity = Number>,
{
    let receipt = handle.submit(write(number, Command::Ask { number }), in_time()).await.unwrap();
    let mut heads = handle.clone();
    while !state(handle, [Key::Done(number)]).await.contains_key(&Key::Done(number)) {
        heads.heads_changed().await;
    }
    receipt
}

async fn county() -> County {
    let county = County { log: MemoryLog::new(8), left: Memory::new(), right: Memory::new() };
    let left: Writer<Left> = start(&county.log, &county.left, WriterConfig::default());
    let right: Writer<Right> = start(&county.log, &county.right, WriterConfig::default());
    for (of_right, of_left) in asked_of_right().zip(asked_of_left()) {
        ask(left.handle(), of_right).await;
        ask(right.handle(), of_left).await;
    }
    left.shut_down().await;
    right.shut_down().await;
    county
}

impl County {
    fn witnesses(&self) -> [Witness; 2] {
        [witness(Service::Station, &self.left), witness(Service::Distribution, &self.right)]
    }

    /// Accepts what is lost, and retires the stores that are evidence.
    async fn accept(&self) {
        let findings = look(&self.log, &self.witnesses(), true).await;
        for finding in &findings {
            accept(&Feed::new(Arc::new(self.log.clone())), finding, NOW).await.unwrap();
        }
        let findings = look(&self.log, &self.witnesses(), true).await;
        assert_eq!(missing(&findings), None);
        for (name, memory) in [("station", &self.left), ("distribution", &self.right)] {
            if is_evidence(&findings, name) {
                store(memory).retire().unwrap();
            }
        }
    }

    async fn commits(&self) -> [Vec<Arc<Commit>>; 2] {
        [commits(&self.log, Service::Station).await, commits(&self.log, Service::Distribution).await]
    }
}

/// Every commit that concerns the other service has one reaction in it; other reactions answer what is lost.
fn assert_one_reaction_to_each(lefts: &[Arc<Commit>], rights: &[Arc<Commit>]) -> usize {
    let mut dangling = 0;
    for (own, other, concerns) in
        [(lefts, rights, Left::concerns as fn(&_) -> bool), (rights, lefts, Right::concerns as fn(&_) -> bool)]
    {
        let mut reactions: BTreeMap<_, usize> = BTreeMap::new();
        for cause in own.iter().filter_map(|commit| commit.cause) {
            *reactions.entry(cause).or_default() += 1;
        }
        for commit in other {
            let expected = usize::from(commit.events.iter().any(concerns));
            assert_eq!(reactions.remove(&commit.position()).unwrap_or(0), expected, "{:?}", commit.position());
        }
        assert!(reactions.values().all(|count| *count == 1));
        dangling += reactions.len();
    }
    dangling
}

async fn lost_tail<D: Decider>(handle: &WriterHandle<D>) -> Halt {
    let halt = halted(handle).await;
    assert_eq!(halt.reason(), "LOST_TAIL", "{halt}");
    halt
}

#[tokio::test(start_paused = true)]
async fn after_a_loss_is_accepted_everything_goes_on_and_nothing_happens_twice() {
    for kept in [1, 7, 20, 23, 31] {
        println!("{kept} kept");
        let county = county().await;
        let [lefts, _] = county.commits().await;
        let lost: Vec<u64> =
            asked_of_right().filter(|n| lefts[kept..].iter().any(|c| c.request_id == request(*n))).collect();
        assert!(!lost.is_empty());
        truncate(&county.log, kept);
        let left: Writer<Left> = start(&county.log, &county.left, WriterConfig::default());
        let right: Writer<Right> = start(&county.log, &county.right, WriterConfig::default());
        lost_tail(left.handle()).await;
        lost_tail(right.handle()).await;
        drop((left, right));

        county.accept().await;
        let left: Writer<Left> = start(&county.log, &county.left, WriterConfig::default());
        let right: Writer<Right> = start(&county.log, &county.right, WriterConfig::default());
        left.handle().serving().await.unwrap();
        right.handle().serving().await.unwrap();
        ask(left.handle(), 2_000).await;
        ask(right.handle(), 2_001).await;
        // Lost requests are recorded anew: one at once, the others after a restart with what the stores remember.
        assert!(!ask(left.handle(), lost[0]).await.repeated);
        left.shut_down().await;
        right.shut_down().await;
        let left: Writer<Left> = start(&county.log, &county.left, WriterConfig::default());
        let right: Writer<Right> = start(&county.log, &county.right, WriterConfig::default());
        for number in &lost[1..] {
            assert!(!ask(left.handle(), *number).await.repeated);
        }
        assert!(ask(left.handle(), lost[0]).await.repeated, "it is known again");
        left.shut_down().await;
        right.shut_down().await;

        let [lefts, rights] = county.commits().await;
        let dangling = assert_one_reaction_to_each(&lefts, &rights);
        println!("{dangling} answers to lost commits, {} requests lost", lost.len());
        assert!(dangling >= lost.len());
        let repeated = rights.iter().filter(|commit| commit.events[0].repeated().is_some()).count();
        assert!(repeated >= lost.len(), "{repeated} answers repeated");
        assert_whole(&county, &lefts, &rights).await;
    }
}

/// Nothing was answered or acknowledged twice, with the stores and without them.
async fn assert_whole(county: &County, lefts: &[Arc<Commit>], rights: &[Arc<Commit>]) {
    for (left, right) in [(&county.left, &county.right), (&Memory::new(), &Memory::new())] {
        let left: Writer<Left> = start(&county.log, left, WriterConfig::default());
        let right: Writer<Right> = start(&county.log, right, WriterConfig::default());
        for (state, folded) in [
            (left.handle().query(keys(), in_time(), all).await.unwrap().0, fold::<Left>(lefts, rights)),
            (right.handle().query(keys(), in_time(), all).await.unwrap().0, fold::<Right>(rights, lefts)),
        ] {
            assert_eq!(state, folded);
            // These services thank for every answer, also for one that they have forgotten the question of.
            let once = |(key, number): (&Key, &Number)| matches!(key, Key::Done(_)) || number.value == 1;
            assert!(state.iter().all(once), "{state:?}");
        }
    }
    let asked: BTreeSet<RequestId> = asked_of_left().chain(asked_of_right()).map(request).collect();
    let recorded: Vec<RequestId> =
        lefts.iter().chain(rights).map(|commit| commit.request_id).filter(|id| asked.contains(id)).collect();
    assert_eq!(recorded.len(), asked.len(), "each once");
}

/// A service that names what upstream lost halts even without its store: nothing silently goes on from the shorter log.
#[tokio::test(start_paused = true)]
async fn without_their_stores_services_downstream_still_find_the_loss() {
    let county = county().await;
    truncate(&county.log, 20);
    let right: Writer<Right> = start(&county.log, &Memory::new(), WriterConfig::default());
    let halt = lost_tail(right.handle()).await;
    assert!(halt.to_string().starts_with("commits 21 to"), "{halt}");
}

/// So does the service that lost it: the others' streams name its commits.
#[tokio::test(start_paused = true)]
async fn without_any_store_the_log_itself_says_what_is_missing() {
    let county = county().await;
    truncate(&county.log, 20);
    let left: Writer<Left> = start(&county.log, &Memory::new(), WriterConfig::default());
    let halt = lost_tail(left.handle()).await;
    assert!(halt.to_string().starts_with("commits 21 to"), "{halt}");
    assert_eq!(records(&county.log).len(), 20, "it has written nothing");

    let findings = look(&county.log, &[], false).await;
    let (lost, held) = missing(&findings).unwrap();
    assert_eq!((*lost.start(), held), (21, None));
    accept(&Feed::new(Arc::new(county.log.clone())), of(&findings, Service::Station), NOW).await.unwrap();
    assert_eq!(missing(&look(&county.log, &[], false).await), None);
    for _ in 0..2 {
        let left: Writer<Left> = start(&county.log, &Memory::new(), WriterConfig::default());
        let right: Writer<Right> = start(&county.log, &Memory::new(), WriterConfig::default());
        ask(left.handle(), 2_000).await;
        ask(right.handle(), 2_001).await;
    }
    let [lefts, rights] = county.commits().await;
    assert!(assert_one_reaction_to_each(&lefts, &rights) > 0);
}

/// However often it is started: what it has folded of upstream is not read again, and what that named is remembered.
#[tokio::test(start_paused = true)]
async fn what_upstream_named_is_not_forgotten_by_the_store() {
    let county = county().await;
    let all = records(&county.log).len() as u64;
    truncate(&county.log, 20);
    let memory = Memory::new();
    for life in 0..3 {
        let left: Writer<Left> = start(&county.log, &memory, WriterConfig::default());
        let halt = lost_tail(left.handle()).await;
        assert!(halt.to_string().starts_with("commits 21 to"), "life {life}: {halt}");
        left.shut_down().await;
    }
    assert_eq!(records(&county.log).len(), 20, "it has written nothing");

    // Nor if those who named it are lost in their turn: then nothing else remembers it, and the loss can be accepted.
    let (rights, place) = (records_of(&county.log, Service::Distribution), Service::Distribution.topic());
    let elsewhere = MemoryLog::new(8);
    drop(elsewhere.append(STATION, partition(&elsewhere, Service::Station), records(&county.log)));
    drop(elsewhere.append(place, partition(&elsewhere, Service::Distribution), rights[..1].to_vec()));
    let own = witness(Service::Station, &memory);
    let findings = look(&elsewhere, std::slice::from_ref(&own), false).await;
    let (lost, held) = missing(&findings).unwrap();
    assert!(*lost.start() == 21 && *lost.end() <= all && held.is_none(), "{lost:?}");
    accept(&Feed::new(Arc::new(elsewhere.clone())), of(&findings, Service::Station), NOW).await.unwrap();
    let findings = look(&elsewhere, &[own], true).await;
    assert_eq!(missing(&findings), None);
    assert!(is_evidence(&findings, "station"), "upstream lost what it had folded");
}

/// What no commit names is still remembered by the program that read it: in one process that is enough.
#[tokio::test(start_paused = true)]
async fn a_writer_hears_what_the_stores_of_other_programs_remember() {
    // With a question that has no answer yet, the other reads again from before what is lost.
    for question in [None, Some(write(1_000, Command::Ask { number: 1_000 }))] {
        let (log, right) = (MemoryLog::new(8), Memory::new());
        let writer: Writer<Left> = start(&log, &Memory::new(), WriterConfig::default());
        if let Some(question) = question {
            writer.handle().submit(question, in_time()).await.unwrap();
        }
        add_all(&writer, 0..20).await;
        let slow = WriterConfig { reaction_delay: Duration::from_hours(1), ..WriterConfig::default() };
        let other: Writer<Right> = start(&log, &right, slow);
        let read = commits(&log, Service::Station).await.last().unwrap().position();
        other.handle().wait_for(vec![read], in_time()).await.unwrap();
        other.shut_down().await;
        drop(writer);
        truncate(&log, 13);
        assert!(records_of(&log, Service::Distribution).is_empty(), "nothing names it");

        let feed = Feed::new(Arc::new(log.clone()));
        // It is started first, and could serve before the other has looked.
        let opening = feed.opening(crate::world::COUNTY);
        let left: Writer<Left> = start_on(&feed, &Memory::new());
        let early = tokio::time::timeout(Duration::from_mins(1), left.handle().serving()).await;
        assert!(early.is_err(), "it waits for those who have not looked yet");
        let other: Writer<Right> = start_on(&feed, &right);
        drop(opening);
        let lost = format!("commits 14 to {} of station", read.sequence);
        for halt in [lost_tail(left.handle()).await, lost_tail(other.handle()).await] {
            assert!(halt.to_string().starts_with(&lost), "{halt}");
        }
        assert_eq!(records(&log).len(), 13, "it has written nothing");
    }
}

/// The same when the log has grown again: what it reacted to has another hash.
#[tokio::test(start_paused = true)]
async fn a_cause_that_was_replaced_is_a_loss() {
    let county = county().await;
    let elsewhere = MemoryLog::new(8);
    let [_, rights] = county.commits().await;
    let names_less = |commit: &&Arc<Commit>| {
        let named = commit.upstream.iter().map(|head| head.sequence).chain(commit.cause.map(|cause| cause.sequence));
        named.max().is_none_or(|newest| newest <= 20)
    };
    let kept = rights.iter().take_while(names_less).count();
    for (service, kept) in [(Service::Station, 20), (Service::Distribution, kept)] {
        let records = records_of(&county.log, service).into_iter().take(kept).collect();
        drop(elsewhere.append(service.topic(), partition(&elsewhere, service), records));
    }
    let left: Writer<Left> = start(&elsewhere, &Memory::new(), WriterConfig::default());
    add_all(&left, 500..600).await;
    let grown = records_of(&elsewhere, Service::Station).split_off(20);
    truncate(&county.log, 20);
    drop(county.log.append(STATION, partition(&county.log, Service::Station), grown));
    let right: Writer<Right> = start(&county.log, &Memory::new(), WriterConfig::default());
    let halt = lost_tail(right.handle()).await;
    assert!(halt.to_string().contains("of station/654224 are missing from the log"), "{halt}");
}

#[tokio::test(start_paused = true)]
async fn a_loss_is_accepted_once_and_a_second_one_is_another() {
    let county = county().await;
    truncate(&county.log, 20);
    let evidence = county.witnesses();
    county.accept().await;
    let said = records(&county.log).len();
    // Tried again after it was cut short: the stores are still there, and the loss is known.
    let findings = look(&county.log, &evidence, true).await;
    assert_eq!(missing(&findings), None);
    assert!(is_evidence(&findings, "station") && is_evidence(&findings, "distribution"));
    county.accept().await;
    assert_eq!(records(&county.log).len(), said);

    // What comes after it, and is lost in turn, is not explained by it.
    let left: Writer<Left> = start(&county.log, &county.left, WriterConfig::default());
    add_all(&left, 500..505).await;
    left.shut_down().await;
    truncate(&county.log, said + 2);
    let second = witness(Service::Station, &county.left);
    for accepting in [false, true] {
        let findings = look(&county.log, std::slice::from_ref(&second), accepting).await;
        let (lost, held) = missing(&findings).unwrap();
        assert_eq!((lost.clone(), held), (said as u64 + 3..=*lost.end(), Some(lost)));
    }
}

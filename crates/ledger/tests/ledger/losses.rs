//! Streams that lost a tail: answers to lost commits answer nothing else that stands in their place.

use std::collections::BTreeMap;

use loopledger_domain::{AnswerRepeated, Commit, Event, TailLost, procurement};
use loopledger_ledger::{Concerns, Journal, Ledger, post};
use loopledger_types::{Hash, Position, RequestId, Service, StreamId, Timestamp};

use crate::world::{HOME, World, per_kilogram};

const fn stream(service: Service) -> StreamId {
    StreamId { service, county: HOME }
}

/// A commit that says nothing but a number, which the tests below give a meaning.
fn says(service: Service, sequence: u64, hash: u8, number: u64, cause: Option<Position>) -> Commit {
    let event = TailLost { first: number, last: number, head: Hash::ZERO }.of(service).unwrap();
    Commit {
        stream: stream(service),
        sequence,
        hash: Hash([hash; 32]),
        request_id: RequestId([hash; 16]),
        request_digest: [0; 32],
        cause,
        actor: None,
        recorded_at: Timestamp { seconds: 1_800_000_000, nanos: 0 },
        events: vec![event],
        upstream: Vec::new(),
    }
}

const QUIET: u64 = 1;
const ASKS_PROCUREMENT: u64 = 2;
const ASKS_STATION: u64 = 3;

/// Procurement and station answer what is said to them by number.
const BY_NUMBER: Concerns = Concerns([
    |event| event.loss().is_some_and(|loss| loss.first == ASKS_PROCUREMENT),
    |event| event.loss().is_some_and(|loss| loss.first == ASKS_STATION),
    |_| false,
    |_| false,
]);

/// Every order in which two streams can be read.
fn interleavings(one: &[Commit], other: &[Commit]) -> Vec<Vec<Commit>> {
    match (one, other) {
        ([], rest) | (rest, []) => vec![rest.to_vec()],
        ([a, one_rest @ ..], [b, other_rest @ ..]) => {
            let first = |head: &Commit, rest: Vec<Vec<Commit>>| {
                rest.into_iter().map(|rest| [vec![head.clone()], rest].concat()).collect::<Vec<_>>()
            };
            [first(a, interleavings(one_rest, other)), first(b, interleavings(one, other_rest))].concat()
        }
    }
}

#[test]
fn an_answer_to_a_lost_commit_is_no_answer_to_the_one_in_its_place() {
    let lost = Position { stream: stream(Service::Station), sequence: 2, hash: Hash([90; 32]) };
    let stations = [
        says(Service::Station, 1, 1, QUIET, None),
        says(Service::Station, 2, 2, ASKS_PROCUREMENT, None),
        says(Service::Station, 3, 3, QUIET, None),
    ];
    // The first answers the lost commit, and asks the station something itself; the second answers what stands there.
    let answers = [
        says(Service::Procurement, 1, 11, ASKS_STATION, Some(lost)),
        says(Service::Procurement, 2, 12, QUIET, Some(stations[1].position())),
    ];
    let orders = interleavings(&stations, &answers);
    assert_eq!(orders.len(), 10);
    for order in orders {
        let (mut ledger, mut saved) = (Ledger::new(HOME, BY_NUMBER), BTreeMap::new());
        let read: Vec<(Service, u64)> = order.iter().map(|c| (c.stream.service, c.sequence)).collect();
        for (commit, at) in order.iter().zip(1..) {
            ledger.apply(commit).unwrap();
            // A state that is saved and loaded goes on in the same way.
            saved.extend(ledger.drain_changed());
            if at % 2 == 0 {
                ledger = Ledger::load(HOME, BY_NUMBER, saved.iter().map(|(key, page)| (*key, page))).unwrap();
            }
            let has = |service, sequence| read[..at].contains(&(service, sequence));
            let answered = has(Service::Station, 2) && has(Service::Procurement, 2);
            assert_eq!(ledger.consequences_are_in(Service::Station, 2), answered, "{:?}", &read[..at]);
        }
        // What the station is asked in the first answer is open, and began with that answer.
        let open = ledger.open_hand_overs();
        let asked: Vec<_> = open.iter().map(|open| (open.commit.service, open.commit.sequence, open.root)).collect();
        assert_eq!(asked, [(Service::Procurement, 1, open[0].commit)], "{read:?}");
        let answer = says(Service::Station, 4, 4, QUIET, Some(answers[0].position()));
        ledger.apply(&answer).unwrap();
        assert_eq!(ledger.open_hand_over_count(), 0, "{read:?}");
    }
}

#[test]
fn losses_and_repeated_answers_post_nothing_and_change_no_figure() {
    let mut world = World::new(9);
    let terms = loopledger_domain::Terms::Outright { buyer: world.coop, price: per_kilogram(100), contract: None };
    world.collect(world.households[0], terms, world.products[0], 1_000, true);
    let mut ledger = Ledger::new(HOME, Concerns::SERVICES);
    for commit in &world.all {
        ledger.apply(commit).unwrap();
    }
    let before = ledger.ledger_digest();
    let accepted = world.all.iter().find(|commit| {
        commit.events.iter().any(|e| matches!(e, Event::Procurement(procurement::Event::PurchaseAccepted(_))))
    });
    let accepted = accepted.unwrap();
    let again = AnswerRepeated::to(accepted);
    assert_eq!(again.answers, accepted.events);
    assert_eq!(again.first, accepted.sequence);
    let head = ledger.head(Service::Procurement).head;
    let repeats = Commit {
        sequence: head.sequence + 1,
        hash: Hash([77; 32]),
        events: vec![again.of(Service::Procurement).unwrap()],
        ..accepted.clone()
    };
    let loses = Commit {
        sequence: head.sequence + 2,
        hash: Hash([78; 32]),
        cause: None,
        events: vec![TailLost { first: 3, last: 9, head: Hash([3; 32]) }.of(Service::Procurement).unwrap()],
        ..accepted.clone()
    };
    let mut journal = Journal::new();
    for commit in [&repeats, &loses] {
        post(commit, &mut journal);
        assert_eq!(journal.entries().len(), 0);
        ledger.apply(commit).unwrap();
    }
    assert_eq!(ledger.ledger_digest(), before);
    // Others hear the answer: the station has to react to it.
    let open = ledger.open_hand_overs();
    assert_eq!(
        (open.len(), open[0].commit.sequence, &open[0].awaiting[..]),
        (1, repeats.sequence, &[Service::Station][..])
    );
    // An answer that repeats one that repeats is still the first one's.
    assert_eq!(AnswerRepeated::to(&repeats).answers, accepted.events);
}

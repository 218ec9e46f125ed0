//! After a loss: answers that are repeated are heard, and change nothing where they are said.

use loopledger_domain::procurement::Procurement;
use loopledger_domain::station::Station;
use loopledger_domain::{AnswerRepeated, Commit, Decider, Event, TailLost, procurement, station};
use loopledger_types::{Hash, Service};

use crate::harness::{Manner, Under, commit};
use crate::holders::World;
use crate::words::Line;

const LOSS: TailLost = TailLost { first: 4, last: 9, head: Hash([9; 32]) };

/// The acceptance of what was collected as A, repeated.
fn accepted_again(world: &mut World) -> Commit {
    world.run("collect A");
    world.act(&Line::parse("accept A")).unwrap();
    let accepted = world.to_station.pop_front().unwrap();
    let again = AnswerRepeated::to(&accepted);
    Commit { events: vec![again.of(Service::Procurement).unwrap()], ..accepted }
}

#[test]
fn a_repeated_answer_is_heard_as_the_answer() {
    for manner in [Manner::default(), Manner { with_store: true, window: 0 }] {
        let mut world = World::new(manner);
        let again = accepted_again(&mut world);
        assert!(again.events.iter().any(Station::concerns) && !again.events.iter().any(Procurement::concerns));
        let answer = world.station.hear(&again).unwrap();
        let [Event::Station(station::Event::GoodsReleased(_))] = answer.events[..] else { panic!("{answer:?}") };
    }
}

#[test]
fn losses_and_repeated_answers_change_no_state_where_they_are_said() {
    let mut world = World::new(Manner::default());
    let again = accepted_again(&mut world);
    let mut procurement: Under<Procurement> = Under::new(Manner::default());
    procurement.follow(&again);
    procurement.follow(&procurement.commit(1, vec![LOSS.of(Service::Procurement).unwrap()], None));
    assert_eq!(procurement.snapshot(), Vec::new());
}

#[test]
fn a_loss_is_answered_by_no_service_and_changes_nothing_elsewhere() {
    let mut world = World::new(Manner::default());
    world.run("collect A");
    let before = world.station.snapshot();
    for service in [Service::Procurement, Service::Distribution, Service::Sales] {
        let loss = commit(service, 4, 1, vec![LOSS.of(service).unwrap()], None);
        assert_eq!(loss.events[0].loss(), Some(LOSS));
        assert_eq!(world.station.hear(&loss), None);
    }
    assert_eq!(world.station.snapshot(), before);
    assert_eq!(LOSS.of(Service::Ledger), None);
    assert!(LOSS.covers(4) && LOSS.covers(9) && !LOSS.covers(3) && !LOSS.covers(10));
}

#[test]
fn what_is_repeated_is_never_a_repetition() {
    let mut world = World::new(Manner::default());
    let again = accepted_again(&mut world);
    let twice = AnswerRepeated::to(&again);
    let [Event::Procurement(procurement::Event::PurchaseAccepted(_))] = twice.answers[..] else { panic!("{twice:?}") };
    assert_eq!(again.heard().collect::<Vec<_>>(), twice.answers.iter().collect::<Vec<_>>());
}

//! Answers to what no correct upstream would say.

use loopledger_domain::distribution::Distribution;
use loopledger_domain::procurement::Procurement;
use loopledger_domain::sales::{self, ConsignmentSettled, Sales};
use loopledger_domain::station::Station;
use loopledger_domain::{
    Decider, Event, IgnoreReason, Occasion, PartyKind, PartyRef, UpstreamIgnored, distribution, procurement, station,
};
use loopledger_types::{PartyId, Service, SettlementId, Timestamp};

use crate::harness::{Manner, Under, commit};
use crate::holders::World;
use crate::words::{Line, day, division};

fn occasion() -> Occasion {
    Occasion {
        business_date: day("2020-04-01"),
        occurred_at: Some(Timestamp { seconds: 1_585_700_000, nanos: 0 }),
        device_utc_offset_min: Some(360),
        division: division("654224202207"),
    }
}

#[test]
fn procurement_ignores_a_settlement_without_lines() {
    let mut procurement: Under<Procurement> = Under::new(Manner::default());
    let consignee = PartyRef { id: PartyId([1; 16]), kind: PartyKind::Cooperative };
    let settled =
        ConsignmentSettled { occasion: occasion(), settlement: SettlementId([2; 16]), consignee, lines: Vec::new() };
    let upstream = commit(Service::Sales, 1, 1, vec![Event::Sales(sales::Event::ConsignmentSettled(settled))], None);
    let answer = procurement.hear(&upstream).unwrap();
    // The day and the division are the cause's; what its device said is not repeated.
    let occasion = Occasion { occurred_at: None, device_utc_offset_min: None, ..occasion() };
    let ignored = UpstreamIgnored { occasion, reason: IgnoreReason::NothingOwed };
    assert_eq!(answer.events, [Event::Procurement(procurement::Event::UpstreamIgnored(ignored))]);
    assert_eq!(answer.cause, Some(upstream.position()));
}

#[test]
fn ignoring_changes_no_state() {
    let mut world = World::new(Manner::default());
    for line in ["collect A", "accept A"] {
        world.run(line);
    }
    for line in ["accept A on=2020-05-02", "decline Z on=2020-05-02", "refuse Z on=2020-05-02"] {
        let before = world.station.snapshot();
        let line = Line::parse(line);
        world.act(&line).unwrap();
        let upstream = world.to_station.pop_front().unwrap();
        let answer = world.station.hear(&upstream).unwrap();
        let [Event::Station(station::Event::UpstreamIgnored(ignored))] = answer.events[..] else {
            panic!("{answer:?}")
        };
        assert_eq!(ignored.occasion, line.occasion());
        assert_eq!(world.station.snapshot(), before);
    }
}

#[test]
fn that_something_was_ignored_changes_no_state() {
    let ignored = UpstreamIgnored { occasion: occasion(), reason: IgnoreReason::NotAsked };
    let events = [
        Event::Procurement(procurement::Event::UpstreamIgnored(ignored)),
        Event::Station(station::Event::UpstreamIgnored(ignored)),
        Event::Distribution(distribution::Event::UpstreamIgnored(ignored)),
        Event::Sales(sales::Event::UpstreamIgnored(ignored)),
    ];
    for event in &events {
        let concerned =
            [Procurement::concerns, Station::concerns, Distribution::concerns, Sales::concerns].map(|of| of(event));
        assert_eq!(concerned, [false; 4], "{event:?}");
    }
}

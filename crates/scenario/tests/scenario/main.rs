//! The Tuoli scenario against the rules alone: nothing is refused, and everything that it means to show happens.
#![allow(clippy::arithmetic_side_effects, clippy::print_stdout, clippy::similar_names, reason = "tests")]

use std::collections::BTreeMap;

use loopledger_scenario::{DEMO_WEEKS, play};
use loopledger_testkit::County;
use loopledger_types::Service;

/// Names of the event types of a service's commits, counted.
fn events(county: &County) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for service in Service::ALL {
        for commit in county.commits(service) {
            for event in &commit.events {
                let name = loopledger_wire::type_url(event).rsplit('.').next().expect("a name").to_owned();
                *counts.entry(format!("{service} {name}")).or_default() += 1;
            }
        }
    }
    counts
}

/// The county after the play, and its commands; none may be refused.
fn play_out(seed: u64, households: u32, weeks: i32) -> (County, u32) {
    let mut county = County::new();
    let mut commands = 0_u32;
    for (number, line) in (1..).zip(play(seed, households, weeks)) {
        let text = format!("{line:?}");
        match county.record(line) {
            Some(Ok(_)) => commands += 1,
            Some(Err(refused)) => panic!("line {number}: {refused:?}\n{text}"),
            None => {}
        }
    }
    (county, commands)
}

/// Its notes, orders and payouts are cut to what one commit holds.
#[test]
fn a_county_of_thousands_of_households_is_not_refused_either() {
    let (county, commands) = play_out(2020, 6_000, 30);
    println!("{commands} commands, {} commits", county.records().len());
}

#[test]
fn nothing_is_refused_and_every_hand_over_happens() {
    let (county, commands) = play_out(2020, 400, DEMO_WEEKS);
    let counts = events(&county);
    println!("{commands} commands, {} commits: {counts:#?}", county.records().len());
    let bytes: usize = county.records().iter().map(|(_, record)| record.len()).sum();
    println!("mean record {} bytes", bytes / county.records().len());
    for shown in [
        "procurement PurchaseAccepted",
        "procurement PurchaseDeclined",
        "procurement PayableOpened",
        "procurement PayoutMade",
        "procurement PayoutFailed",
        "procurement HouseholdCategoryChanged",
        "procurement MemberJoined",
        "station GoodsReleased",
        "station GoodsReturned",
        "station GoodsHandedOver",
        "station StockTakenIn",
        "station StockReserved",
        "station GoodsIssued",
        "distribution GoodsBoughtIn",
        "distribution ShipmentDispatched",
        "distribution ShipmentReceived",
        "distribution StockReserved",
        "distribution StockRefused",
        "distribution ReservationReleased",
        "distribution GoodsIssued",
        "sales OrderLineCancelled",
        "sales OrderFulfilled",
        "sales PaymentReceived",
        "sales PrepaymentReturned",
        "sales ConsignmentSettled",
    ] {
        assert!(counts.get(shown).is_some_and(|count| *count > 0), "{shown} does not happen");
    }
}

//! Every command at its limits, answered in full.

use std::collections::BTreeSet;

use loopledger_domain::size::{ISSUE_LINES_MAX, ORDER_LINES_MAX, PAYOUT_ITEMS_MAX, PICKS_MAX};
use loopledger_domain::stock::StockRefusal;
use loopledger_domain::{Event, Rejection, Rule, distribution, procurement, sales, station};
use loopledger_types::Service;
use loopledger_wire::{CHARGES_MAX, LABEL_MAX, LINES_MAX, MEMBERS_MAX, NUMBER_MAX};
use prost_reflect::DescriptorPool;
use serde_json::{Value, json};

use crate::county::County;
use crate::requests::{Founded, LOT_GRAMS, VILLAGE, grams, id, occasion, price, text};

use Service::{Distribution, Procurement, Sales, Station};

#[tokio::test(start_paused = true)]
async fn every_command_at_its_limits_is_answered_in_full() {
    let founded = Founded::new().await;
    households(&founded).await;
    purchases(&founded).await;
    let lots = orders(&founded).await;
    settlements(&founded, &lots).await;
    shipments(&founded).await;
    payouts(&founded).await;
    payments(&founded).await;
    founded.county.check_sizes();
    let asked = founded.county.commands.borrow().clone();
    assert_eq!(asked, commands_of_the_contracts(), "a command is missing here, or is not in the contracts");
}

fn commands_of_the_contracts() -> BTreeSet<String> {
    let pool = DescriptorPool::decode(loopledger_proto::FILE_DESCRIPTOR_SET).unwrap();
    let services = [Procurement, Station, Distribution, Sales];
    let commands = services.into_iter().flat_map(|service| {
        let request = pool.get_message_by_name(&format!("loopledger.{service}.v1.RecordRequest")).unwrap();
        request.fields().map(|field| format!("{service} {}", field.json_name())).collect::<Vec<_>>()
    });
    commands.collect()
}

/// How many lots of a settlement would fit, as its refusal says.
pub(crate) async fn lots_max(county: &County, request: Value) -> usize {
    match county.ask(Sales, "settleConsignment", request).await {
        Err(Rejection::Broken { rule: Rule::TooLarge, facts, .. }) => {
            facts.iter().find(|(name, _)| *name == "lots_max").unwrap().1.parse().unwrap()
        }
        other => panic!("{other:?}"),
    }
}

async fn households(of: &Founded) {
    let ask = |command: &'static str, mut fields: Value| {
        fields["occasion"] = occasion();
        fields["householdId"] = json!(of.household);
        async move { of.county.ask(Procurement, command, fields).await.unwrap() }
    };
    ask("changeHouseholdCategory", json!({"category": "HOUSEHOLD_CATEGORY_AT_RISK"})).await;
    let made = ask("addHouseholdMember", json!({"relation": "RELATION_OTHER"})).await;
    ask("removeHouseholdMember", json!({"memberId": id(&made, "member")})).await;
    ask("relocateHousehold", json!({"divisionCode": VILLAGE})).await;
    let Event::Procurement(procurement::Event::HouseholdRegistered(registered)) =
        &of.county.newest(Procurement, "HouseholdRegistered").events[0]
    else {
        panic!("another event");
    };
    assert_eq!(registered.members.len(), MEMBERS_MAX);
}

/// One purchase is accepted, and one beyond its contract's limit is declined.
async fn purchases(of: &Founded) {
    let terms = json!({"outright": {"price": price()}});
    let stated = json!({"stated": {"principalId": of.coop, "terms": terms}});
    of.collect_under(1_000, stated).await;
    of.county.newest(Station, "GoodsReleased");
    let fields = json!({"occasion": occasion(), "firmId": of.coop, "stationId": of.station, "producerId": of.household,
        "productId": of.product, "terms": terms, "validFrom": "2026-01-01", "validTo": "2199-12-31",
        "quantityMax": grams(1)});
    let contract = id(&of.county.ask(Procurement, "contractLinkage", fields).await.unwrap(), "contract");
    of.collect_under(1_001, json!({"contractId": contract})).await;
    of.county.newest(Station, "GoodsReturned");
    // Out of the way of what follows: the lots of one kind are consigned.
    let fields = of.order(1_000, &of.station, 1, LOT_GRAMS);
    of.place_order(fields).await;
}

/// With every text at its longest.
async fn inspect(of: &Founded, lot: &str) {
    let (code, finding) = ("𠮷".repeat(NUMBER_MAX), "𠮷".repeat(LABEL_MAX));
    let fields = json!({"occasion": occasion(), "stationId": of.station, "lotId": lot, "test": code, "passed": true,
        "finding": finding, "laboratoryCode": code, "reportHash": "//////////////////////////////////////////8="});
    of.county.ask(Station, "inspectGoods", fields).await.unwrap();
}

/// Orders of as many lines and lots as there may be: reserved, refused, released, and issued; the lots that were sold.
async fn orders(of: &Founded) -> Vec<String> {
    let mut lots = Vec::new();
    let in_an_issue = PICKS_MAX + (ISSUE_LINES_MAX - PICKS_MAX) / 2;
    for number in 0..PICKS_MAX {
        lots.push(of.collect(number).await);
    }
    inspect(of, &lots[0]).await;
    let order = of.place_order(of.order(0, &of.station, LINES_MAX, LOT_GRAMS)).await;
    let reserved = reserved_of(of, Station);
    assert_eq!(reserved, vec![1; ORDER_LINES_MAX], "each line has one lot");
    let refused = of.place_order(of.order(1, &of.station, LINES_MAX, LOT_GRAMS)).await;
    assert_eq!(of.county.newest(Station, "StockRefused").events.len(), ORDER_LINES_MAX);
    let cancelled = of.county.newest(Sales, "OrderLineCancelled").events;
    assert_eq!(cancelled.len(), ORDER_LINES_MAX, "{refused} is cancelled whole");
    for line in 0..LINES_MAX {
        cancel(of, &order, line).await;
    }

    let picked = PICKS_MAX as i64 * LOT_GRAMS;
    let order = of.place_order(of.order(2, &of.station, 1, picked)).await;
    cancel(of, &order, 0).await;
    let Event::Station(station::Event::ReservationReleased(released)) =
        &of.county.newest(Station, "ReservationReleased").events[0]
    else {
        panic!("another event");
    };
    assert_eq!(released.picks.len(), PICKS_MAX);

    // One gram of what was reserved is issued.
    let order = of.place_order(of.order(3, &of.station, 1, picked)).await;
    of.issue(Station, &order, 0, 1).await;
    // More lots than were reserved are issued: as many as an issue names.
    let order = of.place_order(of.order(4, &of.station, 1, picked - 1)).await;
    for number in PICKS_MAX..in_an_issue {
        lots.push(of.collect(number).await);
    }
    let more = (in_an_issue - PICKS_MAX) as i64 * LOT_GRAMS;
    of.issue(Station, &order, 0, picked - 1 + more).await;
    let Event::Sales(sales::Event::OrderFulfilled(sold)) = &of.county.newest(Sales, "OrderFulfilled").events[0] else {
        panic!("another event");
    };
    assert_eq!(sold.parts.len(), in_an_issue);
    lots
}

fn reserved_of(of: &Founded, holder: Service) -> Vec<usize> {
    let events = of.county.newest(holder, "StockReserved").events;
    let picks = |event: &Event| match event {
        Event::Station(station::Event::StockReserved(reserved))
        | Event::Distribution(distribution::Event::StockReserved(reserved)) => reserved.picks.len(),
        other => panic!("{other:?}"),
    };
    events.iter().map(picks).collect()
}

async fn cancel(of: &Founded, order: &str, line: usize) {
    let fields = json!({"occasion": occasion(), "orderId": order, "line": line});
    of.county.ask(Sales, "cancelOrderLine", fields).await.unwrap();
}

/// As many lots as fit with as many charges as there may be, and the rest without charges.
async fn settlements(of: &Founded, lots: &[String]) {
    let request = |lots: &[Value]| json!({"occasion": occasion(), "consigneeId": of.coop, "lots": lots});
    let plain: Vec<Value> = lots.iter().map(|lot| json!({"lotId": lot})).collect();
    let charge = json!({"kind": "CHARGE_KIND_PROCESSING", "amountFen": (LOT_GRAMS / 2).to_string()});
    let charged: Vec<Value> =
        lots.iter().map(|lot| json!({"lotId": lot, "charges": vec![charge.clone(); CHARGES_MAX]})).collect();
    let (with, without) = (
        lots_max(&of.county, request(&charged[..LINES_MAX])).await,
        lots_max(&of.county, request(&plain[..LINES_MAX])).await,
    );
    println!("{with} lots with {CHARGES_MAX} charges each and {without} without are settled at once");
    assert!(with > 50 && without > 150);
    of.county.ask(Sales, "settleConsignment", request(&charged[..with])).await.unwrap();
    assert_eq!(of.county.newest(Procurement, "PayableOpened").events.len(), with);
    let rest = &plain[with..with + without];
    of.county.ask(Sales, "settleConsignment", request(rest)).await.unwrap();
    assert_eq!(of.county.newest(Procurement, "PayableOpened").events.len(), rest.len());
}

/// What distribution holds: bought in, ordered, issued, dispatched, and handed over by a station.
async fn shipments(of: &Founded) {
    let mut lots = Vec::new();
    for number in 0..=PAYOUT_ITEMS_MAX {
        lots.push(of.buy_in(Distribution, &of.site, number).await);
    }
    of.buy_in(Station, &of.station, 0).await;
    let order = of.place_order(of.order(5, &of.site, LINES_MAX, LOT_GRAMS)).await;
    assert_eq!(reserved_of(of, Distribution), vec![1; ORDER_LINES_MAX]);
    of.issue(Distribution, &order, 0, LOT_GRAMS).await;
    for line in 1..LINES_MAX {
        cancel(of, &order, line).await;
    }
    scattered_order(of).await;

    let Event::Distribution(distribution::Event::GoodsIssued(issued)) =
        &of.county.newest(Distribution, "GoodsIssued").events[0]
    else {
        panic!("another event");
    };
    lots.retain(|lot| issued.issued[0].lot.to_string() != *lot);
    let moved = &lots[..PICKS_MAX];
    let shipment = of.send(Distribution, (&of.site, &of.station), moved, LOT_GRAMS).await;
    of.receive(&shipment, &of.station, moved).await;
    let Event::Station(station::Event::StockTakenIn(taken)) = &of.county.newest(Station, "StockTakenIn").events[0]
    else {
        panic!("another event");
    };
    assert_eq!((taken.received.len(), taken.damaged.len()), (PICKS_MAX, PICKS_MAX));
    let shipment = of.send(Station, (&of.station, &of.site), moved, taken.received[0].quantity.0).await;
    let Event::Distribution(distribution::Event::ShipmentDispatched(dispatched)) =
        &of.county.newest(Distribution, "ShipmentDispatched").events[0]
    else {
        panic!("another event");
    };
    assert!(dispatched.handed_over);
    assert_eq!(dispatched.lines.len(), PICKS_MAX);
    of.receive(&shipment, &of.site, &[]).await;
}

/// An order whose lines need more lots together than one answer names: only lines of several lots are refused.
async fn scattered_order(of: &Founded) {
    let mut fields = of.order(6, &of.site, LINES_MAX - 1, LOT_GRAMS);
    for line in fields["lines"].as_array_mut().unwrap().iter_mut().take(99) {
        line["quantity"] = grams(2 * LOT_GRAMS);
    }
    let order = of.place_order(fields).await;
    let answer = of.county.newest(Distribution, "StockReserved").events;
    assert_eq!(answer.len(), LINES_MAX - 1);
    let mut refused = 0;
    for (line, event) in answer.iter().enumerate() {
        match event {
            Event::Distribution(distribution::Event::StockReserved(_)) => cancel(of, &order, line).await,
            Event::Distribution(distribution::Event::StockRefused(answer)) => {
                assert!(line < 99, "line {line} needs one lot");
                assert_eq!(answer.reason, StockRefusal::TooManyLots);
                assert!(answer.available.0 <= LOT_GRAMS, "what the lots that are left hold");
                refused += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    println!("{refused} lines of two lots find no room in one answer");
    assert!((1..50).contains(&refused), "{refused}");
}

/// The oldest obligations first, as many as one payout pays, and its failure.
async fn payouts(of: &Founded) {
    let request = |amount: Option<i64>| {
        let mut fields = json!({"occasion": occasion(), "payerId": of.coop, "payeeId": of.supplier,
            "method": "PAYMENT_METHOD_MOBILE", "proofHash": "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="});
        if let Some(amount) = amount {
            fields["amountFen"] = json!(amount.to_string());
        }
        fields
    };
    let refused = of.county.ask(Procurement, "makePayout", request(None)).await.unwrap_err();
    assert!(matches!(refused, Rejection::Broken { rule: Rule::TooLarge, .. }), "{refused:?}");
    let all = LOT_GRAMS * PAYOUT_ITEMS_MAX as i64;
    let made = of.county.ask(Procurement, "makePayout", request(Some(all))).await.unwrap();
    let Event::Procurement(procurement::Event::PayoutMade(paid)) =
        &of.county.newest(Procurement, "PayoutMade").events[0]
    else {
        panic!("another event");
    };
    assert_eq!(paid.items.len(), PAYOUT_ITEMS_MAX);
    let fields = json!({"occasion": occasion(), "payoutId": id(&made, "payout"), "reason": text(0, LABEL_MAX)});
    of.county.ask(Procurement, "failPayout", fields).await.unwrap();
}

async fn payments(of: &Founded) {
    let order = of.place_order(of.order(8, &of.site, 1, 1_000_000)).await;
    let paid = json!({"occasion": occasion(), "orderId": order, "amountFen": "10000000",
        "method": "PAYMENT_METHOD_MOBILE"});
    of.county.ask(Sales, "recordPayment", paid.clone()).await.unwrap();
    cancel(of, &order, 0).await;
    of.county.ask(Sales, "returnPrepayment", paid).await.unwrap();
}

//! Every write of every service refused, as its caller sees it: code, reason, detail, Chinese text; nothing is written.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use loopledger_domain::Rule;
use loopledger_domain::size::{PAYOUT_ITEMS_MAX, PICKS_MAX};
use loopledger_types::Topic;
use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::cases::{cases, common_cases, samples, waiting_cases};
use crate::county::{ABSENT, County};
use crate::season::{self, kilograms};
use crate::wire;

/// RFC 7386.
fn merge(into: &mut Value, patch: &Value) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) => {
            for (name, value) in patch {
                if value.is_null() {
                    into.remove(name);
                } else {
                    merge(into.entry(name).or_insert(Value::Null), value);
                }
            }
        }
        (into, patch) => *into = patch.clone(),
    }
}

/// The status in one line; checks what every status must have.
pub(crate) fn say(county: &County, status: &Status) -> String {
    let details = status.get_error_details();
    let info = details.error_info().unwrap_or_else(|| panic!("no ErrorInfo: {status:?}"));
    assert_eq!(info.domain, "loopledger");
    let local = details.localized_message().unwrap_or_else(|| panic!("no LocalizedMessage: {status:?}"));
    assert_eq!(local.locale, "zh-CN");
    assert!(local.message.chars().any(|c| ('一'..='龥').contains(&c)), "{local:?}");
    assert!(status.message().is_ascii() || details.bad_request().is_some(), "the message is English: {status:?}");
    let mut line = info.reason.clone();
    let expected_code = if let Some(request) = details.bad_request() {
        let mut fields: Vec<_> = request.field_violations.iter().map(|v| format!("{}:{}", v.field, v.reason)).collect();
        fields.sort();
        write!(line, " {}", fields.join(" ")).unwrap();
        Code::InvalidArgument
    } else if let Some(precondition) = details.precondition_failure() {
        let [violation] = precondition.violations.as_slice() else { panic!("{precondition:?}") };
        assert_eq!(violation.r#type, info.reason);
        write!(line, " {}", violation.subject).unwrap();
        Code::FailedPrecondition
    } else {
        let resource = details.resource_info().unwrap_or_else(|| panic!("no detail of its code: {status:?}"));
        write!(line, " {} {}", resource.resource_type, resource.resource_name).unwrap();
        match info.reason.as_str() {
            "NOT_FOUND" | "COUNTY_NOT_HOSTED" => Code::NotFound,
            "EXISTS" => Code::AlreadyExists,
            "POSITION_NOT_IN_LOG" => Code::DataLoss,
            other => panic!("{other}"),
        }
    };
    assert_eq!(status.code(), expected_code, "{line}");
    county.with_names(&line).replace(ABSENT, "$ABSENT")
}

/// The refusal, or what was answered instead; a refused request leaves no trace, so its id is free.
async fn refusal(county: &County, service: &str, method: &str, patch: &Value) -> (String, Value) {
    let samples = samples();
    let sample = samples.iter().find(|sample| (sample.0, sample.1) == (service, method));
    let sample = sample.unwrap_or_else(|| panic!("no sample of {method}"));
    let mut request = county.complete(&sample.2);
    merge(&mut request, &county.with_ids(patch));
    let outcome = wire::call(&county.channel, service, method, &request, None).await;
    (outcome.map_or_else(|status| say(county, &status), |answer| format!("taken: {answer}")), request)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_write_says_why_it_is_refused_and_writes_nothing() {
    let county = County::start().await;
    season::play(&county).await;
    prepare(&county).await;
    let before = county.all_heads().await;
    let samples = samples();
    let mut cases = cases();
    for (service, method, _) in &samples {
        cases.extend(common_cases().into_iter().map(|(patch, expected)| (*service, *method, patch, expected)));
    }
    let mut wrong = String::new();
    for (service, method, patch, expected) in &cases {
        let (said, request) = refusal(&county, service, method, patch).await;
        if said != *expected {
            writeln!(wrong, "{service} {method} {patch}\n  says     {said}\n  expected {expected}").unwrap();
        } else if let Some(request_id) = request["requestId"].as_str().filter(|_| !said.contains("request_id")) {
            let found = county.ask(service, "GetReceipt", json!({"requestId": request_id})).await;
            assert_eq!(found.unwrap_err().code(), Code::NotFound, "{method} {patch}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert_eq!(county.all_heads().await, before, "a refusal writes nothing");
    // Nothing but the change was wrong with any of them.
    for (service, method, fields) in &samples {
        let request = county.complete(fields);
        county
            .write(service, method, &request)
            .await
            .unwrap_or_else(|status| panic!("{method}: {}", say(&county, &status)));
    }
    county.stop().await;
}

/// What the season leaves out: a child that joins late, a contract that takes little, and sheep in more lots than one commit moves or one payout pays.
async fn prepare(county: &County) {
    let child = json!({"householdId": "$H1", "relation": "RELATION_CHILD", "occasion": season::on("2026-02-20")});
    county.made("procurement", "AddHouseholdMember", child, &[]).await;
    let contract = json!({"firmId": "$COOP", "stationId": "$S1", "producerId": "$H1", "productId": "$pea",
        "terms": {"commission": {"commissionBp": 500}}, "validFrom": "2026-01-01", "validTo": "2026-06-30",
        "quantityMax": kilograms(5), "occasion": season::on("2026-02-20")});
    county.made("procurement", "ContractLinkage", contract, &["contractId=K2"]).await;
    let sheep = json!({"placeId": "$D1", "ownerId": "$COOP", "supplierId": "$SUPP", "productId": "$sheep",
        "quantity": {"value": 1, "unit": "UNIT_HEAD"}, "price": {"e4": 100, "per": "UNIT_HEAD"}, "lotLabel": "S"});
    for _ in 0..=PICKS_MAX.max(PAYOUT_ITEMS_MAX) {
        county.made("distribution", "BuyInGoods", sheep.clone(), &[]).await;
    }
    county.settle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_an_answer_is_refused_until_it_comes() {
    let county = County::start().await;
    season::play(&county).await;
    for (waits_for, (service, method, patch, expected)) in waiting_cases() {
        county.gate.held.send_replace(Some(Topic(waits_for)));
        begin(&county, method).await;
        let (said, request) = refusal(&county, service, method, &patch).await;
        assert_eq!(said, expected);
        county.gate.held.send_replace(None);
        county.settle().await;
        let found = county.ask(service, "GetReceipt", json!({"requestId": request["requestId"]})).await;
        assert_eq!(found.unwrap_err().code(), Code::NotFound, "a refusal writes nothing");
    }
    county.stop().await;
}

/// Does what then waits for another service.
async fn begin(county: &County, method: &str) {
    if method == "HandOverGoods" {
        let slip = json!({"stationId": "$S1", "producerId": "$H1", "productId": "$pea", "receiptNumber": "L9",
            "lotLabel": "L9", "gross": kilograms(10), "contractId": "$K1"});
        county.made("station", "CollectGoods", slip, &["lotId=L9"]).await;
    } else {
        let line = json!({"productId": "$pea", "quantity": kilograms(1), "price": season::price(), "placeId": "$S1"});
        let order = json!({"number": "O9", "channelId": "$CH", "sellerId": "$COOP", "buyerDivisionCode": "654224",
            "lines": [line]});
        county.made("sales", "PlaceOrder", order, &["orderId=O9"]).await;
        county.made("sales", "CancelOrderLine", json!({"orderId": "$O9", "line": 0}), &[]).await;
    }
}

/// The table is whole: it has every write, with a field of its own that is wrong, and every rule.
#[test]
fn the_table_breaks_every_rule_and_has_a_wrong_field_of_every_write() {
    let cases: Vec<_> = cases().into_iter().chain(waiting_cases().into_iter().map(|(_, case)| case)).collect();
    for (service, method) in every_write() {
        let mut own = cases.iter().filter(|case| (case.0, case.1) == (service, method.as_str()));
        assert!(
            own.any(|case| case.3.starts_with("INVALID_REQUEST ")),
            "no case has a field of {service} {method} that is wrong"
        );
        let sampled = samples().iter().any(|sample| (sample.0, sample.1) == (service, method.as_str()));
        assert!(sampled, "no sample of {service} {method}");
    }
    for rule in Rule::ALL {
        let broken = cases.iter().any(|case| case.3.split(' ').next() == Some(rule.reason()));
        assert!(broken, "no case breaks {rule:?}");
    }
}

/// The writes of the contracts: methods that a bulk stream takes as well.
fn every_write() -> Vec<(&'static str, String)> {
    let mut writes = Vec::new();
    for service in ["procurement", "station", "distribution", "sales"] {
        let bulk = wire::method(service, "Record").input();
        let commands: BTreeSet<_> =
            bulk.fields().map(|field| field.kind().as_message().unwrap().full_name().to_owned()).collect();
        let methods = wire::method(service, "Record").parent_service().clone();
        let taken = methods.methods().filter(|method| commands.contains(method.input().full_name()));
        writes.extend(taken.map(|method| (service, method.name().to_owned())));
    }
    assert_eq!(writes.len(), 27);
    writes
}

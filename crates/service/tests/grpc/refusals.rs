//! Every write of every service refused, as its caller sees it: code, reason, detail, Chinese text; nothing is written.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::cases::{cases, common_cases, samples};
use crate::county::{County, NOBODY};
use crate::season;
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
fn say(county: &County, status: &Status) -> String {
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
            "NOT_FOUND" => Code::NotFound,
            "EXISTS" => Code::AlreadyExists,
            "POSITION_NOT_IN_LOG" => Code::DataLoss,
            other => panic!("{other}"),
        }
    };
    assert_eq!(status.code(), expected_code, "{line}");
    county.with_names(&line).replace(NOBODY, "$NOBODY")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_write_says_why_it_is_refused_and_writes_nothing() {
    let county = County::start().await;
    season::play(&county).await;
    let before = county.all_heads().await;
    let samples = samples();
    let of = |service: &str, method: &str| {
        let found = samples.iter().find(|sample| (sample.0, sample.1) == (service, method));
        found.unwrap_or_else(|| panic!("no sample of {method}")).2.clone()
    };
    let mut cases: Vec<(&str, &str, Value, &str)> = cases();
    for (service, method, _) in &samples {
        cases.extend(common_cases().into_iter().map(|(patch, expected)| (*service, *method, patch, expected)));
    }
    let mut wrong = String::new();
    for (service, method, patch, expected) in &cases {
        let mut request = county.complete(&of(service, method));
        merge(&mut request, &county.with_ids(patch));
        let outcome = wire::call(&county.channel, service, method, &request, None).await;
        let said = outcome.map_or_else(|status| say(&county, &status), |answer| format!("taken: {answer}"));
        if said != *expected {
            writeln!(wrong, "{service} {method} {patch}\n  says     {said}\n  expected {expected}").unwrap();
        }
        // What was refused left no trace, so its id is free.
        if let Some(request_id) =
            request["requestId"].as_str().filter(|_| said == *expected && !said.contains("request_id"))
        {
            let found = county.ask(service, "GetReceipt", json!({"requestId": request_id})).await;
            assert_eq!(found.unwrap_err().code(), Code::NotFound, "{method} {patch}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert_eq!(county.all_heads().await, before, "a refusal writes nothing");

    let refused: BTreeSet<_> = cases.iter().map(|case| (case.0, case.1)).collect();
    for (service, method) in every_write() {
        assert!(refused.contains(&(service, method.as_str())), "{service} {method} is refused by no case");
    }
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
    assert_eq!(writes.len(), 26);
    writes
}

//! The county of a request: named, left out, malformed, not hosted; and a service that hosts several.

use loopledger_proto::common::v1 as common;
use loopledger_proto::procurement::v1::record_request::Command;
use loopledger_proto::procurement::v1::record_response::Outcome;
use loopledger_proto::procurement::v1::{GetStatusRequest, RecordRequest, RecordResponse, RegisterPartyRequest};
use prost::Message as _;
use serde_json::json;
use tokio::time::{Instant, timeout};
use tonic::{Code, Request, Response, Status};
use tonic_types::StatusExt as _;

use crate::bulk::{code, next, next_raw, open_at, open_raw, register, request_id, sequence, taken};
use crate::cases::samples;
use crate::county::{self, County, PATIENCE};
use crate::refusals::say;
use crate::several::Several;
use crate::{season, wire};

pub(crate) const HERE: &str = "654224";
pub(crate) const THERE: &str = "654201";
const NOWHERE: &str = "110101";

fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

/// Fields and reasons of a bad request.
fn violations(status: &Status) -> Vec<(String, String)> {
    let found = status.get_details_bad_request().map(|request| request.field_violations).unwrap_or_default();
    found.into_iter().map(|violation| (violation.field, violation.reason)).collect()
}

fn refused(answer: &RecordResponse) -> Status {
    let Some(Outcome::Status(status)) = &answer.outcome else { panic!("{answer:?}") };
    loopledger_wire::status_from_pb(status)
}

fn other_county(field: &str) -> Vec<(String, String)> {
    vec![(field.to_owned(), "OTHER_COUNTY".to_owned())]
}

/// Every method but the bulk stream, by service.
fn methods() -> Vec<(&'static str, String)> {
    let services = ["procurement", "station", "distribution", "sales"];
    let of = |service| {
        let methods = wire::method(service, "Record").parent_service().clone();
        let single: Vec<_> = methods.methods().filter(|method| !method.is_client_streaming()).collect();
        single.into_iter().map(move |method| (service, method.name().to_owned()))
    };
    services.into_iter().flat_map(of).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_method_takes_its_county_and_no_other() {
    let county = County::start().await;
    season::play(&county).await;
    let samples = samples();
    let methods = methods();
    assert_eq!(methods.len(), 27 + 4 * 2 + 12);
    for (service, name) in methods {
        let sample = samples.iter().find(|sample| (sample.0, sample.1) == (service, name.as_str()));
        let request = sample.map_or(json!({}), |sample| county.complete(&sample.2));
        let ask = async |code: &str| {
            let mut request = request.clone();
            request["countyCode"] = json!(code);
            wire::call(&county.channel, service, &name, &request, None).await
        };
        let not_hosted = ask(NOWHERE).await.unwrap_err();
        assert_eq!(say(&county, &not_hosted), "COUNTY_NOT_HOSTED county 110101", "{name}");
        let malformed = violations(&ask("65422").await.unwrap_err());
        assert!(
            malformed.contains(&("county_code".to_owned(), "MALFORMED_COUNTY".to_owned())),
            "{name}: {malformed:?}"
        );
        // What is wrong with the request besides is the same whether it names its county or not.
        let outcome =
            |answered: Result<_, Status>| answered.map(drop).map_err(|status| (reason(&status), violations(&status)));
        let named = outcome(ask(HERE).await);
        assert_eq!(named.is_ok(), outcome(ask("").await).is_ok(), "{name}: {named:?}");
        if wire::method(service, &name).input().get_field_by_name("at_least").is_some() {
            let position =
                json!({"stream": format!("{service}/{THERE}"), "sequence": 1, "hash": county::base64(&[1; 32])});
            let mut request = json!({"requestId": request_id(1), "atLeast": [position], "payerId": "$COOP"});
            for field in ["partyId", "orderId", "shipmentId"] {
                request[field] = json!("$COOP");
            }
            let fields = wire::method(service, &name).input();
            request.as_object_mut().unwrap().retain(|field, _| fields.get_field_by_json_name(field).is_some());
            let refused = county.ask(service, &name, request).await.unwrap_err();
            assert_eq!(violations(&refused), other_county("at_least[0].stream"), "{name}: {refused:?}");
        }
    }
    county.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeat_is_found_whether_or_not_it_names_its_county() {
    let county = County::start().await;
    let request = json!({"requestId": request_id(7), "occasion": {"businessDate": "2026-03-02", "divisionCode": HERE},
        "kind": "PARTY_KIND_FIRM", "divisionCode": HERE, "label": "firm"});
    let mut named = request.clone();
    named["countyCode"] = json!(HERE);
    let first = county.write("procurement", "RegisterParty", &request).await.unwrap();
    assert_eq!(county.write("procurement", "RegisterParty", &named).await.unwrap(), first);
    let (send, mut answers) = open_at(&county.channel).await;
    for code in ["", HERE] {
        send.send(of_county(8, code)).await.unwrap();
    }
    let receipts = [next(&mut answers).await, next(&mut answers).await].map(|answer| match answer.outcome {
        Some(Outcome::Receipt(receipt)) => receipt,
        other => panic!("{other:?}"),
    });
    assert_eq!(receipts[0].position, receipts[1].position);
    assert_eq!(receipts.map(|receipt| receipt.already_recorded), [false, true]);
    county.stop().await;
}

pub(crate) fn of_county(number: usize, code: &str) -> RecordRequest {
    let request = RegisterPartyRequest { county_code: code.to_owned(), ..register(number) };
    RecordRequest { command: Some(Command::RegisterParty(request)) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bulk_stream_is_of_one_county_and_another_is_refused_in_its_place() {
    let county = County::start().await;
    for first in ["", HERE] {
        let (send, mut answers) = open_at(&county.channel).await;
        for code in [first, THERE, "", HERE, "65422", NOWHERE] {
            send.send(of_county(1, code)).await.unwrap();
        }
        assert_eq!(sequence(&next(&mut answers).await), 1);
        assert_eq!(violations(&refused(&next(&mut answers).await)), other_county("county_code"));
        assert_eq!(sequence(&next(&mut answers).await), 1);
        assert_eq!(sequence(&next(&mut answers).await), 1);
        let malformed = violations(&refused(&next(&mut answers).await));
        assert_eq!(malformed, [("county_code".to_owned(), "MALFORMED_COUNTY".to_owned())]);
        let answer = next(&mut answers).await;
        assert_eq!(
            (answer.request_id.clone(), violations(&refused(&answer))),
            (request_id(1), other_county("county_code"))
        );
        drop(send);
        assert!(answers.message().await.unwrap().is_none(), "the stream ends well when its caller is done");
    }
    county.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ends_a_bulk_stream_before_it_has_a_county() {
    let county = County::start().await;
    let (send, mut answers) = open_at(&county.channel).await;
    send.send(of_county(1, NOWHERE)).await.unwrap();
    let ended = timeout(PATIENCE, answers.message()).await.expect("it ends").unwrap_err();
    assert_eq!(say(&county, &ended), "COUNTY_NOT_HOSTED county 110101");
    county.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_of_the_county_that_it_names() {
    let several = Several::start(&[HERE, THERE]).await;
    let write = async |code: &str, number: usize, after: Vec<common::Position>| {
        let request = RegisterPartyRequest { county_code: code.to_owned(), after, ..register(number) };
        several.calls.write(Request::new(request)).await.map(Response::into_inner)
    };
    // The same request in each county: two commits, two parties.
    let here = write(HERE, 1, vec![]).await.unwrap();
    let there = write(THERE, 1, vec![]).await.unwrap();
    let streams = [&here, &there].map(|answer| answer.position.as_ref().unwrap().stream.clone());
    assert_eq!(streams, ["procurement/654224", "procurement/654201"]);
    assert_ne!(here.party_id, there.party_id);
    let of_both = [here, there].map(|answer| answer.position.unwrap());
    let refused = write(HERE, 2, of_both.to_vec()).await.unwrap_err();
    assert_eq!(violations(&refused), other_county("after[1].stream"));
    let refused = write("", 3, vec![]).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::InvalidArgument, "COUNTY_REQUIRED"));
    assert_eq!(violations(&refused), [("county_code".to_owned(), "COUNTY_REQUIRED".to_owned())]);
    let refused = write(NOWHERE, 4, vec![]).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "COUNTY_NOT_HOSTED"));
    let resource = refused.get_details_resource_info().unwrap();
    let named = (resource.resource_type.as_str(), resource.resource_name.as_str(), resource.owner.as_str());
    assert_eq!(named, ("county", NOWHERE, "procurement-7"));

    let deadline = Instant::now() + PATIENCE;
    for (code, head) in [(HERE, &of_both[0]), (THERE, &of_both[1])] {
        let request = GetStatusRequest { county_code: code.to_owned() };
        let calls = several.calls.of(&request, deadline).await.unwrap();
        let (status, heads) = calls.status();
        assert_eq!((status.stream, heads.contains(head)), (format!("procurement/{code}"), true));
        let (receipt, _) = calls.receipt(core::slice::from_ref(head), &request_id(1), deadline).await.unwrap();
        assert_eq!(receipt.position.as_ref(), Some(head));
    }
    for (code, expected) in [("", "COUNTY_REQUIRED"), (NOWHERE, "COUNTY_NOT_HOSTED"), ("x", "INVALID_REQUEST")] {
        let request = GetStatusRequest { county_code: code.to_owned() };
        assert_eq!(reason(&several.calls.of(&request, deadline).await.unwrap_err()), expected);
    }
    several.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bulk_stream_finds_its_county_with_its_first_command() {
    let several = Several::start(&[HERE, THERE]).await;
    // Each with a number of its own: both begin with 1.
    for code in [HERE, THERE] {
        let (send, mut answers) = open_at(&several.channel).await;
        send.send(of_county(1, code)).await.unwrap();
        send.send(taken(2)).await.unwrap();
        for expected in [1, 2] {
            let answer = next(&mut answers).await;
            assert_eq!(sequence(&answer), expected);
            let Some(Outcome::Receipt(receipt)) = answer.outcome else { panic!() };
            assert_eq!(receipt.position.unwrap().stream, format!("procurement/{code}"));
        }
    }
    // What cannot be read, or is wrong in form, names no county: it is answered in its place, and the next one is asked.
    let empty = RecordRequest { command: None };
    let messages = vec![
        vec![0xff; 20],
        empty.encode_to_vec(),
        of_county(3, "65422").encode_to_vec(),
        of_county(3, THERE).encode_to_vec(),
    ];
    let mut answers = open_raw(&several.channel, messages).await;
    for expected in ["MALFORMED_MESSAGE", "INVALID_REQUEST", "INVALID_REQUEST"] {
        assert_eq!(reason(&refused(&next_raw(&mut answers).await)), expected);
    }
    let answer = next_raw(&mut answers).await;
    assert_eq!((code(&answer), sequence(&answer)), (Code::Ok, 3));
    assert!(answers.message().await.unwrap().is_none());
    // Nothing sent, nothing needed.
    assert!(open_raw(&several.channel, vec![]).await.message().await.unwrap().is_none());
    for (code, expected) in [("", "COUNTY_REQUIRED"), (NOWHERE, "COUNTY_NOT_HOSTED")] {
        let (send, mut answers) = open_at(&several.channel).await;
        send.send(of_county(4, code)).await.unwrap();
        let ended = timeout(PATIENCE, answers.message()).await.expect("it ends").unwrap_err();
        assert_eq!(reason(&ended), expected);
    }
    several.stop().await;
}

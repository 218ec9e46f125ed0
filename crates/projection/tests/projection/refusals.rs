//! What is wrong with a request is said field by field.

use loopledger_proto::common::v1 as common;
use loopledger_proto::ledger::v1 as pb;
use loopledger_proto::ledger::v1::counterparty::Who;
use loopledger_proto::ledger::v1::trace_lot_request::Subject;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::world::World;

const ID: &str = "6f1f7d2e-0d5c-4c65-9a3a-2f5d6f0a7b11";

/// The wrong fields with their reasons.
#[track_caller]
fn assert_invalid<T>(answer: Result<T, Status>, expected: &[(&str, &str)]) {
    let Err(status) = answer else { panic!("{expected:?} was accepted") };
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let details = status.get_error_details();
    let found: Vec<(&str, &str)> =
        details.bad_request().unwrap().field_violations.iter().map(|v| (v.field.as_str(), v.reason.as_str())).collect();
    assert_eq!(found, expected);
    assert!(details.localized_message().is_some(), "also in Chinese");
}

#[track_caller]
fn assert_not_found<T>(answer: Result<T, Status>, kind: &str) {
    let Err(status) = answer else { panic!("a {kind} was found") };
    assert_eq!(status.code(), Code::NotFound, "{status:?}");
    assert_eq!(status.get_error_details().resource_info().unwrap().resource_type, kind);
}

fn too_many() -> Vec<common::Position> {
    vec![common::Position { stream: "sales/654224".into(), sequence: 1, hash: vec![0; 32] }; 17]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn income() {
    let world = World::full().await;
    let mut client = world.income();
    let get = pb::GetHouseholdIncomeRequest { household_id: ID.into(), ..Default::default() };
    for (request, expected) in [
        (pb::GetHouseholdIncomeRequest::default(), vec![("household_id", "REQUIRED")]),
        (
            pb::GetHouseholdIncomeRequest { household_id: "x".into(), from: "2020".into(), ..get.clone() },
            vec![("household_id", "NOT_A_UUID"), ("from", "MALFORMED_DATE")],
        ),
        (
            pb::GetHouseholdIncomeRequest { from: "2020-05-01".into(), to: "2020-04-30".into(), ..get.clone() },
            vec![("to", "BEFORE_FROM")],
        ),
        (pb::GetHouseholdIncomeRequest { as_of: "1999-01-01".into(), ..get.clone() }, vec![("as_of", "OUT_OF_RANGE")]),
        (pb::GetHouseholdIncomeRequest { at_least: too_many(), ..get.clone() }, vec![("at_least", "TOO_MANY")]),
    ] {
        assert_invalid(client.get_household_income(request).await, &expected);
    }
    assert_not_found(client.get_household_income(get).await, "party");

    let list = pb::ListIncomeLinesRequest { household_id: ID.into(), ..Default::default() };
    for (request, expected) in [
        (
            pb::ListIncomeLinesRequest { page_size: 1_001, page_token: "00".into(), ..list.clone() },
            vec![("page_size", "OUT_OF_RANGE")],
        ),
        (
            pb::ListIncomeLinesRequest { page_token: "00".into(), ..list.clone() },
            vec![("page_token", "MALFORMED_PAGE_TOKEN")],
        ),
        (
            pb::ListIncomeLinesRequest {
                view: 9,
                category: 9,
                month: "2020-13".into(),
                product_id: "p".into(),
                ..list.clone()
            },
            vec![
                ("product_id", "NOT_A_UUID"),
                ("month", "MALFORMED_MONTH"),
                ("view", "UNKNOWN_VALUE"),
                ("category", "UNKNOWN_VALUE"),
            ],
        ),
    ] {
        assert_invalid(client.list_income_lines(request).await, &expected);
    }
    assert_not_found(client.list_income_lines(list).await, "party");

    for (request, expected) in [
        (pb::ListDivisionIncomeRequest::default(), vec![("division_code", "REQUIRED")]),
        (
            pb::ListDivisionIncomeRequest { division_code: "650102".into(), category: 99, ..Default::default() },
            vec![("division_code", "OTHER_COUNTY"), ("category", "UNKNOWN_VALUE")],
        ),
        (
            pb::ListDivisionIncomeRequest { division_code: "654224999".into(), ..Default::default() },
            vec![("division_code", "UNKNOWN_DIVISION")],
        ),
    ] {
        assert_invalid(client.list_division_income(request).await, &expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn loops() {
    let world = World::full().await;
    let mut client = world.loops();
    let request = pb::GetLoopRequest {
        division_code: "6542".into(),
        product_id: "x".into(),
        from_month: "2020-4".into(),
        to_month: "".into(),
        ..Default::default()
    };
    let expected =
        [("division_code", "MALFORMED_DIVISION"), ("product_id", "NOT_A_UUID"), ("from_month", "MALFORMED_MONTH")];
    assert_invalid(client.get_loop(request).await, &expected);
    let request = pb::GetLoopRequest { from_month: "2020-05".into(), to_month: "2020-04".into(), ..Default::default() };
    assert_invalid(client.get_loop(request).await, &[("to_month", "BEFORE_FROM")]);
    let request = pb::GetLoopRequest { division_code: "110101".into(), ..Default::default() };
    assert_invalid(client.get_loop(request).await, &[("division_code", "OTHER_COUNTY")]);
    let request = pb::GetLoopRequest { product_id: ID.into(), ..Default::default() };
    assert_not_found(client.get_loop(request).await, "product");
    let request = pb::ListLoopByDivisionRequest { product_id: ID.into(), ..Default::default() };
    assert_not_found(client.list_loop_by_division(request).await, "product");
    let sales = pb::ListLoopFactsRequest { figure: pb::LoopFigure::Sales.into(), ..Default::default() };
    let request = pb::ListLoopFactsRequest { product_id: ID.into(), ..sales.clone() };
    assert_not_found(client.list_loop_facts(request).await, "product");
    let request = pb::ListLoopFactsRequest { division_code: "110101".into(), ..sales };
    assert_invalid(client.list_loop_facts(request).await, &[("division_code", "OTHER_COUNTY")]);
    let request = pb::GetLoopRequest {
        division_code: "654224103".into(),
        division_edition: "2019-10-31".into(),
        ..Default::default()
    };
    assert_invalid(client.get_loop(request).await, &[("division_code", "DIVISION_NOT_IN_EDITION")]);
    let request = pb::GetLoopRequest { division_edition: "2019".into(), ..Default::default() };
    assert_invalid(client.get_loop(request).await, &[("division_edition", "MALFORMED_DATE")]);
    let request = pb::ListLoopByDivisionRequest { level: 7, ..Default::default() };
    assert_invalid(client.list_loop_by_division(request).await, &[("level", "UNKNOWN_VALUE")]);
    for (figure, scope, expected) in [
        (0, 0, ("figure", "REQUIRED")),
        (99, 0, ("figure", "UNKNOWN_VALUE")),
        (pb::LoopFigure::Supply.into(), common::Scope::County.into(), ("scope", "NOT_APPLICABLE")),
        (pb::LoopFigure::Sales.into(), 99, ("scope", "UNKNOWN_VALUE")),
    ] {
        let request = pb::ListLoopFactsRequest { figure, scope, ..Default::default() };
        assert_invalid(client.list_loop_facts(request).await, &[expected]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn traces() {
    let world = World::full().await;
    let mut client = world.trace();
    let lot = |subject| pb::TraceLotRequest { subject, ..Default::default() };
    for (subject, expected) in [
        (None, ("lot_id", "REQUIRED")),
        (Some(Subject::LotId("x".into())), ("lot_id", "NOT_A_UUID")),
        (Some(Subject::ReceiptId(String::new())), ("receipt_id", "REQUIRED")),
        (Some(Subject::Label(" ".into())), ("label", "REQUIRED")),
        (Some(Subject::Label("长".repeat(101))), ("label", "TOO_LONG")),
    ] {
        assert_invalid(client.trace_lot(lot(subject)).await, &[expected]);
    }
    assert_not_found(client.trace_lot(lot(Some(Subject::LotId(ID.into())))).await, "lot");
    assert_not_found(client.trace_lot(lot(Some(Subject::ReceiptId(ID.into())))).await, "receipt");
    assert_not_found(client.trace_lot(lot(Some(Subject::Label("unknown".into())))).await, "lot");
    let request =
        pb::TraceLotRequest { subject: Some(Subject::LotId(ID.into())), page_size: 1_001, ..Default::default() };
    assert_invalid(client.trace_lot(request).await, &[("page_size", "OUT_OF_RANGE")]);
    let order = |id: &str| pb::TraceOrderRequest { order_id: id.into(), ..Default::default() };
    assert_invalid(client.trace_order(order("")).await, &[("order_id", "REQUIRED")]);
    assert_not_found(client.trace_order(order(ID)).await, "order");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn books() {
    let world = World::full().await;
    let mut client = world.ledger();
    let position = common::Position { stream: "sales".into(), sequence: 0, hash: vec![1] };
    let expected = [("[0].stream", "MALFORMED_STREAM"), ("[0].sequence", "REQUIRED"), ("[0].hash", "HASH_LENGTH")];
    let of = |field: &'static str| expected.map(|(path, reason)| (format!("{field}{path}"), reason));
    let request =
        pb::AwaitRequest { positions: vec![position.clone()], consequences: false, ..pb::AwaitRequest::default() };
    let wrong = of("positions");
    assert_invalid(client.r#await(request).await, &wrong.each_ref().map(|(field, reason)| (field.as_str(), *reason)));
    let request = pb::GetStatusRequest { at_least: vec![position], consequences: false, county_code: String::new() };
    let wrong = of("at_least");
    assert_invalid(
        client.get_status(request).await,
        &wrong.each_ref().map(|(field, reason)| (field.as_str(), *reason)),
    );

    let request = pb::ListBalancesRequest { through_month: "04".into(), page_size: 5_000, ..Default::default() };
    let expected = [("page_size", "OUT_OF_RANGE"), ("party_id", "REQUIRED"), ("through_month", "MALFORMED_MONTH")];
    assert_invalid(client.list_balances(request).await, &expected);
    let request =
        pb::GetStatementRequest { party_id: ID.into(), month: "".into(), as_of: "x".into(), ..Default::default() };
    assert_invalid(client.get_statement(request).await, &[("month", "MALFORMED_MONTH"), ("as_of", "MALFORMED_DATE")]);
    let request =
        pb::ListCommitsRequest { stream: "bank/654224".into(), page_token: "07".into(), ..Default::default() };
    let expected = [("page_token", "MALFORMED_PAGE_TOKEN"), ("stream", "MALFORMED_STREAM")];
    assert_invalid(client.list_commits(request).await, &expected);

    let counterparty = |who| Some(pb::Counterparty { who: Some(who) });
    let named = pb::Named { id: "x".into(), label: String::new() };
    for (counterparty, expected) in [
        (counterparty(Who::Party(named)), ("counterparty.party.id", "NOT_A_UUID")),
        (counterparty(Who::Outside("moon".into())), ("counterparty.outside", "UNKNOWN_VALUE")),
    ] {
        let request = pb::ListBalanceFactsRequest {
            account_number: "1999".into(),
            counterparty,
            page_token: "00".into(),
            from_month: "x".into(),
            ..Default::default()
        };
        let expected = [
            ("page_token", "MALFORMED_PAGE_TOKEN"),
            ("account_number", "UNKNOWN_VALUE"),
            expected,
            ("from_month", "MALFORMED_MONTH"),
        ];
        assert_invalid(client.list_balance_facts(request).await, &expected);
    }
    let request = pb::ListBalanceFactsRequest { party_id: ID.into(), ..Default::default() };
    assert_not_found(client.list_balance_facts(request).await, "party");
    let request = pb::ListLotValuesRequest { lot_id: "x".into(), through: "x".into(), ..Default::default() };
    let expected = [("party_id", "REQUIRED"), ("lot_id", "NOT_A_UUID"), ("through", "MALFORMED_DATE")];
    assert_invalid(client.list_lot_values(request).await, &expected);
    let values = pb::ListLotValuesRequest { party_id: ID.into(), ..Default::default() };
    assert_not_found(client.list_lot_values(values).await, "party");

    let request = pb::ListBalancesRequest { party_id: ID.into(), ..Default::default() };
    assert_not_found(client.list_balances(request).await, "party");
    let request = pb::GetTrialBalanceRequest { party_id: ID.into(), ..Default::default() };
    assert_not_found(client.get_trial_balance(request).await, "party");
    let request = pb::GetStatementRequest { party_id: ID.into(), month: "2020-04".into(), ..Default::default() };
    assert_not_found(client.get_statement(request).await, "party");
}

//! Goods issued before they were collected, and a payout before anything was owed.

use serde_json::Value;

use crate::case::{Case, answers, errors};

/// The one refusal of a file: its line, its reason, and the earliest possible day.
fn refused(case: &Case, file: &str) -> (u64, String, String) {
    let output = case.record(file);
    assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
    let refusals: Vec<Value> = answers(&output).into_iter().filter(|answer| answer["refusal"].is_object()).collect();
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    let refusal = &refusals[0]["refusal"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let line = refusals[0]["line"].as_u64().expect("a number");
    (line, text(&refusal["reason"]), text(&refusal["facts"]["earliest"]))
}

/// Every closing stock up to that month.
fn closing_stocks(case: &Case, to: &str) -> Vec<i64> {
    let measures = case.query(&["loop", "--from", "2026-02", "--to", to]);
    let products = measures["products"].as_array().cloned().unwrap_or_default();
    let closing = |product: &Value| product["closingStock"].as_str().map_or(0, |text| text.parse().expect("a number"));
    products.iter().map(closing).collect()
}

#[test]
fn goods_are_not_issued_before_they_were_collected() {
    let case = Case::new("03-effects-before-causes");
    // The order of April finds nothing, as the goods come in May, so there is nothing to issue.
    let refused = refused(&case, "issue-before-collection.jsonl");
    assert_eq!(refused, (25, "RESERVATION_NOT_OPEN".to_owned(), "2026-05-10".to_owned()));
    assert!(closing_stocks(&case, "2026-04").iter().all(|stock| *stock == 0));
    assert_eq!(closing_stocks(&case, "2026-05"), [100_000]);
}

#[test]
fn nothing_is_paid_before_it_is_owed() {
    let case = Case::new("03-effects-before-causes");
    let refused = refused(&case, "payout-before-purchase.jsonl");
    assert_eq!(refused, (23, "DATE_TOO_EARLY".to_owned(), "2026-06-15".to_owned()));
    let measures = case.query(&["loop", "--from", "2026-02", "--to", "2026-07"]);
    assert!(measures["delay"]["meanDaysTenths"].is_null(), "nothing was paid: {measures}");
}

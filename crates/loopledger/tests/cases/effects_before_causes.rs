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

/// What every stock changed by since February, when there was none: the closing stock of that month.
fn closing_stocks(case: &Case, to: &str) -> Vec<String> {
    let measures = case.query(&["loop", "--from", "2026-02", "--to", to]);
    let products = measures["products"].as_array().expect("a list of products");
    products.iter().map(|product| product["stock_change"].to_string().replace('"', "")).collect()
}

#[test]
fn goods_are_not_issued_before_they_were_collected() {
    let case = Case::new("03-effects-before-causes");
    // The order of April finds nothing, as the goods come in May, so there is nothing to issue.
    let refused = refused(&case, "issue-before-collection.jsonl");
    assert_eq!(refused, (25, "RESERVATION_NOT_OPEN".to_owned(), "2026-05-10".to_owned()));
    assert!(closing_stocks(&case, "2026-04").iter().all(|stock| stock == "0"));
    assert_eq!(closing_stocks(&case, "2026-05"), ["100000"]);
}

#[test]
fn nothing_is_paid_before_it_is_owed() {
    let case = Case::new("03-effects-before-causes");
    let refused = refused(&case, "payout-before-purchase.jsonl");
    assert_eq!(refused, (23, "DATE_TOO_EARLY".to_owned(), "2026-06-15".to_owned()));
    let measures = case.query(&["loop", "--from", "2026-02", "--to", "2026-07"]);
    let delay = &measures["delay"];
    assert!(delay.is_object() && delay["mean_days"].is_null(), "nothing was paid: {measures}");
}

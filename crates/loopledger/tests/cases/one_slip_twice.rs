//! One paper slip sent twice, with two request ids: under its number, and under another one.

use crate::case::{Case, errors, refusals};

const STATION: &str = "ca25c2fc-7984-5e49-b229-4621d3bdad7f";

#[test]
fn a_number_that_a_station_gave_this_year_is_refused() {
    let case = Case::new("11-one-slip-twice");
    let output = case.record("commands.jsonl");
    assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
    assert_eq!(refusals(&output), [(23, "NUMBER_TAKEN".to_owned())]);
    let income = case.query(&["income", "--household", "e6eb1fc9-f429-5bbb-98ed-99117c859bfe"]);
    assert_eq!(income["total"]["gross_yuan"], "920.00", "{income}");
    assert_eq!(case.query(&["duplicates"]), serde_json::json!([]));
    // Sent again, the first is found and the second is refused again.
    let again = case.record("commands.jsonl");
    assert_eq!(again.status.code(), Some(1), "{}", errors(&again));
    assert_eq!(refusals(&again), [(23, "NUMBER_TAKEN".to_owned())]);
}

#[test]
fn the_same_goods_under_two_numbers_are_listed_as_suspicious() {
    let case = Case::new("11-one-slip-twice");
    let output = case.record("other-number.jsonl");
    assert!(output.status.success(), "{}", errors(&output));
    let rows = case.query(&["duplicates", "--from", "2026-03-10", "--to", "2026-03-10", "--station", STATION]);
    let numbers: Vec<_> = rows.as_array().expect("rows").iter().map(|row| row["receipt_number"].clone()).collect();
    assert_eq!(numbers, ["0001", "0002"], "{rows}");
    assert_eq!((&rows[0]["group"], &rows[1]["group"]), (&1.into(), &1.into()), "{rows}");
    assert_eq!(case.query(&["duplicates", "--from", "2026-03-11"]), serde_json::json!([]));
    let table = case.run(&["duplicates"]);
    let table = String::from_utf8_lossy(&table.stdout).into_owned();
    assert!(table.contains("托里-0001") && table.contains("托里-0002"), "{table}");
    let csv = case.run(&["duplicates", "--format", "csv"]);
    let csv = String::from_utf8_lossy(&csv.stdout).into_owned();
    assert_eq!(csv.lines().count(), 3, "{csv}");
}

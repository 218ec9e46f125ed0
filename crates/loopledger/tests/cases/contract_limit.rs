//! Two receipts of 100 kg under a contract of 150 kg at an agreed price.

use crate::case::{Case, errors, refusals};

#[test]
fn a_receipt_beyond_the_contracts_quantity_is_refused_whole() {
    let case = Case::new("05-contract-limit");
    let output = case.record("agreed-price.jsonl");
    assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
    assert_eq!(refusals(&output), [(25, "CONTRACT_QUANTITY_EXCEEDED".to_owned())]);
    let loops = case.query(&["loop", "--from", "2026-03", "--to", "2026-03"]);
    assert_eq!(loops["products"][0]["supply"], 100_000, "{loops}");
}

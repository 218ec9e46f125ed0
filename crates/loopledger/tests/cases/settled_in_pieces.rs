//! Two pieces at an agreed price of 1.005 yuan, settled together and one after the other.

use crate::case::{Case, errors};

#[test]
fn one_settlement_and_two_bring_the_producer_the_same() {
    let producers = [
        ("once.jsonl", "7578557e-def8-53fe-8174-838644454bb4"),
        ("twice.jsonl", "7acc6853-41dc-5777-b3c2-04790fdf536b"),
    ];
    for (file, household) in producers {
        let case = Case::new("06-settled-in-pieces");
        let output = case.record(file);
        assert!(output.status.success(), "{file}: {}", errors(&output));
        let income = case.query(&["income", "--household", household, "--from", "2026-03-01", "--to", "2026-03-31"]);
        assert_eq!(income["total"]["gross_yuan"], "2.01", "{file}: {income}");
    }
}

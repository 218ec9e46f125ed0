//! 喀拉苏村 got another code in 2023: a household registered by the old one, goods collected by the new one.

use serde_json::Value;

use crate::case::{Case, errors};

const HOUSEHOLD: &str = "fa618705-b191-54f4-8682-f157191c97f9";
const YEAR: [&str; 4] = ["--from", "2024-01-01", "--to", "2024-12-31"];

#[test]
fn a_village_with_another_code_goes_by_one_code_in_loop_and_income() {
    let case = Case::new("08-recoded-village");
    let output = case.record("commands.jsonl");
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    let query = |args: &[&str], edition: &[&str]| case.query(&[args, &YEAR, edition].concat());
    // Without an edition: the list in force on the last day of 2024.
    for (edition, list, village, township, other) in [
        (&[][..], "2023-06-30", "654224103200", "654224103", "654224201"),
        (&["--edition", "2019-10-31"], "2019-10-31", "654224201206", "654224201", "654224103200"),
    ] {
        let income = query(&["income", "--household", HOUSEHOLD], edition);
        assert_eq!(texts(&income, ["division_code", "division_edition"]), [village, list]);
        let county = query(&["income", "--division", "654224"], edition);
        let parts = county["by_division"].as_array().expect("townships");
        let earning: Vec<&Value> = parts.iter().filter(|part| part["net_yuan"] == "920.00").collect();
        assert_eq!(earning.iter().map(|part| &part["division_code"]).collect::<Vec<_>>(), [township], "{county}");
        // By the township of the edition, and by either code of the village.
        for place in [township, "654224201206", "654224103200"] {
            let goods = query(&["loop", "--division", place], edition);
            assert_eq!(goods["division_edition"], list);
            assert_eq!(goods["products"][0]["supply"], 100_000, "{place}: {goods}");
        }
        if other.len() == township.len() {
            let goods = query(&["loop", "--division", other], edition);
            assert!(goods["products"].as_array().is_none_or(Vec::is_empty), "{goods}");
        }
    }
    // The older list has no 哈图镇.
    let refused = case.run(&["loop", "--division", "654224103", "--edition", "2019-10-31"]);
    assert_eq!(refused.status.code(), Some(1), "{}", errors(&refused));
}

fn texts<const N: usize>(answer: &Value, fields: [&str; N]) -> [String; N] {
    fields.map(|field| answer[field].as_str().unwrap_or_default().to_owned())
}

//! An order of 147 lines, and a settlement of 194 lots: each was acknowledged, and halted the service that had to answer.

use crate::case::{Case, answers, errors};

#[test]
fn an_order_of_many_lines_is_answered_in_full() {
    let case = Case::new("01-answers-that-do-not-fit");
    // The file ends with a barrier: it is passed once every line of the order is reserved or refused.
    let output = case.record("order-of-147-lines.jsonl");
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    assert!(answers(&output).iter().all(|answer| !answer["refusal"].is_object()));
    let status = case.run(&["status"]);
    assert!(status.status.success(), "{}", errors(&status));
}

#[test]
fn a_settlement_of_more_lots_than_fit_is_refused_when_it_is_asked() {
    let case = Case::new("01-answers-that-do-not-fit");
    let output = case.record("settlement-of-194-lots.jsonl");
    assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
    let refusals: Vec<_> = answers(&output).into_iter().filter(|answer| answer["refusal"].is_object()).collect();
    let [refused] = refusals.as_slice() else { panic!("{refusals:?}") };
    assert_eq!(refused["refusal"]["reason"], "TOO_LARGE");
    let status = case.run(&["status"]);
    assert!(status.status.success(), "{}", errors(&status));
}

//! Five product codes that look the same, a label that shows nothing, and one that is written backwards.

use crate::case::{Case, answers, errors};

#[test]
fn codes_that_look_the_same_are_one_and_texts_that_cannot_be_seen_are_refused() {
    let case = Case::new("09-look-alike-texts");
    let output = case.record("commands.jsonl");
    assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
    let refusals: Vec<(u64, String, String)> = answers(&output)
        .iter()
        .filter(|answer| answer["refusal"].is_object())
        .map(|answer| {
            let text = |name: &str| answer["refusal"][name].as_str().unwrap_or_default().to_owned();
            (answer["line"].as_u64().expect("a number"), text("reason"), text("message"))
        })
        .collect();
    let found: Vec<(u64, &str)> = refusals.iter().map(|(line, reason, _)| (*line, reason.as_str())).collect();
    // Line 21 registers the product; 23, 25 and 29 differ from it by a space, a wide space and a wide letter.
    let expected = [
        (23, "EXISTS"),
        (25, "EXISTS"),
        (27, "INVALID_REQUEST"),
        (29, "EXISTS"),
        (31, "INVALID_REQUEST"),
        (33, "INVALID_REQUEST"),
    ];
    assert_eq!(found, expected, "{refusals:?}");
    for (line, field) in [(27, "code:"), (31, "label:"), (33, "label:")] {
        let message = &refusals.iter().find(|refusal| refusal.0 == line).expect("it is refused").2;
        assert!(message.starts_with(field), "line {line}: {message}");
    }
}

//! Receipts belong to one file: those of another one, or of the same before it was edited, are found out.

use std::fs;

use crate::case::{Case, answers, errors};

#[test]
fn receipts_of_another_file_are_refused_naming_the_first_line_that_is_anothers() {
    let case = Case::new("02-receipts-of-another-file");
    let receipts = case.scratch("receipts");
    let record = |file: &str| case.run(&["record", file, "--receipts", &receipts]);
    let (monday, tuesday) = (case.input("monday.jsonl"), case.input("tuesday.jsonl"));
    let first = record(&monday);
    assert_eq!((first.status.code(), answers(&first).len()), (Some(0), 3), "{}", errors(&first));
    let kept = fs::read_to_string(&receipts).expect("receipts");

    let other = record(&tuesday);
    assert_eq!((other.status.code(), answers(&other).len()), (Some(2), 0), "{}", errors(&other));
    let said = errors(&other);
    for part in ["line 1 of the file is another file's", "第 1 行", "5c78f026-edc5-4767-ac60-3e1e3decd1d2"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(fs::read_to_string(&receipts).expect("receipts"), kept, "they are left as they were");

    let again = record(&monday);
    assert_eq!((again.status.code(), answers(&again).len()), (Some(0), 0), "{}", errors(&again));
    let fresh = case.run(&["record", &tuesday, "--receipts", &case.scratch("tuesday")]);
    assert_eq!((fresh.status.code(), answers(&fresh).len()), (Some(0), 3), "{}", errors(&fresh));
}

#[test]
fn a_line_inserted_deleted_or_changed_above_the_last_receipt_is_named() {
    let case = Case::new("02-receipts-of-another-file");
    let (receipts, file) = (case.scratch("receipts"), case.scratch("commands"));
    let monday = fs::read_to_string(case.input("monday.jsonl")).expect("a file");
    let tuesday = fs::read_to_string(case.input("tuesday.jsonl")).expect("a file");
    let lines: Vec<&str> = monday.lines().collect();
    let record = |lines: &[&str]| {
        fs::write(&file, lines.join("\n") + "\n").expect("a file");
        case.run(&["record", &file, "--receipts", &receipts])
    };
    assert_eq!(record(&lines).status.code(), Some(0));

    let new = tuesday.lines().next().expect("a line");
    let changed = lines[1].replace("monday-1", "monday-one");
    for (edited, said) in [
        (vec![lines[0], new, lines[1], lines[2]], "lines were inserted from line 2"),
        (vec![lines[0], lines[2]], "lines were deleted above line 2"),
        (vec![lines[0], lines[1]], "lines at the end were deleted"),
        (vec![lines[0], &changed, lines[2]], "line 2 of the file was changed after it was answered"),
    ] {
        let output = record(&edited);
        assert_eq!((output.status.code(), answers(&output).len()), (Some(2), 0), "{}", errors(&output));
        assert!(errors(&output).contains(said), "{said}: {}", errors(&output));
        assert!(errors(&output).contains("new file of receipts"), "it says what to do: {}", errors(&output));
    }
    let appended = record(&[lines[0], "# a comment", lines[1], lines[2], new]);
    assert_eq!(appended.status.code(), Some(0), "{}", errors(&appended));
    let answered: Vec<u64> = answers(&appended).iter().filter_map(|answer| answer["line"].as_u64()).collect();
    assert_eq!(answered, [5], "the line that is new, as an editor counts");
}

#[test]
fn a_refusal_that_stands_in_the_receipts_fails_later_runs_too() {
    let case = Case::new("02-receipts-of-another-file");
    let (receipts, file) = (case.scratch("receipts"), case.scratch("commands"));
    let monday = fs::read_to_string(case.input("monday.jsonl")).expect("a file");
    fs::write(&file, monday.replacen("\"label\": \"monday-1\"", "\"label\": \"\"", 1)).expect("a file");
    let record = || case.run(&["record", &file, "--receipts", &receipts]);
    let first = record();
    assert_eq!((first.status.code(), answers(&first).len()), (Some(1), 3), "{}", errors(&first));
    let later = record();
    assert_eq!((later.status.code(), answers(&later).len()), (Some(1), 0), "{}", errors(&later));
    assert!(errors(&later).contains("2 INVALID_REQUEST"), "the line and its reason: {}", errors(&later));
}

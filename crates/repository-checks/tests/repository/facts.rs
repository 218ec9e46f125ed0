//! What is implemented of a fact is listed. The compiler finds what the list asks for and nothing implements; an
//! implementation that the list does not ask for would only never be called.

use std::collections::BTreeSet;
use std::fs;

use crate::lints::{root, sources};

/// A fact as the list has it.
struct Fact {
    service: String,
    name: String,
    /// Posted, folded, filed under a paper.
    ledger: Vec<String>,
    /// What procurement, station, distribution and sales do with it.
    readers: Vec<String>,
}

fn listed() -> Vec<Fact> {
    let text = fs::read_to_string(root().join("crates/facts/src/catalogue.rs")).expect("the list of facts");
    let list =
        text.split("macro_rules! facts {").nth(1).and_then(|rest| rest.split("\n}\n").next()).expect("the macro");
    let mut service = String::new();
    let mut facts = Vec::new();
    for line in list.lines().map(str::trim) {
        if let Some((head, _)) = line.split_once(" \"loopledger.") {
            head.split_once(' ').expect("module and variant").1.clone_into(&mut service);
        } else if let [name, ledger, readers, ..] = line.split('[').map(str::trim).collect::<Vec<_>>()[..] {
            let cells =
                |text: &str| text.trim_end_matches([']', ';', ' ']).split_whitespace().map(str::to_owned).collect();
            facts.push(Fact {
                service: service.clone(),
                name: name.to_owned(),
                ledger: cells(ledger),
                readers: cells(readers),
            });
        }
    }
    facts
}

/// The facts that a crate implements a trait for, in so many words or by a macro with a line for each fact.
fn implemented(folder: &str, wanted: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (_, text) in sources(root().join("crates").join(folder)) {
        for line in text.lines().filter(|line| line.starts_with("impl")) {
            let Some((head, fact)) = line.split_once(" for ") else { continue };
            if head.trim_start_matches("impl").trim_start_matches("<H: Holder>").trim() == wanted {
                found.insert(fact.trim_end_matches(" {").to_owned());
            }
        }
        for macros in text.split("macro_rules! ").skip(1) {
            let name = macros.split(' ').next().expect("a name");
            let Some(lines) = text.split(&format!("\n{name}! {{\n")).nth(1).and_then(|rest| rest.split("\n}").next())
            else {
                continue;
            };
            if macros.split("\n}\n").next().is_some_and(|body| body.contains(&format!("impl {wanted} for $fact"))) {
                found.extend(
                    lines.lines().filter_map(|line| line.trim().split_once(": ")).map(|(fact, _)| fact.to_owned()),
                );
            }
        }
    }
    found
}

fn names<'a>(facts: impl IntoIterator<Item = &'a Fact>) -> BTreeSet<String> {
    facts.into_iter().map(|fact| fact.name.clone()).collect()
}

#[test]
fn what_the_ledger_does_with_a_fact_is_listed() {
    let facts = listed();
    for (column, (word, folder, wanted)) in
        [("post", "accounting/src", "Post"), ("fold", "ledger/src", "Fold"), ("file", "ledger/src", "File")]
            .into_iter()
            .enumerate()
    {
        let expected = names(facts.iter().filter(|fact| fact.ledger[column] == word));
        assert!(expected.len() > 10, "{expected:?}");
        assert_eq!(implemented(folder, wanted), expected, "{wanted}");
    }
}

#[test]
fn what_a_service_does_with_a_fact_is_listed() {
    let facts = listed();
    for (column, service) in ["Procurement", "Station", "Distribution", "Sales"].into_iter().enumerate() {
        let folder = format!("{}/rules/src", service.to_lowercase());
        let holds = ["Station", "Distribution"].contains(&service);
        let all = |wanted: &str| {
            let mut found = implemented(&folder, &format!("{wanted}<{service}>"));
            if holds {
                found.extend(implemented("rules/src", &format!("{wanted}<H>")));
            }
            found
        };
        let heard = |words: &[&str]| names(facts.iter().filter(|fact| words.contains(&fact.readers[column].as_str())));
        assert_eq!(all("ApplyUpstream"), heard(&["apply", "both"]), "{service}");
        assert_eq!(all("Answer"), heard(&["answer", "asked", "both"]), "{service}");
        assert_eq!(all("Evolve"), names(facts.iter().filter(|fact| fact.service == service)), "{service}");
    }
}

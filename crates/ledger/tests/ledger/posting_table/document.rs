//! Reads the tables of `docs/postings.md`.

use std::collections::{BTreeMap, BTreeSet};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/postings.md");

#[derive(Debug, Default)]
pub(super) struct Document {
    /// By event and case: the lines that it posts.
    pub(super) postings: BTreeMap<(String, String), BTreeSet<String>>,
    /// The events that post nothing.
    pub(super) silent: BTreeSet<String>,
    /// Number, English and Chinese of every account.
    pub(super) accounts: Vec<(String, String, String)>,
}

impl Document {
    pub(super) fn read() -> Self {
        let text = std::fs::read_to_string(PATH).unwrap();
        let mut document = Self::default();
        let mut section = "";
        for line in text.lines() {
            if let Some(heading) = line.strip_prefix("## ") {
                section = heading;
            }
            let Some(row) = line.strip_prefix("| ").and_then(|line| line.strip_suffix(" |")) else { continue };
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            if cells[0].starts_with("---") || ["event", "number"].contains(&cells[0]) {
                continue;
            }
            match (section, &cells[..]) {
                ("Facts about goods" | "Facts about money", [events, case, goods, money]) => {
                    document.posting(events, case, goods, money);
                }
                ("Facts that post nothing", [events, _]) => {
                    document.silent.extend(quoted(events).map(str::to_owned));
                }
                ("Accounts", [number, english, chinese, _]) => {
                    document.accounts.push(((*number).into(), (*english).into(), (*chinese).into()));
                }
                _ => panic!("a row that belongs to no table: {line}"),
            }
        }
        document
    }

    fn posting(&mut self, events: &str, case: &str, goods: &str, money: &str) {
        let mut lines: BTreeSet<String> = quoted(goods).map(str::to_owned).collect();
        for book in quoted(money) {
            let (book, entries) = book.split_once(": ").unwrap_or_else(|| panic!("no book: {book}"));
            lines.extend(entries.split(", ").map(|entry| format!("{book}: {entry}")));
        }
        for event in quoted(events) {
            let before = self.postings.insert((event.to_owned(), case.to_owned()), lines.clone());
            assert_eq!(before, None, "{event}, {case}: two rows");
        }
    }
}

/// What stands between backquotes.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

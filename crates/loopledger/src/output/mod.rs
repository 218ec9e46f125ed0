//! What commands print: text for people, in the width of their terminal, JSON or CSV for programs.

mod csv;
mod pager;
mod report;
mod table;

use std::env;
use std::io::{self, IsTerminal as _};

use console::Term;
use loopledger_client::lang::pick;
use loopledger_client::output::{json, neutral, write};
use loopledger_client::{Failure, say};
use serde_json::Value;

pub(crate) use pager::Pager;
pub(crate) use report::{Cell, Report};
pub(crate) use table::wrap;

/// Columns where neither a terminal nor `COLUMNS` says how many there are.
const COLUMNS_DEFAULT: usize = 80;
/// Fewer cannot hold a table; more than a reader follows with the eye.
const COLUMNS_RANGE: core::ops::RangeInclusive<usize> = 40..=400;

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    Table,
    Json,
    Csv,
}

/// How an answer is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    pub(crate) format: Format,
    /// Ids, facts and hashes too.
    pub(crate) detail: bool,
    /// Columns of the terminal.
    pub(crate) width: usize,
}

impl View {
    pub(crate) fn new(format: Format, detail: bool) -> Self {
        Self { format, detail, width: columns() }
    }

    /// A table without details.
    pub(crate) fn table() -> Self {
        Self::new(Format::Table, false)
    }

    /// Prints a report as the format says.
    pub(crate) fn print(&self, report: &Report) -> Result<(), Failure> {
        write(format_args!("{}", report.render(self)))
    }

    /// Prints reports under each other, an empty line between them; those without rows are left out.
    pub(crate) fn sections<'a>(&self, reports: impl IntoIterator<Item = &'a Report>) -> Result<(), Failure> {
        for (index, report) in reports.into_iter().filter(|report| !report.is_empty()).enumerate() {
            if index > 0 {
                say!()?;
            }
            self.print(report)?;
        }
        Ok(())
    }

    /// Says how details are had, to people who have not asked for them.
    pub(crate) fn more_on_request(&self) -> Result<(), Failure> {
        if self.detail {
            return Ok(());
        }
        self.say(pick("(编号与所依据的记录:--detail)", "(Ids and the facts behind each row: --detail)"))
    }

    /// A sentence, broken at the width.
    pub(crate) fn say(&self, text: &str) -> Result<(), Failure> {
        wrap(&neutral(text), self.width).iter().try_for_each(|line| say!("{line}"))
    }

    /// An answer that is more than one table.
    pub(crate) fn print_json(value: &Value) -> Result<(), Failure> {
        say!("{}", json(value))
    }
}

/// `COLUMNS` if it is set, else the terminal's, else a width that fits everywhere.
fn columns() -> usize {
    let set = env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let terminal = || io::stdout().is_terminal().then(|| Term::stdout().size_checked()).flatten();
    let found = set.or_else(|| terminal().map(|(_, columns)| usize::from(columns))).unwrap_or(COLUMNS_DEFAULT);
    found.clamp(*COLUMNS_RANGE.start(), *COLUMNS_RANGE.end())
}

//! What commands print: text for people, in the width of their terminal, JSON or CSV for programs.

mod pager;
mod report;
mod safe;
mod table;

use core::fmt;
use std::env;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use console::Term;
use serde_json::Value;

pub(crate) use pager::Pager;
#[cfg(test)]
pub(crate) use pager::captured;
pub(crate) use report::{Cell, Report};
pub(crate) use safe::{json_line, neutral};
pub(crate) use table::wrap;

use crate::exit::Failure;
use crate::lang::pick;

/// Columns where neither a terminal nor `COLUMNS` says how many there are.
const COLUMNS_DEFAULT: usize = 80;
/// Fewer cannot hold a table; more than a reader follows with the eye.
const COLUMNS_RANGE: core::ops::RangeInclusive<usize> = 40..=400;

/// `println!` that fails where that one panics: on a closed pipe and on a full disk.
macro_rules! say {
    () => {
        $crate::output::line(format_args!(""))
    };
    ($($text:tt)*) => {
        $crate::output::line(format_args!($($text)*))
    };
}

/// `eprintln!` that does not panic where standard error is closed or full: what is lost is a message, not the work.
macro_rules! note {
    ($($text:tt)*) => {
        $crate::output::aside(format_args!($($text)*))
    };
}

pub(crate) use {note, say};

/// Set by servers, for which a reader of their output that has gone is no reason to end.
static READERS_OPTIONAL: AtomicBool = AtomicBool::new(false);

/// From now on output that cannot be written is dropped.
pub(crate) fn go_on_without_readers() {
    READERS_OPTIONAL.store(true, Ordering::Relaxed);
}

/// See [`say!`].
pub(crate) fn line(text: fmt::Arguments<'_>) -> Result<(), Failure> {
    write(format_args!("{text}\n"))
}

/// The same without an end of line.
pub(crate) fn write(text: fmt::Arguments<'_>) -> Result<(), Failure> {
    match pager::write(text) {
        Err(_) if READERS_OPTIONAL.load(Ordering::Relaxed) => Ok(()),
        written => written.map_err(Failure::output),
    }
}

/// See [`note!`].
pub(crate) fn aside(text: fmt::Arguments<'_>) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}

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
        say!("{}", safe::json(value))
    }
}

/// `COLUMNS` if it is set, else the terminal's, else a width that fits everywhere.
fn columns() -> usize {
    let set = env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let terminal = || io::stdout().is_terminal().then(|| Term::stdout().size_checked()).flatten();
    let found = set.or_else(|| terminal().map(|(_, columns)| usize::from(columns))).unwrap_or(COLUMNS_DEFAULT);
    found.clamp(*COLUMNS_RANGE.start(), *COLUMNS_RANGE.end())
}

//! What commands print: one report, as a table for people, JSON or CSV for programs.
//!
//! Columns align by display width, so Chinese text (two cells a character) stands straight.

use core::fmt;
use std::io::{self, Write};

use serde_json::{Map, Value};
use unicode_width::UnicodeWidthStr;

use crate::exit::Failure;

/// `println!` that fails where that one panics: on a closed pipe and on a full disk.
macro_rules! say {
    () => {
        $crate::output::line(format_args!(""))
    };
    ($($text:tt)*) => {
        $crate::output::line(format_args!($($text)*))
    };
}

pub(crate) use say;

/// See [`say!`].
pub(crate) fn line(text: fmt::Arguments<'_>) -> Result<(), Failure> {
    writeln!(io::stdout().lock(), "{text}").map_err(Failure::output)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    Table,
    Json,
    Csv,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

#[derive(Debug, Clone)]
pub(crate) struct Column {
    /// Stable name in JSON and CSV.
    key: &'static str,
    /// Heading of the table.
    title: &'static str,
    align: Align,
}

/// Rows under named columns.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    title: String,
    columns: Vec<Column>,
    rows: Vec<Vec<Value>>,
}

impl Report {
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), columns: Vec::new(), rows: Vec::new() }
    }

    #[must_use]
    pub(crate) fn text(mut self, key: &'static str, title: &'static str) -> Self {
        self.columns.push(Column { key, title, align: Align::Left });
        self
    }

    #[must_use]
    pub(crate) fn number(mut self, key: &'static str, title: &'static str) -> Self {
        self.columns.push(Column { key, title, align: Align::Right });
        self
    }

    pub(crate) fn row(&mut self, cells: Vec<Value>) {
        self.rows.push(cells);
    }

    pub(crate) fn print(&self, format: Format, out: &mut impl Write) -> io::Result<()> {
        match format {
            Format::Table => self.print_table(out),
            Format::Json => self.print_json(out),
            Format::Csv => self.print_csv(out),
        }
    }

    fn print_table(&self, out: &mut impl Write) -> io::Result<()> {
        let cells: Vec<Vec<String>> = self.rows.iter().map(|row| row.iter().map(plain).collect()).collect();
        let widths: Vec<usize> = self
            .columns
            .iter()
            .enumerate()
            .map(|(index, column)| {
                let widest = cells.iter().filter_map(|row| row.get(index)).map(|cell| cell.width()).max().unwrap_or(0);
                widest.max(column.title.width())
            })
            .collect();
        if !self.title.is_empty() {
            writeln!(out, "{}", self.title)?;
        }
        let titles: Vec<String> = self.columns.iter().map(|column| column.title.to_owned()).collect();
        self.print_line(out, &titles, &widths)?;
        let rule: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
        self.print_line(out, &rule, &widths)?;
        cells.iter().try_for_each(|row| self.print_line(out, row, &widths))
    }

    fn print_line(&self, out: &mut impl Write, cells: &[String], widths: &[usize]) -> io::Result<()> {
        let mut line = String::new();
        for ((cell, width), column) in cells.iter().zip(widths).zip(&self.columns) {
            let padding = " ".repeat(width.saturating_sub(cell.width()));
            if !line.is_empty() {
                line.push_str("  ");
            }
            match column.align {
                Align::Left => line.extend([cell.as_str(), &padding]),
                Align::Right => line.extend([&padding, cell.as_str()]),
            }
        }
        writeln!(out, "{}", line.trim_end())
    }

    /// The rows as objects, for a larger answer that they are part of.
    pub(crate) fn to_json(&self) -> Value {
        let object = |row: &Vec<Value>| -> Map<String, Value> {
            self.columns.iter().zip(row).map(|(column, cell)| (column.key.to_owned(), cell.clone())).collect()
        };
        self.rows.iter().map(|row| Value::Object(object(row))).collect()
    }

    fn print_json(&self, out: &mut impl Write) -> io::Result<()> {
        print_value(&self.to_json(), out)
    }

    fn print_csv(&self, out: &mut impl Write) -> io::Result<()> {
        let keys: Vec<&str> = self.columns.iter().map(|column| column.key).collect();
        writeln!(out, "{}", keys.join(","))?;
        for row in &self.rows {
            let cells: Vec<String> = row.iter().map(|cell| csv_cell(&plain(cell))).collect();
            writeln!(out, "{}", cells.join(","))?;
        }
        Ok(())
    }
}

/// An answer that is more than one table.
pub(crate) fn print_value(value: &Value, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}

fn plain(cell: &Value) -> String {
    match cell {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => cell.to_string(),
    }
}

/// RFC 4180, with text that a spreadsheet would take for a formula made plain; numbers stay numbers.
fn csv_cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '@']) || (text.starts_with('-') && text.parse::<f64>().is_err());
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn report() -> Report {
        let mut report = Report::new("").text("village", "村").number("amount_yuan", "金额(元)");
        report.row(vec![json!("喀拉苏村委会"), json!("901.60")]);
        report.row(vec![json!("Tuoli"), json!("-5.00")]);
        report
    }

    fn printed(report: &Report, format: Format) -> String {
        let mut out = Vec::new();
        report.print(format, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn chinese_and_latin_text_stand_in_one_column() {
        let lines: Vec<usize> = printed(&report(), Format::Table).lines().map(UnicodeWidthStr::width).collect();
        assert!(lines.windows(2).all(|pair| pair[0] == pair[1]), "{lines:?}");
    }

    #[test]
    fn csv_is_quoted_and_never_a_formula() {
        let mut report = Report::new("").text("a", "a").text("b", "b");
        report.row(vec![json!("x,\"y\""), json!("=1+1")]);
        report.row(vec![json!("-5.00"), json!("-cmd")]);
        assert_eq!(printed(&report, Format::Csv), "a,b\n\"x,\"\"y\"\"\",'=1+1\n-5.00,'-cmd\n");
    }

    #[test]
    fn json_has_stable_keys() {
        let value: Value = serde_json::from_str(&printed(&report(), Format::Json)).unwrap();
        assert_eq!(value[0]["amount_yuan"], "901.60");
    }
}

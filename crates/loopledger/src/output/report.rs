//! Rows under named columns: a table for people, or CSV and JSON with stable keys for programs.

use loopledger_client::lang::pick;
use loopledger_client::output::{json, neutral};
use serde_json::{Map, Value};

use super::csv::csv_cell;
use super::{Format, View, table};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// Who a column is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Audience {
    Everybody,
    /// In tables only if all of the table fits then; else a detail.
    IfRoom,
    /// Ids, facts and hashes: in tables below their row, if details are asked for.
    Detail,
    /// JSON and CSV alone: what people are shown in another column.
    Programs,
}

#[derive(Debug, Clone)]
struct Column {
    /// Stable name in JSON and CSV.
    key: &'static str,
    /// Heading of the table.
    title: &'static str,
    align: Align,
    audience: Audience,
}

/// A value for programs, and how people read it if that is another text.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    value: Value,
    shown: Option<String>,
}

impl Cell {
    pub(crate) const fn shown(value: Value, shown: String) -> Self {
        Self { value, shown: Some(shown) }
    }

    pub(crate) const fn value(&self) -> &Value {
        &self.value
    }

    /// As people read it.
    pub(crate) fn text(&self) -> String {
        self.shown.clone().unwrap_or_else(|| plain(&self.value))
    }
}

impl From<Value> for Cell {
    fn from(value: Value) -> Self {
        Self { value, shown: None }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Value::from(text).into()
    }
}

impl From<&String> for Cell {
    fn from(text: &String) -> Self {
        Value::from(text.as_str()).into()
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Value::from(text).into()
    }
}

impl From<u64> for Cell {
    fn from(number: u64) -> Self {
        Value::from(number).into()
    }
}

impl From<u32> for Cell {
    fn from(number: u32) -> Self {
        Value::from(number).into()
    }
}

/// Rows under named columns.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    title: String,
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Report {
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), columns: Vec::new(), rows: Vec::new() }
    }

    #[must_use]
    pub(crate) fn text(self, key: &'static str, chinese: &'static str, english: &'static str) -> Self {
        self.column(key, pick(chinese, english), Align::Left)
    }

    #[must_use]
    pub(crate) fn number(self, key: &'static str, chinese: &'static str, english: &'static str) -> Self {
        self.column(key, pick(chinese, english), Align::Right)
    }

    fn column(mut self, key: &'static str, title: &'static str, align: Align) -> Self {
        self.columns.push(Column { key, title, align, audience: Audience::Everybody });
        self
    }

    /// The last column is shown to people only if they ask for details.
    #[must_use]
    pub(crate) fn on_request(self) -> Self {
        self.last_is_for(Audience::Detail)
    }

    /// The last column is for programs alone.
    #[must_use]
    pub(crate) fn for_programs(self) -> Self {
        self.last_is_for(Audience::Programs)
    }

    /// The last column is shown to people if their terminal is wide enough.
    #[must_use]
    pub(crate) fn if_room(self) -> Self {
        self.last_is_for(Audience::IfRoom)
    }

    fn last_is_for(mut self, audience: Audience) -> Self {
        if let Some(column) = self.columns.last_mut() {
            column.audience = audience;
        }
        self
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        debug_assert_eq!(cells.len(), self.columns.len(), "a cell for each column");
        self.rows.push(cells.into());
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(crate) fn render(&self, view: &View) -> String {
        match view.format {
            Format::Table => self.table(view),
            Format::Json => json(&self.to_json()) + "\n",
            Format::Csv => self.csv(),
        }
    }

    fn table(&self, view: &View) -> String {
        let columns = self.columns.iter().enumerate().filter_map(|(index, column)| {
            let placement = match column.audience {
                Audience::Everybody => table::Placement::Table,
                Audience::IfRoom => table::Placement::IfRoom,
                Audience::Detail => table::Placement::Notes,
                Audience::Programs => return None,
            };
            let texts = self.rows.iter().map(|row| row.get(index).map(Cell::text).unwrap_or_default());
            let cells = texts.map(|text| neutral(&text).into_owned()).collect();
            Some(table::Column { title: column.title, align: column.align, placement, cells })
        });
        table::lay_out(&self.title, &columns.collect::<Vec<_>>(), view.detail, view.width)
    }

    /// Some of the columns, as a report of their own.
    pub(crate) fn part(&self, title: &str, keys: &[&str]) -> Self {
        let chosen: Vec<usize> =
            keys.iter().filter_map(|key| self.columns.iter().position(|column| column.key == *key)).collect();
        let columns = chosen.iter().filter_map(|index| self.columns.get(*index).cloned()).collect();
        let rows = self.rows.iter().map(|row| chosen.iter().filter_map(|index| row.get(*index).cloned()).collect());
        Self { title: title.to_owned(), columns, rows: rows.collect() }
    }

    /// The rows as objects, for a larger answer that they are part of.
    pub(crate) fn to_json(&self) -> Value {
        let object = |row: &Vec<Cell>| -> Map<String, Value> {
            self.columns.iter().zip(row).map(|(column, cell)| (column.key.to_owned(), cell.value.clone())).collect()
        };
        self.rows.iter().map(|row| Value::Object(object(row))).collect()
    }

    fn csv(&self) -> String {
        let keys: Vec<&str> = self.columns.iter().map(|column| column.key).collect();
        let mut csv = keys.join(",") + "\n";
        for row in &self.rows {
            let cells: Vec<String> = row.iter().map(|cell| csv_cell(&plain(&cell.value))).collect();
            csv.push_str(&cells.join(","));
            csv.push('\n');
        }
        csv
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn report() -> Report {
        let mut report = Report::new("收入")
            .text("product", "产品", "Product")
            .number("grams", "数量", "Quantity")
            .text("unit", "单位", "Unit")
            .for_programs()
            .text("fact", "记录", "Fact")
            .on_request();
        let cells = |name: &str, grams: i64, shown: &str| {
            [name.into(), Cell::shown(json!(grams), shown.to_owned()), "克".into(), "station/654224/7".into()]
        };
        report.row(cells("鹰嘴豆", 99_000, "99 公斤"));
        report.row(cells("a", -500, "-0.5 公斤"));
        report
    }

    fn printed(format: Format, detail: bool) -> String {
        report().render(&View { format, detail, width: 80 })
    }

    #[test]
    fn people_read_units_and_programs_count_them() {
        assert_eq!(
            printed(Format::Table, false),
            "收入\n产品         数量\n──────  ─────────\n鹰嘴豆    99 公斤\na       -0.5 公斤\n"
        );
        assert_eq!(
            printed(Format::Csv, false),
            "product,grams,unit,fact\n鹰嘴豆,99000,克,station/654224/7\na,-500,克,station/654224/7\n"
        );
        let value: Value = serde_json::from_str(&printed(Format::Json, false)).unwrap();
        assert_eq!((&value[0]["grams"], &value[0]["unit"]), (&json!(99_000), &json!("克")));
    }

    #[test]
    fn details_are_shown_on_request_below_their_row() {
        let shown = printed(Format::Table, true);
        assert!(shown.contains("鹰嘴豆    99 公斤\n  记录 station/654224/7\na "), "{shown}");
    }

    #[test]
    fn older_texts_are_neutralised_in_tables_and_csv() {
        let mut report = Report::new("").text("label", "名称", "Label");
        report.row(["\u{202e}社作合".into()]);
        report.row([" =1+1".into()]);
        let view = |format| View { format, detail: false, width: 80 };
        assert!(report.render(&view(Format::Table)).contains("\\u{202e}社作合"));
        assert_eq!(report.render(&view(Format::Csv)), "label\n\\u{202e}社作合\n' =1+1\n");
    }
}

//! Laying out a table within the columns of a terminal, measured as they are shown: a Chinese character takes two.
//!
//! What is too wide is made to fit in this order: columns that can be done without become details; long texts are broken
//! within their column; then the columns are divided among several blocks, each of which begins with the first column.

use core::mem;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::report::Align;

/// Between two columns.
const GAP: usize = 2;
/// A text column is not made narrower than this.
const TEXT_MIN: usize = 8;
/// Before the details of a row.
const INDENT: usize = 2;

/// Where a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placement {
    /// In the table.
    Table,
    /// In the table if all of it fits without breaking a text, else with the notes.
    IfRoom,
    /// Below each row, if details are asked for.
    Notes,
}

/// A column with all its cells.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) title: &'static str,
    pub(super) align: Align,
    pub(super) placement: Placement,
    pub(super) cells: Vec<String>,
}

impl Column {
    /// The width at which nothing is broken.
    fn natural(&self) -> usize {
        self.cells.iter().map(|cell| cell.width()).chain([self.title.width()]).max().unwrap_or(0)
    }

    /// The width at which no word is broken, unless it is very long.
    fn least(&self, width: usize) -> usize {
        let natural = self.natural();
        match self.align {
            Align::Right => natural,
            Align::Left => {
                let word = self.cells.iter().map(|cell| longest_word(cell)).max().unwrap_or(0);
                natural.min(word.min(width / 3).max(TEXT_MIN).max(self.title.width()))
            }
        }
    }
}

/// The table with its title; no line is wider than `width`.
pub(super) fn lay_out(title: &str, columns: &[Column], with_notes: bool, width: usize) -> String {
    let mut out = String::new();
    if !title.is_empty() {
        for line in wrap(title, width) {
            push_line(&mut out, &line);
        }
    }
    let (shown, notes) = placed(columns, width);
    let notes = if with_notes { notes } else { Vec::new() };
    let blocks = blocks(&shown, width);
    let last = blocks.len().saturating_sub(1);
    let height = columns.iter().map(|column| column.cells.len()).max().unwrap_or(0);
    for (number, block) in blocks.iter().enumerate() {
        if number > 0 {
            out.push('\n');
        }
        push_cells(&mut out, block, |column| column.title);
        let rules: Vec<String> = block.iter().map(|(_, width)| "─".repeat(*width)).collect();
        push_line(&mut out, &rules.join(&" ".repeat(GAP)));
        for row in 0..height {
            push_cells(&mut out, block, |column| column.cells.get(row).map_or("", String::as_str));
            if number == last {
                push_notes(&mut out, &notes, row, width);
            }
        }
    }
    out
}

/// The columns of the table, and those below its rows.
fn placed(columns: &[Column], width: usize) -> (Vec<&Column>, Vec<&Column>) {
    let fixed = columns.iter().filter(|column| column.placement == Placement::Table);
    let mut used: usize = fixed.map(|column| column.natural().saturating_add(GAP)).sum();
    let (mut shown, mut notes) = (Vec::new(), Vec::new());
    for column in columns {
        let needed = used.saturating_add(column.natural());
        match column.placement {
            Placement::Table => shown.push(column),
            Placement::IfRoom if needed <= width => {
                used = needed.saturating_add(GAP);
                shown.push(column);
            }
            Placement::IfRoom | Placement::Notes => notes.push(column),
        }
    }
    (shown, notes)
}

/// Columns of each block with their widths.
fn blocks<'a>(columns: &[&'a Column], width: usize) -> Vec<Vec<(&'a Column, usize)>> {
    let mut blocks: Vec<Vec<&Column>> = vec![Vec::new()];
    for column in columns {
        let Some(block) = blocks.last_mut() else { break };
        let used: usize = block.iter().map(|member| member.least(width).saturating_add(GAP)).sum();
        if block.len() > 1 && used.saturating_add(column.least(width)) > width {
            blocks.push(columns.iter().take(1).copied().chain([*column]).collect());
        } else {
            block.push(column);
        }
    }
    let sized = blocks.into_iter().map(|members| {
        let mut widths: Vec<usize> = members.iter().map(|member| member.natural()).collect();
        let least: Vec<usize> = members.iter().map(|member| member.least(width)).collect();
        shrink(&mut widths, &least, width);
        members.into_iter().zip(widths).collect()
    });
    sized.collect()
}

/// Takes from the widest column that can give, one cell at a time, until the block fits.
fn shrink(widths: &mut [usize], least: &[usize], width: usize) {
    loop {
        let gaps = widths.len().saturating_sub(1).saturating_mul(GAP);
        if widths.iter().sum::<usize>().saturating_add(gaps) <= width {
            return;
        }
        let givers = widths.iter_mut().zip(least).filter(|(width, least)| **width > **least);
        match givers.max_by_key(|(width, _)| **width) {
            Some((widest, _)) => *widest = widest.saturating_sub(1),
            None => return,
        }
    }
}

/// One row, as many lines high as its longest cell needs.
fn push_cells<'a>(out: &mut String, block: &[(&'a Column, usize)], text: impl Fn(&'a Column) -> &'a str) {
    let cells: Vec<Vec<String>> = block.iter().map(|(column, width)| wrap(text(column), *width)).collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or(0);
    for number in 0..height {
        let mut line = String::new();
        for (index, (cell, (column, width))) in cells.iter().zip(block).enumerate() {
            let text = cell.get(number).map_or("", String::as_str);
            let padding = " ".repeat(width.saturating_sub(text.width()));
            if index > 0 {
                line.push_str(&" ".repeat(GAP));
            }
            match column.align {
                Align::Left => line.extend([text, &padding]),
                Align::Right => line.extend([padding.as_str(), text]),
            }
        }
        push_line(out, line.trim_end());
    }
}

/// Details of a row, as many to a line as fit.
fn push_notes(out: &mut String, notes: &[&Column], row: usize, width: usize) {
    let indent = " ".repeat(INDENT);
    let mut line = String::new();
    let texts = notes.iter().filter_map(|column| Some((column.title, column.cells.get(row)?)));
    for (name, text) in texts.filter(|(_, text)| !text.is_empty()) {
        let note = format!("{name} {text}");
        let needed = line.width().saturating_add(GAP).saturating_add(note.width());
        if !line.is_empty() && needed <= width {
            line.push_str(&" ".repeat(GAP));
            line.push_str(&note);
            continue;
        }
        if !line.is_empty() {
            push_line(out, &line);
        }
        let mut parts = wrap(&note, width.saturating_sub(INDENT));
        let rest = parts.pop().unwrap_or_default();
        for part in parts {
            push_line(out, &format!("{indent}{part}"));
        }
        line = format!("{indent}{rest}");
    }
    if !line.is_empty() {
        push_line(out, &line);
    }
}

fn push_line(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}

/// After these a word may be broken; wide characters are words of their own.
const JOINTS: [char; 3] = [' ', '-', '/'];
/// No line ends with an opening bracket.
const OPENING: [char; 9] = ['(', '[', '{', '<', '(', '《', '「', '『', '【'];
/// No line begins with a closing one, or with what ends a clause.
const CLOSING: [char; 18] =
    [')', ']', '}', '>', ')', '》', '」', '』', '】', ',', '。', '、', ';', ':', '!', '?', '…', '·'];

fn is_wide(c: char) -> bool {
    c.width().unwrap_or(0) > 1
}

/// Whether a line may end between two characters.
fn may_break(before: char, after: char) -> bool {
    let between_words = JOINTS.contains(&before) || is_wide(before) || is_wide(after);
    between_words && after != ' ' && !OPENING.contains(&before) && !CLOSING.contains(&after)
}

/// Cells of the longest part of a text that is not broken without need.
fn longest_word(text: &str) -> usize {
    let (mut longest, mut current, mut before) = (0_usize, 0_usize, None);
    for c in text.chars() {
        if before.is_some_and(|before| may_break(before, c)) {
            current = 0;
        }
        if c != ' ' {
            current = current.saturating_add(c.width().unwrap_or(0));
        }
        longest = longest.max(current);
        before = Some(c);
    }
    longest
}

/// The text in lines of at most `width` columns: broken between words where it can be, else within one.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let (mut line, mut used) = (String::new(), 0_usize);
    // Length of the line up to the last place where it may end.
    let mut end = 0_usize;
    for c in text.chars() {
        let needed = c.width().unwrap_or(0);
        if line.chars().next_back().is_some_and(|before| may_break(before, c)) {
            end = line.len();
        }
        if used.saturating_add(needed) > width && !line.is_empty() {
            if c == ' ' {
                // The space of the break is on neither line.
                lines.push(mem::take(&mut line).trim_end().to_owned());
                (used, end) = (0, 0);
                continue;
            }
            let rest = line.split_off(if end == 0 { line.len() } else { end });
            lines.push(mem::replace(&mut line, rest).trim_end().to_owned());
            (used, end) = (line.width(), 0);
        }
        line.push(c);
        used = used.saturating_add(needed);
    }
    lines.push(line.trim_end().to_owned());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(title: &'static str, align: Align, placement: Placement, cells: &[&str]) -> Column {
        Column { title, align, placement, cells: cells.iter().map(|cell| (*cell).to_owned()).collect() }
    }

    fn text(title: &'static str, cells: &[&str]) -> Column {
        column(title, Align::Left, Placement::Table, cells)
    }

    fn number(title: &'static str, cells: &[&str]) -> Column {
        column(title, Align::Right, Placement::Table, cells)
    }

    #[test]
    fn columns_stand_straight_by_display_width() {
        let columns = [text("产品", &["鹰嘴豆", "a"]), number("金额", &["901.60", "-3.00"])];
        let laid_out = lay_out("收入", &columns, false, 80);
        assert_eq!(laid_out, "收入\n产品      金额\n──────  ──────\n鹰嘴豆  901.60\na        -3.00\n");
    }

    #[test]
    fn a_long_text_is_broken_within_its_column() {
        let columns = [text("名称", &["新疆托里县巴尔鲁克农民专业合作社"]), number("金额", &["901.60"])];
        let laid_out = lay_out("", &columns, false, 24);
        let expected =
            "名称                金额\n────────────────  ──────\n新疆托里县巴尔鲁  901.60\n克农民专业合作社\n";
        assert_eq!(laid_out, expected);
    }

    #[test]
    fn columns_that_do_not_fit_follow_in_a_block_of_their_own() {
        let mut columns = vec![text("产品", &["a"])];
        columns.extend((0..5).map(|_| number("数量", &["1000000"])));
        let laid_out = lay_out("", &columns, false, 24);
        assert_eq!(laid_out.matches("\n\n").count(), 2, "{laid_out}");
        assert!(laid_out.lines().all(|line| line.width() <= 24), "{laid_out}");
        assert_eq!(laid_out.matches('a').count(), 3, "each block names its row: {laid_out}");
    }

    #[test]
    fn a_column_without_room_is_a_detail() {
        let columns = [text("日期", &["2020-04-06"]), column("站点", Align::Left, Placement::IfRoom, &["库普乡站"])];
        assert!(lay_out("", &columns, false, 24).contains("库普乡站"));
        assert!(!lay_out("", &columns, false, 16).contains("库普乡站"));
        assert!(lay_out("", &columns, true, 16).contains("2020-04-06\n  站点 库普乡站\n"));
    }

    #[test]
    fn no_line_is_wider_than_asked() {
        let id = "6f1f7d2e-0d5c-4c65-9a3a-2f5d6f0a7b11";
        let columns = [
            text("日期", &["2020-04-06"]),
            text("事项", &["collected at the station"]),
            column("农户", Align::Left, Placement::IfRoom, &[id]),
            text("说明", &["库普乡合作社"]),
            number("数量", &["1,234.5 公斤"]),
            number("金额", &["-99.00"]),
            column("批次", Align::Left, Placement::Notes, &[id]),
            column("记录", Align::Left, Placement::Notes, &["station/654224/1042"]),
        ];
        for width in 40..130 {
            let laid_out = lay_out("题目 ".repeat(30).trim(), &columns, true, width);
            let wide = laid_out.lines().find(|line| line.width() > width);
            assert_eq!(wide, None, "at {width}:\n{laid_out}");
        }
    }

    #[test]
    fn words_stay_whole_where_they_can() {
        for (text, width, expected) in [
            ("a bb ccc dddd", 6, &["a bb", "ccc", "dddd"][..]),
            ("abcdefgh", 3, &["abc", "def", "gh"]),
            ("托里县合作社", 5, &["托里", "县合", "作社"]),
            ("", 5, &[""]),
            ("abc def", 3, &["abc", "def"]),
            ("2acecfd1-a04a-49aa", 14, &["2acecfd1-a04a-", "49aa"]),
            ("station/654224/1042", 16, &["station/654224/", "1042"]),
            ("第1户 abc", 6, &["第1户", "abc"]),
            ("农户数 [默认: 400]", 8, &["农户数", "[默认:", "400]"]),
            ("数量,金额", 4, &["数", "量,", "金额"]),
        ] {
            assert_eq!(wrap(text, width), expected, "{text} at {width}");
        }
    }
}

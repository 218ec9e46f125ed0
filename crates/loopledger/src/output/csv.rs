//! Cells of CSV: escapes control characters and formulas in texts from older data, for spreadsheets.

use loopledger_client::output::neutral;

/// A cell by RFC 4180. A text that a spreadsheet would take for a formula is made plain; numbers stay numbers.
pub(super) fn csv_cell(text: &str) -> String {
    let text = neutral(text);
    let guard = if is_formula(&text) { "'" } else { "" };
    if text.contains([',', '"']) {
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    } else {
        format!("{guard}{text}")
    }
}

/// What spreadsheets begin a formula with, also behind spaces and in the full width that they fold.
fn is_formula(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '−', '\t', '\r']) && !is_number(text)
}

/// An amount, a quantity or a percentage.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let digits = digits.strip_suffix('%').unwrap_or(digits);
    digits.bytes().filter(|byte| *byte == b'.').count() <= 1
        && digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_quoted_and_never_a_formula() {
        for (text, expected) in [
            ("x,\"y\"", "\"x,\"\"y\"\"\""),
            ("=1+1", "'=1+1"),
            (" =1+1", "' =1+1"),
            ("\u{3000}=1+1", "'\u{3000}=1+1"),
            ("＝1+1", "'＝1+1"),
            ("＠a", "'＠a"),
            ("－1", "'－1"),
            ("+1", "'+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("=a,b", "\"'=a,b\""),
            ("\t=1", "\\u{9}=1"),
            ("-cmd", "'-cmd"),
            ("-inf", "'-inf"),
            ("-5.00", "-5.00"),
            ("-5.00%", "-5.00%"),
            ("鹰嘴豆", "鹰嘴豆"),
        ] {
            assert_eq!(csv_cell(text), expected, "{text:?}");
        }
    }
}

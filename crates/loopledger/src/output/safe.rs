//! Escapes control characters and formulas in texts from older data, for terminals and spreadsheets.

use std::borrow::Cow;
use std::fmt::Write as _;

use loopledger_types::text_fault;
use serde_json::Value;

/// The text with every character that a terminal would obey, or that cannot be seen, spelt out: `\u{202e}`.
pub(crate) fn neutral(text: &str) -> Cow<'_, str> {
    if text_fault(text).is_none() {
        return Cow::Borrowed(text);
    }
    let spelt = text.chars().fold(String::with_capacity(text.len()), |mut spelt, c| {
        match text_fault(c.encode_utf8(&mut [0; 4])) {
            None => spelt.push(c),
            Some(_) => write!(spelt, "{}", c.escape_unicode()).expect("writing to a string does not fail"),
        }
        spelt
    });
    Cow::Owned(spelt)
}

/// A cell by RFC 4180. A text that a spreadsheet would take for a formula is made plain; numbers stay numbers.
pub(crate) fn csv_cell(text: &str) -> String {
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

/// Indented JSON. Characters that a terminal would obey are escaped: the value is the same.
pub(crate) fn json(value: &Value) -> String {
    escaped(&format!("{value:#}"))
}

/// The same in one line.
pub(crate) fn json_line(value: &Value) -> String {
    escaped(&value.to_string())
}

/// Outside of strings JSON has none of these characters but the ends of lines, and inside it has those escaped.
fn escaped(json: &str) -> String {
    let is_fault = |c: char| c != '\n' && text_fault(c.encode_utf8(&mut [0; 4])).is_some();
    json.chars().fold(String::with_capacity(json.len()), |mut escaped, c| {
        if is_fault(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                write!(escaped, "\\u{unit:04x}").expect("writing to a string does not fail");
            }
        } else {
            escaped.push(c);
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_spelt_out() {
        assert_eq!(neutral("托里县合作社"), "托里县合作社");
        assert_eq!(neutral("\u{202e}社作合"), "\\u{202e}社作合");
        assert_eq!(neutral("a\u{1b}[31mb\u{2028}\n"), "a\\u{1b}[31mb\\u{2028}\\u{a}");
    }

    #[test]
    fn json_keeps_its_value_and_shows_what_is_in_it() {
        let value = json!({ "label": "\u{202e}社\n\u{e0041}", "n": [1, 2] });
        for text in [json(&value), json_line(&value)] {
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
            assert!(text.contains("\\u202e社") && text.contains("\\udb40\\udc41"), "{text}");
        }
    }

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

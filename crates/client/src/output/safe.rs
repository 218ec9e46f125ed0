//! Escapes control characters in texts from older data, for terminals.

use std::borrow::Cow;
use std::fmt::Write as _;

use loopledger_types::text_fault;
use serde_json::Value;

/// The text with every character that a terminal would obey, or that cannot be seen, spelt out: `\u{202e}`.
pub fn neutral(text: &str) -> Cow<'_, str> {
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

/// Indented JSON. Characters that a terminal would obey are escaped: the value is the same.
pub fn json(value: &Value) -> String {
    escaped(&format!("{value:#}"))
}

/// The same in one line.
pub fn json_line(value: &Value) -> String {
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
}

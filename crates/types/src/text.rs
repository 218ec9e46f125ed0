//! Texts that people type: permitted characters, and when two texts look the same.
//!
//! The text is stored as it was typed, without surrounding white space. [`comparison_key`] is the key by which codes and
//! numbers must be unique; it is never stored on the log. Unicode guarantees that the key of assigned characters never
//! changes, so codes with unassigned ones are refused ([`TextFault::Unassigned`]), and every build computes the same
//! key.

use caseless::default_case_fold_str;
use unicode_normalization::UnicodeNormalization as _;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

/// Why a text cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextFault {
    #[error("Control characters are not allowed.")]
    Control,
    #[error("Line and paragraph separators are not allowed.")]
    LineSeparator,
    /// Also the overrides of the direction of writing, and joiners of no width.
    #[error("Invisible format characters are not allowed.")]
    Format,
    #[error("Blank characters other than spaces are not allowed.")]
    Blank,
    #[error("A code holds only characters that Unicode has assigned.")]
    Unassigned,
}

/// The first character that no text may hold.
pub fn text_fault(text: &str) -> Option<TextFault> {
    text.chars().find_map(fault)
}

/// The first character that a code or a number, which is compared, may not hold.
pub fn code_fault(text: &str) -> Option<TextFault> {
    let unassigned = |c: char| !c.is_ascii() && c.general_category() == GeneralCategory::Unassigned;
    text_fault(text).or_else(|| text.contains(unassigned).then_some(TextFault::Unassigned))
}

fn fault(c: char) -> Option<TextFault> {
    if c.is_ascii() {
        return c.is_ascii_control().then_some(TextFault::Control);
    }
    if is_blank(c) {
        return Some(TextFault::Blank);
    }
    let category = c.general_category();
    let faults = [
        (GeneralCategory::Control, TextFault::Control),
        (GeneralCategory::Format, TextFault::Format),
        (GeneralCategory::LineSeparator, TextFault::LineSeparator),
        (GeneralCategory::ParagraphSeparator, TextFault::LineSeparator),
    ];
    faults.into_iter().find_map(|(of, fault)| (of == category).then_some(fault))
}

/// Letters and symbols that show nothing: fillers of Hangul and Khmer, the joiner of graphemes, the empty Braille cell.
/// Selectors of variants are not among them: they choose between the forms of a Han character.
const fn is_blank(c: char) -> bool {
    matches!(c, '\u{034f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}')
}

/// Selectors of variants, which change at most how the character before them is drawn.
const fn is_variation_selector(c: char) -> bool {
    matches!(c, '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Whether anything of the text can be seen: more than spaces, marks without a letter, and what [`text_fault`] refuses.
pub fn is_visible(text: &str) -> bool {
    let shows = |c: char| {
        !c.is_whitespace()
            && fault(c).is_none()
            && !matches!(
                c.general_category(),
                GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark | GeneralCategory::SpacingMark
            )
    };
    text.chars().any(|c| c.is_ascii_graphic() || shows(c))
}

/// What two texts have in common if they look the same: compatibility forms (full width, ligatures), case, selectors of
/// variants and the amount of white space do not tell them apart. Letters of other scripts that look alike do.
pub fn comparison_key(text: &str) -> String {
    if text.is_ascii() {
        return single_spaced(&text.to_ascii_lowercase());
    }
    let composed: String = text.nfkc().filter(|c| !is_variation_selector(*c)).collect();
    let folded: String = default_case_fold_str(&composed).nfkc().collect();
    single_spaced(&folded)
}

fn single_spaced(text: &str) -> String {
    let mut spaced = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !spaced.is_empty() {
            spaced.push(' ');
        }
        spaced.push_str(word);
    }
    spaced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_look_the_same_have_one_key() {
        for same in
            ["chickpea", " chickpea ", "Chickpea", "ｃhickpea", "chickpea\u{3000}", "CHICKPEA", "chickpea\u{fe0f}"]
        {
            assert_eq!(comparison_key(same), "chickpea", "{same:?}");
        }
        for (one, other) in
            [("№1", "No1"), ("一　号", "一 号"), ("ß", "SS"), ("ﬁ", "fi"), ("１２", "12"), ("e\u{301}", "É")]
        {
            assert_eq!(comparison_key(one), comparison_key(other), "{one:?} {other:?}");
        }
        for (one, other) in [("鹰嘴豆", "鹰咀豆"), ("a1", "a 1"), ("01", "1"), ("а", "a")] {
            assert_ne!(comparison_key(one), comparison_key(other), "{one:?} {other:?}");
        }
    }

    #[test]
    fn a_key_is_its_own_key() {
        for text in ["ǅ", "ΐ", "İ", "ﷺ", "㎏", "ｶﾞ", "Å", "\u{1e9b}\u{323}", "ᾳ", "鹰嘴豆", " A  b "] {
            let key = comparison_key(text);
            assert_eq!(comparison_key(&key), key, "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_refused() {
        for (text, fault) in [
            ("a\u{0}", TextFault::Control),
            ("a\tb", TextFault::Control),
            ("\u{85}", TextFault::Control),
            ("a\u{2028}b", TextFault::LineSeparator),
            ("a\u{2029}b", TextFault::LineSeparator),
            ("\u{200b}", TextFault::Format),
            ("\u{202e}社作合", TextFault::Format),
            ("\u{2066}a\u{2069}", TextFault::Format),
            ("\u{feff}a", TextFault::Format),
            ("soft\u{ad}hyphen", TextFault::Format),
            ("\u{e0041}", TextFault::Format),
            ("\u{3164}", TextFault::Blank),
            ("a\u{2800}", TextFault::Blank),
        ] {
            assert_eq!(text_fault(text), Some(fault), "{text:?}");
        }
        for fine in ["鹰嘴豆", "Қазақ", "قازاق", "བོད", "ᠮᠣᠩ", "葛\u{e0100}", "A-1/2 №7", "😀", "a\u{3000}b"]
        {
            assert_eq!(text_fault(fine), None, "{fine:?}");
            assert!(is_visible(fine), "{fine:?}");
        }
        for nothing in ["", "  ", "\u{3000}\u{a0}", "\u{200b}", "\u{3164}", "\u{301}", "\u{fe0f}"] {
            assert!(!is_visible(nothing), "{nothing:?}");
        }
    }

    #[test]
    fn a_code_holds_only_assigned_characters() {
        assert_eq!(code_fault("a\u{378}"), Some(TextFault::Unassigned));
        assert_eq!(text_fault("a\u{378}"), None);
        assert_eq!(code_fault("\u{200b}"), Some(TextFault::Format));
        assert_eq!(code_fault("托里-7"), None);
    }
}

//! Checks of texts.

use loopledger_domain::FieldFault;
use loopledger_types::{TextFault, code_fault, is_visible, text_fault};

use super::check::{Check, NUMBER_MAX};
use super::path::FieldPath;

impl Check {
    /// A text that shows something, without the white space around it and without characters that cannot be seen.
    pub(crate) fn text(&mut self, at: FieldPath<'_>, text: &str, most: usize) -> Option<String> {
        if text.trim().is_empty() {
            return self.wrong(at, FieldFault::Required, "This field must not be empty.");
        }
        self.optional_text(at, text, most)
    }

    /// The same; empty means none.
    pub(crate) fn optional_text(&mut self, at: FieldPath<'_>, text: &str, most: usize) -> Option<String> {
        self.trimmed(at, text, most, text_fault)
    }

    /// A text that others are compared with: a code, a number on paper, a label of a lot.
    pub(crate) fn code(&mut self, at: FieldPath<'_>, text: &str) -> Option<String> {
        if text.trim().is_empty() {
            return self.wrong(at, FieldFault::Required, "This field must not be empty.");
        }
        self.trimmed(at, text, NUMBER_MAX, code_fault)
    }

    fn trimmed(
        &mut self,
        at: FieldPath<'_>,
        text: &str,
        most: usize,
        fault: fn(&str) -> Option<TextFault>,
    ) -> Option<String> {
        let text = text.trim();
        if text.chars().nth(most).is_some() {
            return self.wrong(at, FieldFault::TooLong, format!("At most {most} characters."));
        }
        if let Some(fault) = fault(text) {
            let reason = match fault {
                TextFault::Control => FieldFault::ControlCharacter,
                TextFault::LineSeparator => FieldFault::LineSeparator,
                TextFault::Format => FieldFault::FormatCharacter,
                TextFault::Blank => FieldFault::BlankCharacter,
                TextFault::Unassigned => FieldFault::UnassignedCharacter,
            };
            return self.wrong(at, reason, fault.to_string());
        }
        if !text.is_empty() && !is_visible(text) {
            return self.wrong(at, FieldFault::NothingVisible, "This text shows nothing.");
        }
        Some(text.to_owned())
    }
}

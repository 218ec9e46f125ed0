//! The path of a field.

use core::fmt;

/// A field's path, on the stack: spelt out only if the field is wrong.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FieldPath<'a> {
    parent: Option<&'a FieldPath<'a>>,
    name: &'static str,
    index: Option<usize>,
}

/// A field of the request itself.
pub(crate) const fn at(name: &'static str) -> FieldPath<'static> {
    FieldPath { parent: None, name, index: None }
}

impl FieldPath<'_> {
    /// A field of the message that this field holds.
    pub(crate) const fn field(&self, name: &'static str) -> FieldPath<'_> {
        FieldPath { parent: Some(self), name, index: None }
    }

    /// An item of the list that this field holds.
    pub(crate) const fn item(&self, index: usize) -> FieldPath<'_> {
        FieldPath { parent: self.parent, name: self.name, index: Some(index) }
    }
}

impl fmt::Display for FieldPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            write!(f, "{parent}.")?;
        }
        f.write_str(self.name)?;
        self.index.map_or(Ok(()), |index| write!(f, "[{index}]"))
    }
}

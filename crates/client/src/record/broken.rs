//! A line that cannot be sent, with every error in it, in both languages.

use core::fmt;

use crate::lang::{Lang, lang};
use crate::output::neutral;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    /// As it is written in the line, e.g. `station.collectGoods.gross.value`; empty: the line itself.
    pub(super) field: String,
    pub(super) chinese: String,
    pub(super) english: String,
}

impl Wrong {
    pub(super) fn of_line(chinese: impl Into<String>, english: impl Into<String>) -> Self {
        Self { field: String::new(), chinese: chinese.into(), english: english.into() }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.field.is_empty() {
            write!(f, "{}: ", neutral(&self.field))?;
        }
        let (first, second) = match lang() {
            Lang::Chinese => (&self.chinese, &self.english),
            Lang::English => (&self.english, &self.chinese),
        };
        write!(f, "{} ({})", neutral(first), neutral(second))
    }
}

/// The line at which reading stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// From 1, as an editor counts.
    pub(super) number: u64,
    pub(super) wrong: Vec<Wrong>,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match lang() {
            Lang::Chinese => write!(f, "文件第 {} 行有误 (line {} of the file):", self.number, self.number)?,
            Lang::English => write!(f, "line {} of the file (文件第 {} 行):", self.number, self.number)?,
        }
        match self.wrong.as_slice() {
            [only] => write!(f, " {only}"),
            several => several.iter().try_for_each(|wrong| write!(f, "\n  {wrong}")),
        }
    }
}

//! People's numbers of papers: each issuer gives a number once in a business year, unless a caller says that it is meant.

use core::fmt::{Debug, Display};

use loopledger_types::BusinessDate;

use crate::{FieldFault, Rejection, Rule, Violation};

/// The most papers that may have one number, so that what is kept of a number stays small.
pub const SAME_NUMBER_MAX: usize = 20;

/// A paper that has a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paper<T> {
    pub id: T,
    /// Business date.
    pub on: BusinessDate,
}

/// The paper that a new one shares its number with. Refused unless the caller named one of those that have the number.
pub fn same_number<T: Copy + Eq + Debug + Display>(
    papers: &[Paper<T>],
    meant: Option<T>,
    number: &str,
) -> Result<Option<T>, Rejection> {
    if let Some(meant) = meant
        && !papers.iter().any(|paper| paper.id == meant)
    {
        let description = "No paper of this number and year has that id.";
        return Err(Rejection::Invalid(vec![Violation::new("same_number_as", FieldFault::OtherNumber, description)]));
    }
    match papers.first() {
        Some(first) if meant.is_none() || papers.len() >= SAME_NUMBER_MAX => {
            let taken = Rejection::broken(Rule::NumberTaken, first.id);
            Err(taken.with("number", number).with("business_date", first.on).with("papers", papers.len()))
        }
        Some(_) | None => Ok(meant),
    }
}

/// The same papers and one more.
pub fn with<T: Copy>(papers: &[Paper<T>], id: T, on: BusinessDate) -> Box<[Paper<T>]> {
    papers.iter().copied().chain([Paper { id, on }]).collect()
}

/// The same papers without one: its number is free for another.
pub fn without<T: Copy + Eq>(papers: &[Paper<T>], id: T) -> Box<[Paper<T>]> {
    papers.iter().copied().filter(|paper| paper.id != id).collect()
}

//! Pages as sled's values: a large one in parts.
//!
//! sled keeps 8 to 17 values in a node, reads whole nodes, and puts a node of more than 128 KiB into a file of its own,
//! which its cache then counts as a few bytes and never lets go: twice the memory for a store of 2 million commits. So
//! no value is larger than an eighteenth of that.

use sled::{IVec, Tree};

use super::page::{Page, PageError, stated_length};
use super::panics::{self, catch};
use super::pipeline::failed;
use crate::StoreError;

const PART_BYTES: usize = 7 * 1024;

/// Into how many values a page goes.
pub(crate) fn count(page: &Page) -> u32 {
    u32::try_from(page.bytes().len().div_ceil(PART_BYTES)).expect("a page is far below 4 GiB")
}

/// The key of part `number`: the page's own for the first.
pub(crate) fn key(page_key: &[u8], number: u32) -> IVec {
    match number {
        0 => IVec::from(page_key),
        _ => IVec::from([page_key, &number.to_be_bytes()].concat()),
    }
}

/// The values of a page stored under `page_key`.
pub(crate) fn split<'a>(page_key: &'a [u8], page: &'a Page) -> impl Iterator<Item = (IVec, IVec)> + 'a {
    let whole = page.bytes().len() <= PART_BYTES;
    let parts = (0..).zip(page.bytes().chunks(PART_BYTES));
    parts.map(move |(number, part)| {
        let value = if whole { page.bytes().clone() } else { IVec::from(part) };
        (key(page_key, number), value)
    })
}

/// Reads one page.
pub(crate) fn fetch(tree: &Tree, page_key: &[u8]) -> Result<Page, StoreError> {
    Page::open(fetch_bytes(tree, page_key)?).map_err(page_error)
}

/// Reads what should be one page, if there is any.
pub(crate) fn fetch_if_any(tree: &Tree, page_key: &[u8]) -> Result<Option<IVec>, StoreError> {
    match fetch_bytes(tree, page_key) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(MISSING) => Ok(None),
        Err(error) => Err(error),
    }
}

const MISSING: StoreError = StoreError::Corrupt("a page is missing");

fn fetch_bytes(tree: &Tree, page_key: &[u8]) -> Result<IVec, StoreError> {
    let first = get(tree, page_key)?.ok_or(MISSING)?;
    let length = stated_length(&first).unwrap_or(0);
    if first.len() >= length {
        return Ok(first);
    }
    let mut bytes = first.to_vec();
    let mut number = 1;
    while bytes.len() < length {
        let part = get(tree, &key(page_key, number))?.filter(|part| !part.is_empty());
        bytes.extend_from_slice(&part.ok_or(StoreError::Corrupt("a part of a page is missing"))?);
        number = number.saturating_add(1);
    }
    Ok(IVec::from(bytes))
}

/// sled may panic on damaged files instead of failing.
fn get(tree: &Tree, key: &[u8]) -> Result<Option<IVec>, StoreError> {
    match catch(|| tree.get(key)) {
        Ok(read) => read.map_err(failed),
        Err(text) if panics::names_system_error(&text) => Err(StoreError::Resource(text)),
        Err(_) => Err(StoreError::Corrupt("reading a page panicked")),
    }
}

pub(crate) fn page_error(error: PageError) -> StoreError {
    match error {
        PageError::Version(_) => StoreError::Corrupt("a page is of another version"),
        PageError::Damaged => StoreError::Corrupt("a page's checksum does not match"),
    }
}

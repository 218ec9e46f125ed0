//! Pages of lists. They are cut in the writer's task, so a page costs what it shows, not what comes before or after it.

use loopledger_domain::{FieldFault, Rejection};
use loopledger_wire::query::Page;
use prost::Message;

/// What the rows of a page come to at most, in bytes, besides one row: well below what a message may have.
const PAGE_BYTES_MAX: usize = 2 * 1_024 * 1_024;

/// The key after which a page begins, in the form in which [`fill`] wrote it.
pub fn begins_after<const N: usize>(page: &Page) -> Result<Option<[u8; N]>, Rejection> {
    let Some(after) = &page.after else { return Ok(None) };
    match <[u8; N]>::try_from(after.as_slice()) {
        Ok(key) => Ok(Some(key)),
        Err(_) => {
            Err(Rejection::invalid("page_token", FieldFault::MalformedPageToken, "This token is not one of this list."))
        }
    }
}

/// The first rows, as many as the page has room for, and the token of the next page. `rows` begin after the page's key.
pub fn fill<K: AsRef<[u8]>, R: Message>(page: &Page, rows: impl IntoIterator<Item = (K, R)>) -> (Vec<R>, String) {
    let mut filled = Vec::new();
    let mut bytes = 0_usize;
    let mut last: Option<K> = None;
    for (key, row) in rows {
        if let Some(last) = last.filter(|_| filled.len() >= page.size || bytes >= PAGE_BYTES_MAX) {
            return (filled, Page::token(last.as_ref()));
        }
        bytes = bytes.saturating_add(row.encoded_len());
        filled.push(row);
        last = Some(key);
    }
    (filled, String::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(rows: &[(u16, String)], size: u32) -> (Vec<String>, usize) {
        let (mut seen, mut token, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let page = Page::parse(size, &token).unwrap();
            let after = begins_after::<2>(&page).unwrap().map(u16::from_be_bytes);
            let rest = rows.iter().filter(|(key, _)| after.is_none_or(|after| *key > after));
            let (filled, next) = fill(&page, rest.map(|(key, row)| (key.to_be_bytes(), row.clone())));
            assert!(filled.len() <= page.size);
            seen.extend(filled);
            pages = usize::saturating_add(pages, 1);
            token = next;
            if token.is_empty() {
                return (seen, pages);
            }
        }
    }

    #[test]
    fn pages_follow_each_other_without_gap_or_repeat() {
        let rows: Vec<_> = (0..250).map(|key| (key, key.to_string())).collect();
        let texts: Vec<_> = rows.iter().map(|(_, row)| row.clone()).collect();
        for (size, pages) in [(1, 250), (100, 3), (125, 2), (250, 1), (1_000, 1)] {
            assert_eq!(all(&rows, size), (texts.clone(), pages), "{size}");
        }
        assert_eq!(all(&[], 10), (vec![], 1));
    }

    #[test]
    fn a_page_of_long_rows_has_fewer() {
        let rows: Vec<_> = (0..100).map(|key| (key, "x".repeat(100_000))).collect();
        let (seen, pages) = all(&rows, 100);
        assert_eq!((seen.len(), pages), (100, 5), "21 rows of 100 kB are beyond 2 MiB");
    }

    #[test]
    fn a_token_of_another_list_is_refused() {
        let page = Page::parse(1, &Page::token(&[1, 2, 3])).unwrap();
        assert!(begins_after::<16>(&page).is_err());
    }
}

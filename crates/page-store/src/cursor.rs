//! Walks several sources of entries in key order, newest version first.

use std::sync::Arc;

use super::overlay::{Place, key_at};
use super::page::{Entry, Key, Page, Span};
use super::run::Run;
use crate::{StoreError, StreamKey};

#[derive(Debug)]
enum Kind {
    Memory { pages: Vec<Page>, order: std::vec::IntoIter<Place> },
    Run { run: Arc<Run>, block: u32, next: u32 },
}

/// What is walked: a stream's keys under a prefix, or everything.
pub(crate) type Scope<'a> = Option<Key<'a>>;

fn contains(scope: Scope<'_>, key: Key<'_>) -> bool {
    scope.is_none_or(|(stream, prefix)| key.0 == stream && key.1.starts_with(prefix))
}

/// One sorted source, standing on an entry.
#[derive(Debug)]
pub(crate) struct Source {
    kind: Kind,
    page: Page,
    span: Span,
}

impl Source {
    /// The newest versions in an overlay's snapshot; `None` if that is nothing.
    pub(crate) fn memory(pages: Vec<Page>, scope: Scope<'_>) -> Option<Self> {
        let page = pages.first()?.clone();
        let mut digested =
            Vec::with_capacity(pages.iter().map(|page| usize::try_from(page.count()).unwrap_or(0)).sum());
        for (number, page) in (0..).zip(&pages) {
            let offsets = (0..page.count()).map_while(|entry| page.offset(entry));
            let keys = offsets.filter_map(|at| page.key_at(at).map(|key| (at, (page.stream(), key))));
            let wanted = keys.filter(|(_, key)| contains(scope, *key));
            digested.extend(wanted.map(|(at, key)| (first_bytes(key), (number, at))));
        }
        // Most keys differ in their first bytes, which are compared without touching the pages. The newest of a key's
        // versions comes first and stays.
        let by_key = |a: Place, b: Place| key_at(&pages, a).cmp(&key_at(&pages, b));
        digested.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| by_key(a.1, b.1)).then_with(|| b.1.cmp(&a.1)));
        digested.dedup_by(|later, kept| later.0 == kept.0 && by_key(later.1, kept.1).is_eq());
        let order: Vec<Place> = digested.into_iter().map(|(_, place)| place).collect();
        let kind = Kind::Memory { pages, order: order.into_iter() };
        let mut source = Self { kind, page, span: Span::default() };
        source.step_memory().then_some(source)
    }

    /// `None` if the run has nothing of it.
    pub(crate) fn run(run: Arc<Run>, scope: Scope<'_>) -> Result<Option<Self>, StoreError> {
        let first = scope.unwrap_or_default();
        let block = run.block_for(first);
        let Some(page) = run.block(block)? else { return Ok(None) };
        let next = page.lower_bound(first);
        let mut source = Self { kind: Kind::Run { run, block, next }, page, span: Span::default() };
        Ok(source.advance(scope)?.then_some(source))
    }

    fn key(&self) -> Key<'_> {
        (self.page.stream(), self.page.key(&self.span))
    }

    /// Moves on; whether there is an entry.
    fn advance(&mut self, scope: Scope<'_>) -> Result<bool, StoreError> {
        let found = match self.kind {
            Kind::Memory { .. } => return Ok(self.step_memory()),
            Kind::Run { .. } => self.step_run()?,
        };
        Ok(found && contains(scope, self.key()))
    }

    fn step_memory(&mut self) -> bool {
        let Kind::Memory { pages, order } = &mut self.kind else { return false };
        let place = order.next().and_then(|(page, offset)| Some((pages.get(usize::try_from(page).ok()?)?, offset)));
        let Some((page, offset)) = place else { return false };
        let Some(span) = page.span_at(offset) else { return false };
        self.page = page.clone();
        self.span = span;
        true
    }

    fn step_run(&mut self) -> Result<bool, StoreError> {
        let Kind::Run { run, block, next } = &mut self.kind else { return Ok(false) };
        if *next >= self.page.count() {
            *block = block.saturating_add(1);
            *next = 0;
            match run.block(*block)? {
                Some(page) => self.page = page,
                None => return Ok(false),
            }
        }
        self.span = self.page.span(*next).ok_or(StoreError::Corrupt("a block's entries do not fit it"))?;
        *next = next.saturating_add(1);
        Ok(true)
    }
}

/// The stream and the first 12 bytes of a key, as if zeros followed: never orders two keys the wrong way round.
fn first_bytes((stream, key): Key<'_>) -> u128 {
    let key = key.first_chunk().map_or_else(|| padded(key), |chunk| u128::from_be_bytes(*chunk));
    (u128::from(stream.0) << 96) | (key >> 32)
}

fn padded(key: &[u8]) -> u128 {
    let mut padded = [0; 16];
    padded.iter_mut().zip(key).for_each(|(slot, byte)| *slot = *byte);
    u128::from_be_bytes(padded)
}

/// Merges sources; a lower number is newer.
#[derive(Debug)]
pub(crate) struct Cursor {
    sources: Vec<Source>,
    /// A binary heap of first bytes of keys and numbers of sources: smallest key first, newest first among equals.
    heap: Vec<(u128, usize)>,
    /// What is walked, as a [`Scope`].
    scope: Option<(StreamKey, Vec<u8>)>,
    /// The key that `advance` leaves; kept to spare an allocation per entry.
    left: Vec<u8>,
}

impl Cursor {
    pub(crate) fn new(sources: Vec<Source>, scope: Scope<'_>) -> Self {
        let heap = sources.iter().enumerate().map(|(number, source)| (first_bytes(source.key()), number)).collect();
        let scope = scope.map(|(stream, prefix)| (stream, prefix.to_vec()));
        let mut cursor = Self { sources, heap, scope, left: Vec::new() };
        (0..cursor.heap.len()).rev().for_each(|at| cursor.sift_down(at));
        cursor
    }

    /// The newest version of the smallest key that is left, and its stream.
    pub(crate) fn peek(&self) -> Option<(StreamKey, Entry<'_>)> {
        let source = self.sources.get(self.heap.first()?.1)?;
        let (stream, key) = source.key();
        Some((stream, (key, source.page.value(&source.span))))
    }

    /// Passes the current key in all sources.
    pub(crate) fn advance(&mut self) -> Result<(), StoreError> {
        // The first bytes, of which the stream is a part, nearly always tell that the next key is another one.
        let digest = self.heap.first().map(|first| first.0);
        let mut left = core::mem::take(&mut self.left);
        left.clear();
        left.extend_from_slice(self.peek().map_or(&[], |(_, (key, _))| key));
        self.advance_first()?;
        while self.heap.first().map(|first| first.0) == digest && self.peek().is_some_and(|(_, (key, _))| key == left) {
            self.advance_first()?;
        }
        self.left = left;
        Ok(())
    }

    fn advance_first(&mut self) -> Result<(), StoreError> {
        let Some(first) = self.heap.first_mut() else { return Ok(()) };
        let Some(source) = self.sources.get_mut(first.1) else { return Ok(()) };
        if source.advance(self.scope.as_ref().map(|(stream, prefix)| (*stream, prefix.as_slice())))? {
            first.0 = first_bytes(source.key());
        } else {
            self.heap.swap_remove(0);
        }
        self.sift_down(0);
        Ok(())
    }

    fn sift_down(&mut self, mut at: usize) {
        loop {
            let left = at.saturating_mul(2).saturating_add(1);
            let right = left.saturating_add(1);
            let least = if self.is_before(right, left) { right } else { left };
            if !self.is_before(least, at) {
                return;
            }
            self.heap.swap(least, at);
            at = least;
        }
    }

    /// Whether the source at heap place `a` exists and comes before the one at `b`.
    fn is_before(&self, a: usize, b: usize) -> bool {
        let key = |number: usize| self.sources.get(number).map(Source::key);
        match (self.heap.get(a), self.heap.get(b)) {
            (Some(a), Some(b)) if a.0 == b.0 => (key(a.1), a.1) < (key(b.1), b.1),
            (Some(a), Some(b)) => a.0 < b.0,
            (a, _) => a.is_some(),
        }
    }
}

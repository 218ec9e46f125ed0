//! Batches of records from the Kafka client to the reader: one allocation for the values of a batch instead of two for
//! each record.

use core::mem;
use core::ops::Range;
use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use loopledger_event_log::{Headers, LogRecord, Offset, READ_BATCH_BYTES_MAX, READ_BATCH_RECORDS_MAX};
use rdkafka::message::{BorrowedMessage, Headers as _, Message};

/// Names of headers that LoopLedger writes: they need no allocation.
const KNOWN_HEADERS: [&str; 8] =
    ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "content-type", "traceparent", "tracestate"];

/// Records that are being collected.
#[derive(Debug, Default)]
pub(super) struct Batch {
    records: Vec<Piece>,
    /// Of all records, one after the other.
    headers: Vec<(Cow<'static, str>, Range<usize>)>,
    /// Values and values of headers, one after the other.
    bytes: Vec<u8>,
    value_bytes: usize,
}

/// A record whose bytes lie in the batch.
#[derive(Debug)]
struct Piece {
    offset: u64,
    value: Range<usize>,
    headers: usize,
}

impl Batch {
    pub(super) const fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    pub(super) const fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether another record of so many bytes stays within the bounds of a read. The first always does.
    pub(super) const fn fits(&self, value_bytes: usize) -> bool {
        self.is_empty()
            || self.len() < READ_BATCH_RECORDS_MAX
                && self.value_bytes.saturating_add(value_bytes) <= READ_BATCH_BYTES_MAX
    }

    /// Unpacking a record's headers costs more than all else that is done for it here.
    pub(super) fn push(&mut self, offset: u64, message: &BorrowedMessage<'_>, with_headers: bool) {
        let value = message.payload().unwrap_or_default();
        self.value_bytes = self.value_bytes.saturating_add(value.len());
        let value = self.store(value);
        let before = self.headers.len();
        // rdkafka 0.39 panics at a name that is not UTF-8, and strangers may write any. Headers are advisory: such a
        // record is read without.
        if with_headers && catch_unwind(AssertUnwindSafe(|| self.push_headers(message))).is_err() {
            self.headers.truncate(before);
        }
        let headers = self.headers.len().saturating_sub(before);
        self.records.push(Piece { offset, value, headers });
    }

    fn push_headers(&mut self, message: &BorrowedMessage<'_>) {
        let Some(found) = message.headers() else { return };
        for index in 0..found.count() {
            // A header without a value is one with an empty value: the port knows no difference.
            if let Some(header) = found.try_get(index) {
                let value = self.store(header.value.unwrap_or_default());
                self.headers.push((name(header.key), value));
            }
        }
    }

    fn store(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        start..self.bytes.len()
    }

    /// Takes what was collected. The next batch is expected to be as large.
    pub(super) fn take(&mut self) -> Vec<LogRecord> {
        let next = Self {
            records: Vec::with_capacity(self.records.len()),
            headers: Vec::with_capacity(self.headers.len()),
            bytes: Vec::with_capacity(self.bytes.len()),
            value_bytes: 0,
        };
        let batch = mem::replace(self, next);
        let bytes = Bytes::from(batch.bytes);
        let mut all = batch.headers.into_iter();
        let record = |piece: Piece| {
            let headers = all.by_ref().take(piece.headers).map(|(name, value)| (name, bytes.slice(value)));
            let headers: Headers = headers.collect();
            LogRecord {
                offset: Offset(piece.offset),
                next: Offset(piece.offset.saturating_add(1)),
                headers,
                value: bytes.slice(piece.value),
            }
        };
        batch.records.into_iter().map(record).collect()
    }
}

fn name(name: &str) -> Cow<'static, str> {
    KNOWN_HEADERS.iter().find(|known| **known == name).map_or_else(|| name.to_owned().into(), |known| (*known).into())
}

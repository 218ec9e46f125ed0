//! The properties, one test each.

use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::join_all;
use loopledger_types::{Partition, Service, Topic};

use super::Fixture;
use super::tools::{PARTITION, TOPIC, append, end, numbered, reader, record, records, soon, take, try_append, values};
use crate::{AppendError, Offset, READ_BATCH_BYTES_MAX, READ_BATCH_RECORDS_MAX, RECORD_BYTES_MAX, ReadError};

pub async fn a_call_keeps_its_order(fixture: impl Fixture) {
    let log = fixture.log();
    let from = end(&log, PARTITION).await;
    let sent = numbered("r", 1_000);
    append(&log, sent.clone()).await;
    assert_eq!(values(&take(&mut reader(&log, from), sent.len()).await), sent);
}

pub async fn calls_keep_their_order(fixture: impl Fixture) {
    let log = fixture.log();
    let from = end(&log, PARTITION).await;
    let sent = numbered("r", 1_000);
    let calls = sent.chunks(7).map(|chunk| log.append(TOPIC, PARTITION, records(chunk.to_vec())));
    let answers = soon("all appends", join_all(calls.collect::<Vec<_>>())).await;
    let offsets: Vec<Offset> = answers.into_iter().flatten().map(|result| result.expect("confirmed")).collect();
    let read = take(&mut reader(&log, from), sent.len()).await;
    assert_eq!(values(&read), sent);
    assert_eq!(read.iter().map(|record| record.offset).collect::<Vec<_>>(), offsets, "each learns its own offset");
}

/// Records keep the order of the calls, whichever future is polled first; and a call whose future is dropped still counts.
pub async fn an_append_is_queued_before_the_call_returns(fixture: impl Fixture) {
    let log = fixture.log();
    let from = end(&log, PARTITION).await;
    let first = log.append(TOPIC, PARTITION, records(["first"]));
    let second = log.append(TOPIC, PARTITION, records(["second"]));
    drop(log.append(TOPIC, PARTITION, records(["third"])));
    soon("the second", second).await;
    soon("the first", first).await;
    assert_eq!(values(&take(&mut reader(&log, from), 3).await), ["first", "second", "third"]);
}

pub async fn an_empty_call_succeeds(fixture: impl Fixture) {
    let log = fixture.log();
    let before = end(&log, PARTITION).await;
    assert!(try_append(&log, PARTITION, Vec::new()).await.is_empty());
    assert_eq!(end(&log, PARTITION).await, before);
}

pub async fn offsets_ascend_and_chain(fixture: impl Fixture) {
    let log = fixture.log();
    let from = end(&log, PARTITION).await;
    for call in 0..20 {
        append(&log, numbered(&format!("call-{call}"), 10)).await;
    }
    let read = take(&mut reader(&log, from), 200).await;
    let mut resume = from;
    for record in &read {
        assert!(record.offset >= resume, "{} lies before {resume}", record.offset);
        assert!(record.next > record.offset, "reading would not go on after {}", record.offset);
        resume = record.next;
    }
    assert_eq!(resume, end(&log, PARTITION).await);
}

pub async fn reading_starts_at_every_boundary(fixture: impl Fixture) {
    let log = fixture.log();
    let from = end(&log, PARTITION).await;
    let sent = numbered("r", 50);
    append(&log, sent.clone()).await;
    let read = take(&mut reader(&log, from), 50).await;
    for (index, record) in read.iter().enumerate() {
        let rest = sent.get(index..).expect("as many were read as sent");
        assert_eq!(values(&take(&mut reader(&log, record.offset), rest.len()).await), rest);
        let rest = sent.get(index.saturating_add(1)..).expect("as many were read as sent");
        assert_eq!(values(&take(&mut reader(&log, record.next), rest.len()).await), rest);
    }
}

pub async fn reading_beyond_the_end_is_refused(fixture: impl Fixture) {
    let log = fixture.log();
    append(&log, ["only"]).await;
    let beyond = Offset(end(&log, PARTITION).await.0.saturating_add(1_000_000));
    // A cluster is asked only when it is read from.
    let error = match log.read(TOPIC, PARTITION, beyond) {
        Ok(mut reader) => soon("a refusal", reader.next()).await.expect_err("nothing can be there"),
        Err(error) => error,
    };
    assert!(matches!(error, ReadError::OffsetOutOfRange { from, .. } if from == beyond), "{error:?}");
}

pub async fn the_end_moves(fixture: impl Fixture) {
    let log = fixture.log();
    let mut before = end(&log, PARTITION).await;
    for value in numbered("r", 10) {
        let offset = append(&log, [value]).await;
        let after = end(&log, PARTITION).await;
        assert!(offset.iter().all(|offset| *offset >= before && *offset < after));
        let mut at_end = reader(&log, after);
        assert!(at_end.poll_now().expect("the end can be read from").is_empty());
        before = after;
    }
}

pub async fn a_waiting_reader_wakes(fixture: impl Fixture) {
    let log = fixture.log();
    let mut reader = reader(&log, end(&log, PARTITION).await);
    for round in numbered("round", 20) {
        let (read, _) = tokio::join!(take(&mut reader, 1), append(&log, [round.clone()]));
        assert_eq!(values(&read), [round]);
    }
}

pub async fn a_dropped_wait_consumes_nothing(fixture: impl Fixture) {
    let log = fixture.log();
    let mut reader = reader(&log, end(&log, PARTITION).await);
    let sent = numbered("r", 300);
    let mut read = Vec::new();
    for chunk in sent.chunks(3) {
        // Polled once and dropped, with and without something to find, before and while it is appended.
        read.extend(reader.next().now_or_never().map(|batch| batch.expect("readable")).unwrap_or_default());
        let pending = log.append(TOPIC, PARTITION, records(chunk.to_vec()));
        read.extend(reader.next().now_or_never().map(|batch| batch.expect("readable")).unwrap_or_default());
        soon("an append", pending).await;
    }
    let rest = sent.len().checked_sub(read.len()).expect("nothing is read twice");
    read.extend(take(&mut reader, rest).await);
    assert_eq!(values(&read), sent);
}

pub async fn polling_never_waits(fixture: impl Fixture) {
    let log = fixture.log();
    let from = end(&log, PARTITION).await;
    let mut reader = reader(&log, from);
    assert!(reader.poll_now().expect("readable").is_empty());
    let sent = numbered("r", 100);
    append(&log, sent.clone()).await;
    let target = end(&log, PARTITION).await;
    let mut read = Vec::new();
    // What is on its way to this reader is not there yet; it never takes long.
    soon("polling to the end", async {
        while read.last().is_none_or(|record: &crate::LogRecord| record.next < target) {
            read.extend(reader.poll_now().expect("readable"));
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(values(&read), sent);
    assert!(reader.poll_now().expect("readable").is_empty());
}

pub async fn only_durable_records_are_seen(fixture: impl Fixture) {
    let log = fixture.log();
    let mut reader = reader(&log, end(&log, PARTITION).await);
    let sent = numbered("r", 500);
    let appends = async {
        for value in &sent {
            append(&log, [value.clone()]).await;
        }
    };
    let reads = async {
        let mut seen = Vec::new();
        while seen.len() < sent.len() {
            let batch = soon("the next records", reader.next()).await.expect("readable");
            let durable = end(&log, PARTITION).await;
            assert!(batch.iter().all(|record| record.next <= durable), "seen before it was durable");
            seen.extend(batch);
        }
        seen
    };
    let ((), seen) = tokio::join!(appends, reads);
    assert_eq!(values(&seen), sent);
}

pub async fn batches_are_bounded(fixture: impl Fixture) {
    let log = fixture.log();
    for (count, bytes) in [(READ_BATCH_RECORDS_MAX.saturating_mul(2), 8), (64, 16 * 1_024)] {
        let from = end(&log, PARTITION).await;
        append(&log, vec![Bytes::from(vec![b'x'; bytes]); count]).await;
        let mut reader = reader(&log, from);
        let mut seen = 0_usize;
        while seen < count {
            let batch = soon("the next records", reader.next()).await.expect("readable");
            assert!(batch.len() <= READ_BATCH_RECORDS_MAX, "{} records", batch.len());
            let total: usize = batch.iter().map(|record| record.value.len()).sum();
            assert!(total <= READ_BATCH_BYTES_MAX || batch.len() == 1, "{total} bytes");
            seen = seen.saturating_add(batch.len());
        }
        assert_eq!(seen, count);
    }
}

pub async fn large_and_empty_values_pass(fixture: impl Fixture) {
    let log = fixture.log();
    let from = end(&log, PARTITION).await;
    let sent: Vec<Bytes> = [0, 60 * 1_024, 1, RECORD_BYTES_MAX, 0, 60 * 1_024]
        .into_iter()
        .enumerate()
        .map(|(index, bytes)| Bytes::from(vec![u8::try_from(index).unwrap_or(0); bytes]))
        .collect();
    append(&log, sent.clone()).await;
    let read = take(&mut reader(&log, from), sent.len()).await;
    assert_eq!(read.into_iter().map(|record| record.value).collect::<Vec<_>>(), sent);
}

pub async fn an_oversize_value_is_refused_alone(fixture: impl Fixture) {
    let log = fixture.log();
    let from = end(&log, PARTITION).await;
    let oversize = vec![0_u8; RECORD_BYTES_MAX.saturating_add(1)];
    let results = try_append(&log, PARTITION, vec![record("before"), record(oversize), record("after")]).await;
    assert!(matches!(results.as_slice(), [Ok(_), Err(AppendError::TooLarge { .. }), Ok(_)]), "{results:?}");
    assert_eq!(values(&take(&mut reader(&log, from), 2).await), ["before", "after"]);
}

pub async fn topics_and_partitions_are_independent(fixture: impl Fixture) {
    let log = fixture.log();
    let places: Vec<(Topic, Partition)> = Service::ALL
        .map(Topic)
        .into_iter()
        .flat_map(|topic| (0..log.partition_count(topic).min(4)).map(move |number| (topic, Partition(number))))
        .collect();
    let mut starts = Vec::new();
    for (topic, partition) in &places {
        starts.push(soon("the end", log.end(*topic, *partition)).await.expect("the end can be asked"));
    }
    for round in 0..3 {
        let appends = places.iter().map(|(topic, partition)| {
            let value = format!("{topic}/{}/{round}", partition.0);
            log.append(*topic, *partition, records([value]))
        });
        let answers = soon("all appends", join_all(appends.collect::<Vec<_>>())).await;
        assert!(answers.iter().flatten().all(Result::is_ok), "{answers:?}");
    }
    for ((topic, partition), from) in places.iter().zip(starts) {
        let mut reader = log.read(*topic, *partition, from).expect("a position that the log gave out");
        let expected: Vec<String> = (0..3).map(|round| format!("{topic}/{}/{round}", partition.0)).collect();
        assert_eq!(values(&take(&mut reader, 3).await), expected);
    }
}

pub async fn a_partition_that_is_none_is_refused(fixture: impl Fixture) {
    let log = fixture.log();
    let none = Partition(log.partition_count(TOPIC));
    let results = try_append(&log, none, records(["x"])).await;
    assert!(matches!(results.as_slice(), [Err(AppendError::NoSuchPartition { .. })]), "{results:?}");
    let read = log.read(TOPIC, none, Offset::START).map(|_| ());
    assert!(matches!(read, Err(ReadError::NoSuchPartition { .. })), "{read:?}");
    let end = soon("the end", log.end(TOPIC, none)).await;
    assert!(matches!(end, Err(ReadError::NoSuchPartition { .. })), "{end:?}");
}

pub async fn concurrent_producers_all_land_once_and_in_order(fixture: impl Fixture) {
    const PRODUCERS: usize = 8;
    const EACH: usize = 200;
    let log = fixture.log();
    let from = end(&log, PARTITION).await;
    let producers = (0..PRODUCERS).map(|producer| {
        let log = Arc::clone(&log);
        tokio::spawn(async move {
            for chunk in numbered(&producer.to_string(), EACH).chunks(3) {
                append(&log, chunk.to_vec()).await;
            }
        })
    });
    let done = soon("all producers", join_all(producers.collect::<Vec<_>>())).await;
    assert!(done.iter().all(Result::is_ok), "{done:?}");
    let read = values(&take(&mut reader(&log, from), PRODUCERS.saturating_mul(EACH)).await);
    for producer in 0..PRODUCERS {
        let prefix = format!("{producer}-");
        let own: Vec<&String> = read.iter().filter(|value| value.starts_with(&prefix)).collect();
        assert_eq!(own, numbered(&producer.to_string(), EACH).iter().collect::<Vec<_>>());
    }
}

pub async fn many_readers_see_the_same(fixture: impl Fixture) {
    let log = fixture.log();
    let from = end(&log, PARTITION).await;
    let sent = numbered("r", 400);
    let readers = (0..4).map(|_| {
        let mut reader = reader(&log, from);
        let count = sent.len();
        tokio::spawn(async move { take(&mut reader, count).await })
    });
    let readers: Vec<_> = readers.collect();
    for chunk in sent.chunks(9) {
        append(&log, chunk.to_vec()).await;
    }
    let late = take(&mut reader(&log, from), sent.len()).await;
    assert_eq!(values(&late), sent);
    for live in soon("all readers", join_all(readers)).await {
        assert_eq!(live.expect("a reader"), late);
    }
}

pub async fn headers_come_back_where_they_are_kept(fixture: impl Fixture) {
    let log = fixture.log();
    let from = end(&log, PARTITION).await;
    let sent = record("with headers");
    let results = try_append(&log, PARTITION, vec![sent.clone()]).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let expected = if log.keeps_headers() { sent.headers } else { Vec::new() };
    let read = take(&mut reader(&log, from), 1).await;
    assert!(read.iter().all(|record| record.headers == expected), "{read:?}");
}

#[expect(clippy::print_stderr, reason = "a skip is not a pass, and must be seen")]
pub async fn reopening_keeps_what_was_acknowledged(mut fixture: impl Fixture) {
    let log = fixture.log();
    let from = end(&log, PARTITION).await;
    let sent = numbered("r", 100);
    append(&log, sent.clone()).await;
    let before = take(&mut reader(&log, from), 100).await;
    let end_before = end(&log, PARTITION).await;
    drop(log);
    if !fixture.reopen().await {
        eprintln!("skipped: this log cannot be reopened");
        return;
    }
    let log = fixture.log();
    assert_eq!(end(&log, PARTITION).await, end_before);
    assert_eq!(take(&mut reader(&log, from), 100).await, before);
    append(&log, ["after"]).await;
    assert_eq!(values(&take(&mut reader(&log, end_before), 1).await), ["after"]);
}

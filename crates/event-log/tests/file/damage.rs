//! Every truncation and every flipped bit: refused and reported, never silently wrong.

use loopledger_event_log::{EventLog, FileLogOptions, LogRecord, Offset, OpenError, ReadError};

use crate::tools::{
    HEADER_BYTES, PARTITION, TOPIC, append, base, open, options, read_all, read_texts, segments, texts, try_open,
};

/// Two groups to a segment.
fn small() -> FileLogOptions {
    FileLogOptions { segment_bytes: HEADER_BYTES + 50, ..options() }
}

/// Two segments: `one`, `two` (one group), `three`; and `four`, `five` and an empty value (one group).
async fn small_log(dir: &std::path::Path) -> Vec<LogRecord> {
    let log = open(dir, small());
    for group in [&["one", "two"][..], &["three"], &["four", "five", ""]] {
        assert!(append(&log, group).await.iter().all(Result::is_ok));
    }
    let (records, error) = read_all(&log);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(texts(&records), ["one", "two", "three", "four", "five", ""]);
    assert_eq!(segments(dir).len(), 2);
    records
}

#[tokio::test]
async fn a_last_segment_cut_at_any_byte_keeps_every_whole_record_and_reports_the_cut() {
    let dir = tempfile::tempdir().unwrap();
    let records = small_log(dir.path()).await;
    let [first, last] = segments(dir.path()).try_into().unwrap();
    let (before, whole) = (std::fs::read(&first).unwrap(), std::fs::read(&last).unwrap());
    for length in 0..whole.len() {
        for grown in segments(dir.path()) {
            std::fs::remove_file(grown).unwrap();
        }
        std::fs::write(&first, &before).unwrap();
        std::fs::write(&last, &whole[..length]).unwrap();
        let (log, report) = try_open(dir.path(), small()).unwrap();
        let end = base(&last) + u64::try_from(length).unwrap();
        let kept: Vec<&LogRecord> = records.iter().filter(|record| record.next.0 <= end).collect();
        assert_eq!(read_all(&log).0.iter().collect::<Vec<_>>(), kept, "cut to {length}");
        let durable = kept.last().unwrap().next;
        assert_eq!(log.end(TOPIC, PARTITION).await.unwrap(), durable);
        let whole_until = if u64::try_from(length).unwrap() < HEADER_BYTES {
            base(&last)
        } else {
            durable.0.max(base(&last) + HEADER_BYTES)
        };
        let left = std::fs::metadata(&last).map_or(0, |metadata| metadata.len());
        assert_eq!(base(&last) + left, whole_until, "cut to {length}");
        match report.torn_tails.as_slice() {
            [] => assert_eq!(whole_until, end, "cut to {length}"),
            [torn] => {
                assert_eq!((&torn.segment, torn.offset, torn.bytes), (&last, Offset(whole_until), end - whole_until));
            }
            more => panic!("{more:?}"),
        }
        assert!(append(&log, &["again"]).await.iter().all(Result::is_ok), "cut to {length}");
        assert_eq!(read_texts(&log).len(), kept.len() + 1);
        drop(log);
        assert_eq!(read_texts(&open(dir.path(), small())).last().unwrap(), "again");
    }
}

#[tokio::test]
async fn a_flipped_bit_is_refused_at_its_place_or_cut_with_the_last_record() {
    let dir = tempfile::tempdir().unwrap();
    let records = small_log(dir.path()).await;
    let segments = segments(dir.path());
    let (mut refused, mut met, mut cut) = (0, 0, 0);
    for segment in &segments {
        let whole = std::fs::read(segment).unwrap();
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(segment, &flipped).unwrap();
            let place = base(segment) + u64::try_from(bit / 8).unwrap();
            // The damaged record, or the header for everything that its segment holds.
            let victim = records.iter().position(|record| (record.offset.0..record.next.0).contains(&place));
            let expected = victim.map_or(Offset(base(segment)), |victim| records[victim].offset);
            let before = records.iter().filter(|record| record.next <= expected).count();
            match try_open(dir.path(), small()) {
                Err(OpenError::Damaged { segment: named, offset, .. }) => {
                    assert_eq!((&named, offset), (segment, expected), "bit {bit}");
                    refused += 1;
                }
                Err(error) => panic!("bit {bit} of {}: {error}", segment.display()),
                Ok((log, report)) => {
                    let (read, error) = read_all(&log);
                    assert_eq!(read, records[..before], "bit {bit} of {}", segment.display());
                    if let [torn] = report.torn_tails.as_slice() {
                        assert_eq!(victim, Some(records.len() - 1), "bit {bit} of {}", segment.display());
                        assert_eq!((&torn.segment, torn.offset), (segment, expected));
                        assert!(error.is_none(), "{error:?}");
                        cut += 1;
                    } else {
                        let Some(ReadError::Damaged { segment: named, offset, .. }) = error else {
                            panic!("bit {bit} of {} went unnoticed: {error:?}", segment.display());
                        };
                        assert_eq!((&named, offset), (segment, expected));
                        met += 1;
                    }
                }
            }
        }
        std::fs::write(segment, &whole).unwrap();
    }
    assert!(refused > 0 && met > 0 && cut > 0, "{refused} {met} {cut}");
}

#[tokio::test]
async fn a_sealed_segment_of_another_length_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    small_log(dir.path()).await;
    let first = segments(dir.path())[0].clone();
    let whole = std::fs::read(&first).unwrap();
    for bytes in [whole[..whole.len() - 1].to_vec(), [&whole[..], b"x"].concat()] {
        std::fs::write(&first, &bytes).unwrap();
        let error = try_open(dir.path(), small()).unwrap_err();
        assert!(matches!(&error, OpenError::Damaged { segment, .. } if *segment == first), "{error}");
    }
    std::fs::remove_file(&first).unwrap();
    assert!(matches!(try_open(dir.path(), small()), Err(OpenError::Damaged { offset: Offset(0), .. })));
}

/// Opening does not read what is sealed; and damage there stops readers, not the log.
#[tokio::test]
async fn damage_in_a_sealed_segment_is_met_by_reading_and_only_there() {
    let dir = tempfile::tempdir().unwrap();
    let records = small_log(dir.path()).await;
    let first = segments(dir.path())[0].clone();
    let mut bytes = std::fs::read(&first).unwrap();
    bytes[usize::try_from(records[1].offset.0).unwrap() + 9] ^= 1;
    std::fs::write(&first, bytes).unwrap();
    let log = open(dir.path(), small());
    let (read, error) = read_all(&log);
    assert_eq!(texts(&read), ["one"]);
    let text = error.unwrap().to_string();
    assert!(text.contains(&records[1].offset.to_string()) && text.contains(first.to_str().unwrap()), "{text}");
    let error = log.read(TOPIC, PARTITION, records[1].offset).map(|_| ()).unwrap_err();
    assert!(matches!(error, ReadError::Damaged { offset, .. } if offset == records[1].offset), "{error}");
    let mut after = log.read(TOPIC, PARTITION, records[2].offset).unwrap();
    assert_eq!(texts(&after.poll_now().unwrap()), ["three"]);
    assert!(append(&log, &["more"]).await[0].is_ok());
}

#[tokio::test]
async fn a_segment_of_another_partition_never_passes() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let two = || FileLogOptions { partition_count: 2, ..options() };
    for dir in [&dir, &other] {
        assert!(append(&open(dir.path(), two()), &["x"]).await[0].is_ok());
    }
    let topic = dir.path().join(TOPIC.to_string());
    std::fs::rename(topic.join("0"), topic.join("1")).unwrap();
    assert!(matches!(try_open(dir.path(), two()), Err(OpenError::Damaged { offset: Offset(0), .. })));
}

#[tokio::test]
async fn only_boundaries_can_be_read_from() {
    let dir = tempfile::tempdir().unwrap();
    let records = small_log(dir.path()).await;
    let log = open(dir.path(), small());
    let end = records.last().unwrap().next;
    let boundary =
        |at: Offset| at == Offset::START || records.iter().any(|record| record.offset == at || record.next == at);
    for at in (0..=end.0).map(Offset) {
        match log.read(TOPIC, PARTITION, at) {
            Ok(mut reader) => {
                assert!(boundary(at), "{at} is no boundary");
                let expected: Vec<&LogRecord> = records.iter().filter(|record| record.offset >= at).collect();
                let mut read = Vec::new();
                while let Some(batch) = Some(reader.poll_now().unwrap()).filter(|batch| !batch.is_empty()) {
                    read.extend(batch);
                }
                assert_eq!(read.iter().collect::<Vec<_>>(), expected);
            }
            Err(ReadError::NotARecordBoundary { offset }) => assert!(offset == at && !boundary(at), "{at}"),
            Err(error) => panic!("{at}: {error}"),
        }
    }
}

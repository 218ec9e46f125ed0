//! A log that lost its tail is repaired: its commits are appended again from what the stores hold, or with the loss accepted.

use std::ops::RangeInclusive;
use std::sync::Arc;

use loopledger_event_log::{EventLog, MemoryLog};
use loopledger_service::feed::Feed;
use loopledger_service::repair::{Finding, RepairError, Standing, Witness, accept, append_again, examine, is_evidence};
use loopledger_service::writer::{Writer, WriterConfig};
use loopledger_state_store::{Memory, MemoryStore};
use loopledger_types::{Service, Timestamp};

use crate::lost_tail::{STATION, add_all, another_history, offset_after, records};
use crate::peer::{Command, Key, Left, Number, Right};
use crate::world::{COUNTY, after, commits, in_time, partition, start, state, stream, write};

pub(crate) const NOW: Timestamp = Timestamp { seconds: 1_767_225_600, nanos: 0 };

pub(crate) fn store(memory: &Memory) -> MemoryStore<Number> {
    MemoryStore::new(memory.clone())
}

pub(crate) fn witness(service: Service, memory: &Memory) -> Witness {
    Witness::of_service(service.to_string(), stream(service), &store(memory)).unwrap()
}

pub(crate) async fn look(log: &MemoryLog, witnesses: &[Witness], accepting: bool) -> Vec<Finding> {
    examine(&Feed::new(Arc::new(log.clone())), COUNTY, witnesses, accepting).await.unwrap()
}

pub(crate) fn of(findings: &[Finding], service: Service) -> &Finding {
    findings.iter().find(|finding| finding.stream == stream(service)).unwrap()
}

/// What is missing of the stations' stream, and what of that is held.
pub(crate) fn missing(findings: &[Finding]) -> Option<(RangeInclusive<u64>, Option<RangeInclusive<u64>>)> {
    of(findings, Service::Station).loss.as_ref().map(|loss| (loss.missing.clone(), loss.held()))
}

pub(crate) fn truncate(log: &MemoryLog, kept: usize) {
    log.truncate(STATION, partition(log, Service::Station), offset_after(log, kept)).unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_the_store_holds_is_appended_again() {
    let (log, memory) = (MemoryLog::new(8), Memory::new());
    let writer: Writer<Left> = start(&log, &memory, WriterConfig::default());
    add_all(&writer, 0..20).await;
    writer.shut_down().await;
    let before = records(&log);
    truncate(&log, 13);

    let witnesses = [witness(Service::Station, &memory)];
    let findings = look(&log, &witnesses, false).await;
    assert_eq!(missing(&findings), Some((14..=20, Some(14..=20))));
    assert!(is_evidence(&findings, "station"));
    let feed = Feed::new(Arc::new(log.clone()));
    let head = append_again(&feed, of(&findings, Service::Station)).await.unwrap().unwrap();
    assert_eq!(records(&log), before, "byte for byte");
    assert_eq!(head.sequence, 20);
    let findings = look(&log, &witnesses, false).await;
    assert_eq!(missing(&findings), None);
    assert!(!is_evidence(&findings, "station"));
    assert_eq!(of(&findings, Service::Station).seen[0].standing, Standing::InLog);

    let writer: Writer<Left> = start(&log, &memory, WriterConfig::default());
    add_all(&writer, 20..21).await;
    assert_eq!(state(writer.handle(), [Key::Account(1)]).await[&Key::Account(1)].value, 21);
}

#[tokio::test(start_paused = true)]
async fn commits_that_others_have_seen_and_no_store_holds_are_named_and_not_made_up() {
    let (log, left, right) = (MemoryLog::new(8), Memory::new(), Memory::new());
    let writer: Writer<Left> = start(&log, &left, WriterConfig::default());
    add_all(&writer, 0..15).await;
    writer.shut_down().await;
    // Another life, whose store is gone.
    let writer: Writer<Left> = start(&log, &Memory::new(), WriterConfig::default());
    add_all(&writer, 15..20).await;
    let last = writer.handle().submit(crate::world::add(20, 1, 1), in_time()).await.unwrap().position;
    let other: Writer<Right> = start(&log, &right, WriterConfig::default());
    other.handle().submit(after(write(1, Command::Talk { bytes: 5 }), vec![last]), in_time()).await.unwrap();
    other.shut_down().await;
    drop(writer);
    let witnesses = [witness(Service::Station, &left), witness(Service::Distribution, &right)];
    let whole = records(&log);
    // The store is behind the log's end, and says nothing of what is missing.
    truncate(&log, 17);
    let findings = look(&log, &witnesses, false).await;
    assert_eq!(missing(&findings), Some((18..=21, None)));
    assert_eq!(of(&findings, Service::Station).loss.as_ref().unwrap().replaced_from, None);

    truncate(&log, 12);
    let findings = look(&log, &witnesses, false).await;
    assert_eq!(missing(&findings), Some((13..=21, Some(13..=15))));
    append_again(&Feed::new(Arc::new(log.clone())), of(&findings, Service::Station)).await.unwrap();
    let findings = look(&log, &witnesses, false).await;
    assert_eq!(missing(&findings), Some((16..=21, None)));
    assert_eq!(of(&findings, Service::Station).loss.as_ref().unwrap().head, last.hash);
    assert!(!is_evidence(&findings, "station") && is_evidence(&findings, "distribution"));
    let nothing = append_again(&Feed::new(Arc::new(log.clone())), of(&findings, Service::Station)).await.unwrap();
    assert_eq!((nothing, records(&log)), (None, whole[..15].to_vec()));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_appended_where_others_have_taken_the_places() {
    let (log, memory) = (MemoryLog::new(8), Memory::new());
    let writer: Writer<Left> = start(&log, &memory, WriterConfig::default());
    add_all(&writer, 0..20).await;
    writer.shut_down().await;
    let others = another_history(&records(&log), 13, 3).await;
    truncate(&log, 13);
    drop(log.append(STATION, partition(&log, Service::Station), others));
    let witnesses = [witness(Service::Station, &memory)];
    let findings = look(&log, &witnesses, false).await;
    assert_eq!(missing(&findings), Some((14..=20, None)));
    let finding = of(&findings, Service::Station);
    assert_eq!(finding.loss.as_ref().unwrap().replaced_from, Some(14));
    assert_eq!(append_again(&Feed::new(Arc::new(log.clone())), finding).await.unwrap(), None);
    assert_eq!(records(&log).len(), 16);

    // Accepting it stands behind the others' commits, and names what they replaced.
    let said = accept(&Feed::new(Arc::new(log.clone())), finding, NOW).await.unwrap().unwrap();
    assert_eq!(said.sequence, 17);
    let loss = commits(&log, Service::Station).await.pop().unwrap().events[0].loss().unwrap();
    assert_eq!((loss.first, loss.last), (14, 20));
    let findings = look(&log, &witnesses, false).await;
    assert_eq!(of(&findings, Service::Station).seen[0].standing, Standing::Accepted, "by its hash");
    assert_eq!(missing(&findings), None);
}

#[tokio::test(start_paused = true)]
async fn a_damaged_record_is_never_appended() {
    let (log, memory) = (MemoryLog::new(8), Memory::new());
    let writer: Writer<Left> = start(&log, &memory, WriterConfig::default());
    add_all(&writer, 0..20).await;
    writer.shut_down().await;
    truncate(&log, 13);
    let feed = Feed::new(Arc::new(log.clone()));
    for (at, sequence) in [(16, 17), (19, 20)] {
        let mut witness = witness(Service::Station, &memory);
        let mut bytes = witness.tail[at].1.to_vec();
        // Within the previous hash: still canonical, and not the chain.
        let hash = bytes.windows(2).position(|pair| pair == [0x1a, 0x20]).unwrap() + 2;
        bytes[hash] ^= 1;
        witness.tail[at].1 = bytes.into();
        let refused = examine(&feed, COUNTY, &[witness], false).await.unwrap_err();
        assert!(matches!(refused, RepairError::Damaged { sequence: found, .. } if found == sequence), "{refused}");
    }
    assert_eq!(records(&log).len(), 13);
}

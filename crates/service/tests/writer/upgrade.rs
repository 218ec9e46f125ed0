//! A writer of an older build meets what a newer one wrote: it halts, and the newer one goes on where it was.

use std::sync::Arc;

use loopledger_chain::Envelope;
use loopledger_domain::{Commit, Event, distribution, station};
use loopledger_event_log::MemoryLog;
use loopledger_service::feed::{Feed, FollowError};
use loopledger_service::writer::{Halt, WriteError, Writer, WriterConfig};
use loopledger_state_store::{Memory, MemoryStore};
use loopledger_types::{Hash, Service};
use loopledger_wire::{NotUnderstood, decode_commit};

use crate::peer::{Command, Key, Left, Number};
use crate::world::{
    COUNTY, STEP, add, clock, commits, fold, halts, in_time, pass, request, start, state, stream, write,
};

/// A build that has never heard of account 7, nor of questions.
fn older(envelope: &Envelope<'_>, hash: Hash) -> Result<Commit, NotUnderstood> {
    let commit = decode_commit(envelope, hash)?;
    let says = |event: &Event| match event {
        Event::Station(station::Event::StationOpened(opened)) => opened.label.clone(),
        Event::Distribution(distribution::Event::SiteOpened(opened)) => opened.label.clone(),
        _ => String::new(),
    };
    let is_newer = |event| says(event).starts_with("add:7:") || says(event).starts_with("ask:");
    if commit.events.iter().any(is_newer) {
        return Err(NotUnderstood { type_url: "newer".to_owned(), reason: "no such event type".to_owned() });
    }
    Ok(commit)
}

fn start_older(log: &MemoryLog, memory: &Memory) -> Writer<Left> {
    let store = Arc::new(MemoryStore::<Number>::new(memory.clone()));
    let feed = Feed::understanding(Arc::new(log.clone()), older);
    Writer::start(COUNTY, feed, store, clock(), WriterConfig::default())
}

#[tokio::test(start_paused = true)]
async fn a_stream_halted_by_what_is_newer_resumes_after_an_upgrade_with_nothing_skipped() {
    // In its own stream, and in the one upstream.
    for of in [Service::Station, Service::Distribution] {
        let (log, memory) = (MemoryLog::new(8), Memory::new());
        let old = start_older(&log, &memory);
        for number in 0..20 {
            old.handle().submit(add(number, number % 5, 1), in_time()).await.unwrap();
        }
        while old.handle().metrics().checkpoints_total.get() == 0 {
            pass(STEP).await;
        }
        let newer: Writer<Left> = start(&log, &Memory::new(), WriterConfig::default());
        let right: Writer<crate::peer::Right> = start(&log, &Memory::new(), WriterConfig::default());
        if of == Service::Station {
            newer.handle().submit(add(20, 7, 1), in_time()).await.unwrap();
        } else {
            right.handle().submit(write(20, Command::Ask { number: 20 }), in_time()).await.unwrap();
        }
        let halt = halts(old.handle()).await;
        let Halt::Follow(FollowError::NotUnderstood { position, .. }) = &halt else { panic!("{halt}") };
        assert_eq!((position.stream.service, halt.reason()), (of, "NOT_UNDERSTOOD"));
        assert!(halt.advice().contains("newer version"));
        let refused = old.handle().submit(add(90, 1, 1), in_time()).await;
        assert!(matches!(refused, Err(WriteError::Halted(_))), "{refused:?}");
        for number in 21..40 {
            newer.handle().submit(add(number, number % 9, 1), in_time()).await.unwrap();
        }
        drop((old, newer));

        let upgraded: Writer<Left> = start(&log, &memory, WriterConfig::default());
        upgraded.handle().serving().await.unwrap();
        let receipt = upgraded.handle().submit(add(40, 7, 1), in_time()).await.unwrap();
        upgraded.handle().wait_for(vec![receipt.position], in_time()).await.unwrap();
        let own = commits(&log, Service::Station).await;
        let others = commits(&log, Service::Distribution).await;
        let folded = upgraded.handle().metrics().foreign_commits_total.get();
        assert!(folded < own.len() as u64 - 10, "from the checkpoint: {folded} of {}", own.len());
        assert_eq!(upgraded.handle().heads().get(stream(Service::Station)).sequence, own.len() as u64);
        let keys = (0..9).map(Key::Account).chain([Key::Answered(20), Key::Seen(20)]);
        let accounts = |of: std::collections::BTreeMap<Key, Number>| {
            of.into_iter().filter(|(key, _)| matches!(key, Key::Account(_))).collect::<Vec<_>>()
        };
        assert_eq!(accounts(state(upgraded.handle(), keys).await), accounts(fold::<Left>(&own, &others)));
        for number in (0..=40).filter(|number| *number != 20 || of == Service::Station) {
            let found = upgraded.handle().receipt(request(number), in_time()).await.unwrap();
            assert!(found.is_some(), "{number} is known");
        }
    }
}

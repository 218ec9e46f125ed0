//! Errors of every crate as this program prints them: each cause once.

use core::error::Error;
use std::io;
use std::sync::Arc;

use loopledger_chain::EnvelopeError;
use loopledger_client::Failure;
use loopledger_event_log::{AppendError, Offset, OpenError, ReadError};
use loopledger_kafka_log::ConnectError;
use loopledger_kafka_log::topics::WrongTopics;
use loopledger_ledger::{ApplyError, LoadError};
use loopledger_projection::{Halt as ProjectionHalt, StartError as ProjectionStartError};
use loopledger_service::feed::{FollowError, LostTail};
use loopledger_service::grpc::ServeError;
use loopledger_service::host::StartError;
use loopledger_service::metrics::EndpointError;
use loopledger_service::repair::RepairError;
use loopledger_service::writer::{ClockFault, Halt, WriteError};
use loopledger_state_store::{Reason, StoreError};
use loopledger_types::{BusinessDate, CountyCode, Hash, IdError, Position, Service, StreamId, WithCauses};
use loopledger_wire::NotUnderstood;

const STREAM: StreamId = StreamId { service: Service::Sales, county: CountyCode::TUOLI };

/// What the system says: the last cause of many.
fn disk() -> io::Error {
    io::Error::from_raw_os_error(5)
}

fn append() -> AppendError {
    AppendError::Io { action: "write", path: "sales-3/7.log".into(), source: Arc::new(disk()) }
}

fn read() -> ReadError {
    ReadError::Io { action: "read", path: "sales-3/7.log".into(), source: Arc::new(disk()) }
}

fn follow() -> FollowError {
    FollowError::Read { stream: STREAM, source: read() }
}

fn not_understood() -> FollowError {
    let source = NotUnderstood { type_url: "loopledger.x/Y".to_owned(), reason: "no such event".to_owned() };
    FollowError::NotUnderstood { position: Position { stream: STREAM, sequence: 3, hash: Hash::ZERO }, source }
}

/// An error of every crate that has any, by hand or provoked, with how many causes it has.
fn errors() -> Vec<(usize, Box<dyn Error>)> {
    let store = || StoreError::Failed("the disk went away".to_owned());
    let address = "127.0.0.1:7610".parse().unwrap();
    let wrong = WrongTopics { brokers: "127.0.0.1:9092".to_owned(), wrong: Vec::new() };
    vec![
        // types
        (1, Box::new(StreamId::parse("sales/65422x").unwrap_err())),
        (0, Box::new(IdError::Nil)),
        (0, Box::new(BusinessDate::parse("2026-02-30").unwrap_err())),
        // chain, ledger, wire
        (0, Box::new(EnvelopeError::Truncated)),
        (0, Box::new(LoadError::NoHead)),
        (0, Box::new(ApplyError::OtherCounty { expected: CountyCode::TUOLI, found: CountyCode::TUOLI })),
        (0, Box::new(NotUnderstood { type_url: "x".to_owned(), reason: "no such event".to_owned() })),
        // event-log
        (1, Box::new(append())),
        (1, Box::new(AppendError::SyncFailed { path: "7.log".into(), source: Arc::new(disk()) })),
        (1, Box::new(read())),
        (1, Box::new(OpenError::Io { action: "open", path: "lock".into(), source: disk() })),
        (0, Box::new(ReadError::OffsetOutOfRange { from: Offset(9), end: Offset(4) })),
        // kafka-log
        (0, Box::new(ConnectError::WrongTopics(wrong))),
        (0, Box::new(ConnectError::NoClient { reason: "no threads".to_owned() })),
        // state-store
        (0, Box::new(store())),
        (0, Box::new(Reason::Condemned("pages are missing".to_owned()))),
        // service
        (2, Box::new(follow())),
        (1, Box::new(not_understood())),
        (0, Box::new(FollowError::from(LostTail { stream: STREAM, missing: 3..=5 }))),
        (2, Box::new(Halt::from(follow()))),
        (2, Box::new(Halt::LogRefuses(append()))),
        (1, Box::new(Halt::Store(store()))),
        (0, Box::new(Halt::Clock(ClockFault::JumpedBack(core::time::Duration::from_hours(2))))),
        (3, Box::new(WriteError::Halted(Halt::from(follow())))),
        (3, Box::new(WriteError::Halted(Halt::LogRefuses(append())))),
        (2, Box::new(WriteError::Halted(Halt::Store(store())))),
        (2, Box::new(RepairError::from(follow()))),
        (2, Box::new(RepairError::Append { stream: STREAM, source: append() })),
        (1, Box::new(StartError::Store { service: STREAM.service, partition: 7, source: store() })),
        (3, Box::new(StartError::Log(follow()))),
        (1, Box::new(ServeError::Listen { address, source: disk() })),
        (1, Box::new(EndpointError { address, source: disk() })),
        // projection
        (1, Box::new(ProjectionStartError::from(store()))),
        (2, Box::new(ProjectionStartError::Log { stream: STREAM, source: read() })),
        (0, Box::new(ProjectionHalt::LostTail { stream: STREAM, from: 3, to: 5 })),
    ]
}

/// Every error of a chain, the first one first.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let mut chain = vec![error];
    let mut source = error.source();
    while let Some(cause) = source {
        chain.push(cause);
        source = cause.source();
    }
    chain
}

#[test]
fn every_cause_of_an_error_is_printed_once() {
    for (causes, error) in errors() {
        let error: &(dyn Error + 'static) = &*error;
        let chain = chain(error);
        assert_eq!(chain.len(), causes + 1, "{error:?}");
        let printed = Failure::refused("cannot go on", error).to_string();
        for part in chain {
            let text = part.to_string();
            assert!(!text.is_empty());
            assert_eq!(printed.matches(&text).count(), 1, "'{text}' in '{printed}'");
        }
        assert_eq!(printed, format!("cannot go on: {}", WithCauses(error)));
    }
}

#[test]
fn what_a_halt_says_names_the_disks_own_words_once() {
    for halt in [Halt::from(follow()), Halt::LogRefuses(append())] {
        let detail = halt.notice(STREAM).detail;
        assert_eq!(detail.matches(&disk().to_string()).count(), 1, "{detail}");
    }
}

//! A stream that cannot be followed is never skipped: it halts, and whatever needs it says so.

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::ready;
use loopledger_chain::{AnyRef, Envelope, leaf_hash};
use loopledger_domain::TailLost;
use loopledger_event_log::{AppendError, Appending, Decorator, EventLog, MemoryLog, Record};
use loopledger_projection::{Halt, StoragePlace, StreamHealth};
use loopledger_proto::common::v1::StreamState;
use loopledger_proto::ledger::v1 as pb;
use loopledger_service::clock::SystemClock;
use loopledger_service::feed::Feed;
use loopledger_service::host::HostConfig;
use loopledger_service::writer::{Health, WriterConfig};
use loopledger_state_store::Memory;
use loopledger_types::{
    CountyCode, Hash, Key, Partition, Position, RequestId, Service, Timestamp, Topic, partition_of,
};
use loopledger_wire::{Draft, encode_commit, position_to_pb};
use tonic::{Code, Status};

use crate::world::{HISTORY, PARTITIONS, World, append, full_log, position, stream};

const NEWER: &str = "type.googleapis.com/loopledger.station.event.v1.GoodsTeleported";

fn reason(status: &Status) -> String {
    tonic_types::StatusExt::get_details_error_info(status).map(|info| info.reason).unwrap_or_default()
}

/// An admitted commit of a version to come, after the newest of the stations.
fn of_the_future() -> (Position, Vec<u8>) {
    let head = HISTORY.commits(Service::Station).last().unwrap();
    let mut record = Vec::new();
    Envelope {
        stream: head.stream,
        sequence: head.sequence + 1,
        previous_hash: head.hash,
        request_id: "00000000-0000-4000-8000-000000000001",
        request_digest: [1; 32],
        cause: None,
        actor: None,
        recorded_at: Timestamp { seconds: 2_000_000_000, nanos: 0 },
        events: vec![AnyRef { type_url: NEWER, value: b"?" }],
        upstream: Vec::new(),
    }
    .encode(&mut record);
    (Position { stream: head.stream, sequence: head.sequence + 1, hash: leaf_hash(&record) }, record)
}

/// Every query that needs the whole state.
async fn refusals(world: &World) -> Vec<Status> {
    let household = "6f1f7d2e-0d5c-4c65-9a3a-2f5d6f0a7b11".to_owned();
    let id = || household.clone();
    let month = "2020-04".to_owned();
    let figure = pb::LoopFigure::Sales.into();
    let (mut income, mut loops, mut trace, mut ledger) = (world.income(), world.loops(), world.trace(), world.ledger());
    let subject = Some(pb::trace_lot_request::Subject::LotId(id()));
    vec![
        income
            .get_household_income(pb::GetHouseholdIncomeRequest { household_id: id(), ..Default::default() })
            .await
            .unwrap_err(),
        income
            .list_income_lines(pb::ListIncomeLinesRequest { household_id: id(), ..Default::default() })
            .await
            .unwrap_err(),
        income
            .list_division_income(pb::ListDivisionIncomeRequest {
                division_code: "654224".into(),
                ..Default::default()
            })
            .await
            .unwrap_err(),
        loops.get_loop(pb::GetLoopRequest::default()).await.unwrap_err(),
        loops.list_loop_by_division(pb::ListLoopByDivisionRequest::default()).await.unwrap_err(),
        loops.list_loop_facts(pb::ListLoopFactsRequest { figure, ..Default::default() }).await.unwrap_err(),
        trace.trace_lot(pb::TraceLotRequest { subject, ..Default::default() }).await.unwrap_err(),
        trace.trace_order(pb::TraceOrderRequest { order_id: id(), ..Default::default() }).await.unwrap_err(),
        ledger.list_balances(pb::ListBalancesRequest { party_id: id(), ..Default::default() }).await.unwrap_err(),
        ledger
            .list_balance_facts(pb::ListBalanceFactsRequest { party_id: id(), ..Default::default() })
            .await
            .unwrap_err(),
        ledger.list_lot_values(pb::ListLotValuesRequest { party_id: id(), ..Default::default() }).await.unwrap_err(),
        ledger.get_trial_balance(pb::GetTrialBalanceRequest::default()).await.unwrap_err(),
        ledger
            .get_statement(pb::GetStatementRequest { party_id: id(), month, ..Default::default() })
            .await
            .unwrap_err(),
        ledger.rebuild(pb::RebuildRequest::default()).await.map(drop).unwrap_err(),
    ]
}

async fn halted(world: &World) -> Halt {
    let mut health = world.projection.health();
    health.wait_for(|health| health.halt().is_some()).await.unwrap().halt().cloned().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_is_not_understood_halts_its_stream_in_every_answer() {
    let log = MemoryLog::new(PARTITIONS);
    let records = HISTORY.records();
    let last_sales = records.iter().rposition(|(service, _)| *service == Service::Sales).unwrap();
    let (last, rest): (Vec<_>, Vec<_>) =
        records.iter().cloned().enumerate().partition(|(index, _)| *index == last_sales);
    append(&log, &rest.into_iter().map(|(_, record)| record).collect::<Vec<_>>()).await;
    let world = World::start(&log, StoragePlace::Memory(Memory::new())).await;
    assert!(world.projection.caught_up().await.is_serving());

    let (future, record) = of_the_future();
    append(&log, &[(Service::Station, record)]).await;
    let Halt::NotUnderstood { position: at, reason: why } = halted(&world).await else { panic!("another reason") };
    assert_eq!(at, future);
    assert!(why.contains("GoodsTeleported"), "{why}");
    for refused in refusals(&world).await {
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "STREAM_HALTED"));
        let said = refused.message();
        assert!(said.contains("GoodsTeleported") && said.contains("run a newer version"), "{said}");
    }

    // The other streams go on, and what is known is shown.
    append(&log, &last.into_iter().map(|(_, record)| record).collect::<Vec<_>>()).await;
    let known = vec![position_to_pb(position(Service::Sales, HISTORY.commits(Service::Sales).len()))];
    world
        .ledger()
        .r#await(pb::AwaitRequest { positions: known, consequences: false, ..pb::AwaitRequest::default() })
        .await
        .unwrap();
    let beyond = pb::AwaitRequest {
        positions: vec![position_to_pb(future)],
        consequences: false,
        ..pb::AwaitRequest::default()
    };
    assert_eq!(reason(&world.ledger().r#await(beyond).await.unwrap_err()), "STREAM_HALTED");
    let status = world.status().await;
    let of = |service: Service| status.streams.iter().find(|s| s.stream == stream(service).to_string()).unwrap();
    assert!(of(Service::Station).health.starts_with("halted: commit"), "{status:?}");
    let halt = of(Service::Station).halt.clone().unwrap();
    assert_eq!((halt.sequence, halt.reason.as_str()), (future.sequence, "NOT_UNDERSTOOD"));
    assert!(halt.message_zh.contains("请升级到新版本"), "{halt:?}");
    assert_eq!((of(Service::Station).state(), of(Service::Sales).state()), (StreamState::Halted, StreamState::Serving));
    assert_eq!((of(Service::Station).sequence + 1, of(Service::Sales).health.as_str()), (future.sequence, "serving"));
    let request = pb::ListCommitsRequest { stream: "station/654224".into(), page_size: 1, ..Default::default() };
    assert_eq!(world.ledger().list_commits(request).await.unwrap().into_inner().commits.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_was_not_understood_before_the_start_keeps_it_from_serving() {
    let log = full_log().await;
    append(&log, &[(Service::Station, of_the_future().1)]).await;
    let world = World::start(&log, StoragePlace::Memory(Memory::new())).await;
    let health = world.projection.caught_up().await;
    assert!(!health.is_serving() && matches!(health.halt(), Some(Halt::NotUnderstood { .. })), "{health:?}");
    assert_eq!(refusals(&world).await.len(), 14);
}

/// A projection without a checkpoint learns from the references in other streams which commits are missing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_shorter_than_its_own_streams_say_is_not_served() {
    let (log, all) = (MemoryLog::new(PARTITIONS), HISTORY.commits(Service::Station).len());
    let mut kept = all - 25;
    let cut = HISTORY.records().iter().filter(|(service, _)| {
        let is_kept = *service != Service::Station || kept > 0;
        kept -= usize::from(*service == Service::Station && is_kept);
        is_kept
    });
    append(&log, &cut.cloned().collect::<Vec<_>>()).await;
    let world = World::start(&log, StoragePlace::Memory(Memory::new())).await;
    let Halt::LostTail { stream: lost, from, to } = halted(&world).await else { panic!("another reason") };
    assert_eq!((lost, from), (stream(Service::Station), u64::try_from(all - 24).unwrap()));
    assert!(from < to && to <= u64::try_from(all).unwrap(), "{to}");
    assert_eq!(refusals(&world).await.len(), 14);

    // Once the stream itself says that they are lost, it is whole.
    let head = &HISTORY.commits(Service::Station)[all - 26];
    let loss = TailLost { first: from, last: to, head: Hash::ZERO }.of(Service::Station).unwrap();
    let mut record = Vec::new();
    encode_commit(
        &Draft {
            stream: head.stream,
            sequence: from,
            previous_hash: head.hash,
            request_id: RequestId::for_loss(head.stream, Hash::ZERO),
            request_digest: [0; 32],
            cause: None,
            actor: None,
            recorded_at: Timestamp { seconds: 2_000_000_000, nanos: 0 },
            events: &[loss],
            upstream: &[],
        },
        &mut record,
    );
    append(&log, &[(Service::Station, record)]).await;
    let world = World::start(&log, StoragePlace::Memory(Memory::new())).await;
    assert!(world.projection.caught_up().await.is_serving());
    assert!(world.rebuild().await.last().unwrap().digests_agree.unwrap());
    assert!(world.projection.health().borrow().is_serving());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_loses_its_tail_while_it_is_followed_halts_the_stream() {
    let log = full_log().await;
    let world = World::start(&log, StoragePlace::Memory(Memory::new())).await;
    assert!(world.projection.caught_up().await.is_serving());
    let (topic, partition) = (Service::Sales.topic(), partition_of(Key(CountyCode::TUOLI), PARTITIONS));
    let first = log.read(topic, partition, loopledger_event_log::Offset::START).unwrap().poll_now().unwrap();
    let kept = 10;
    log.truncate(topic, partition, first[kept].offset).unwrap();
    let all = u64::try_from(HISTORY.commits(Service::Sales).len()).unwrap();
    let lost = Halt::LostTail { stream: stream(Service::Sales), from: u64::try_from(kept).unwrap() + 1, to: all };
    assert_eq!(halted(&world).await, lost);
    for refused in refusals(&world).await {
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::DataLoss, "LOST_TAIL"));
    }
    let health = world.projection.health().borrow().clone();
    assert_eq!(*health.stream(Service::Station), StreamHealth::Serving);
}

/// The log takes nothing more of procurement's from this process.
#[derive(Debug)]
struct Refusing(MemoryLog);

impl Decorator for Refusing {
    fn inner(&self) -> &dyn EventLog {
        &self.0
    }

    fn append(&self, topic: Topic, partition: Partition, records: Vec<Record>) -> Appending {
        if topic != Service::Procurement.topic() {
            return self.0.append(topic, partition, records);
        }
        let failed =
            || AppendError::SyncFailed { path: "segment".into(), source: Arc::new(std::io::Error::other("EIO")) };
        ready(records.iter().map(|_| Err(failed())).collect()).boxed()
    }
}

/// The history up to the first commit that procurement answers; that commit.
fn before_the_first_answer() -> (&'static [(Service, Vec<u8>)], Position) {
    let records = HISTORY.records();
    let answers = |(_, record): &(Service, Vec<u8>)| Envelope::decode(record).unwrap().cause;
    let is_answer = |record: &(Service, Vec<u8>)| record.0 == Service::Procurement && answers(record).is_some();
    let first = records.iter().position(is_answer).unwrap();
    (&records[..first], answers(&records[first]).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consequences_due_from_a_halted_writer_are_not_waited_for() {
    let (records, asked) = before_the_first_answer();
    let log = MemoryLog::new(PARTITIONS);
    append(&log, records).await;
    let feed = Feed::new(Arc::new(Refusing(log)));
    let world = World::start_on(feed.clone(), StoragePlace::Memory(Memory::new())).await;
    assert!(world.projection.caught_up().await.is_serving());
    let waiting = move || pb::AwaitRequest {
        positions: vec![position_to_pb(asked)],
        consequences: true,
        ..pb::AwaitRequest::default()
    };
    let mut ledger = world.ledger();
    let before = tokio::spawn(async move { ledger.r#await(waiting()).await.map(drop).unwrap_err() });

    let config = HostConfig::of(CountyCode::TUOLI, None, WriterConfig::default());
    let procurement = loopledger_procurement::App::start(&feed, Arc::new(SystemClock), config.clone()).await.unwrap();
    procurement.handle().health().wait_for(|health| matches!(health, Health::Halted(_))).await.unwrap();
    let after = world.ledger().r#await(waiting()).await.map(drop).unwrap_err();
    for refused in [before.await.unwrap(), after] {
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "STREAM_HALTED"));
        assert!(refused.message().starts_with("procurement/654224 is halted"), "{refused:?}");
    }
    // What needs nothing of it is answered, and the status says so.
    let reads =
        pb::AwaitRequest { positions: vec![position_to_pb(asked)], consequences: false, ..pb::AwaitRequest::default() };
    world.ledger().r#await(reads).await.unwrap();
    let status = world.status().await;
    let of = |service: Service| status.streams.iter().find(|s| s.stream == stream(service).to_string()).unwrap();
    let halt = of(Service::Procurement).writer_halt.clone().unwrap();
    assert_eq!((halt.reason.as_str(), of(Service::Procurement).state()), ("LOG_REFUSES", StreamState::Serving));
    assert!(of(Service::Station).writer_halt.is_none() && of(Service::Procurement).halt.is_none(), "{status:?}");
}

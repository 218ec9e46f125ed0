//! An older build meets what a newer one wrote: it halts, skips nothing, and the newer one goes on where it was.

use std::sync::Arc;

use loopledger_chain::Envelope;
use loopledger_domain::Commit;
use loopledger_projection::{Halt, StartReport, StoragePlace, StreamHealth};
use loopledger_service::feed::Feed;
use loopledger_state_store::Memory;
use loopledger_types::{Hash, Service};
use loopledger_wire::{NotUnderstood, decode_commit};

use crate::world::{HISTORY, LEDGER, World, digests, full_log};

/// What the older build has never heard of.
const NEWER: &str = "loopledger.station.event.v1.GoodsHandedOver";

fn older(envelope: &Envelope<'_>, hash: Hash) -> Result<Commit, NotUnderstood> {
    match envelope.events.iter().find(|event| event.type_url.ends_with(NEWER)) {
        Some(event) => {
            Err(NotUnderstood { type_url: event.type_url.to_owned(), reason: "no such event type".to_owned() })
        }
        None => decode_commit(envelope, hash),
    }
}

/// The station's first commit with such an event.
fn first_newer() -> u64 {
    let mut stations = HISTORY.records().iter().filter(|(service, _)| *service == Service::Station);
    let is_newer = |(_, record): &&(Service, Vec<u8>)| older(&Envelope::decode(record).unwrap(), Hash::ZERO).is_err();
    Envelope::decode(&stations.find(is_newer).unwrap().1).unwrap().sequence
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_halted_by_what_is_newer_resumes_after_an_upgrade_with_nothing_skipped() {
    let unknown = first_newer();
    let of_stations = HISTORY.commits(Service::Station).len() as u64;
    let all = HISTORY.records().len() as u64;
    assert!(1 < unknown && unknown < of_stations);
    for is_killed in [false, true] {
        let (log, memory) = (full_log().await, Memory::new());
        let feed = Feed::understanding(Arc::new(log.clone()), older);
        let world = World::start_on(feed, StoragePlace::Memory(memory.clone())).await;
        let mut health = world.projection.health();
        let halted = health.wait_for(|health| health.halt().is_some()).await.unwrap().clone();
        let Some(Halt::NotUnderstood { position, reason }) = halted.halt() else { panic!("{halted:?}") };
        assert_eq!((position.stream.service, position.sequence), (Service::Station, unknown));
        assert!(reason.contains(NEWER), "{reason}");
        // The others are read to their ends.
        let folded = all - of_stations + unknown - 1;
        while world.projection.metrics().commits_total.get() < folded {
            tokio::task::yield_now().await;
        }
        world.projection.checkpoint().await;
        assert!(matches!(health.borrow().stream(Service::Station), StreamHealth::Halted(_)));
        assert_eq!(world.projection.metrics().commits_total.get(), folded, "nothing behind it is folded");
        if is_killed {
            drop(world);
        } else {
            world.projection.shutdown().await;
        }

        let world = World::start(&log, StoragePlace::Memory(memory)).await;
        let report = world.projection.report();
        assert!(matches!(report, StartReport::Loaded { commits, .. } if *commits == folded), "{report:?}");
        world.settled().await;
        let status = world.status().await;
        let (ledger, state) = digests(&LEDGER);
        assert_eq!((status.ledger_digest, status.state_digest), (ledger.0.to_vec(), state.0.to_vec()));
        assert_eq!(world.projection.metrics().commits_total.get(), all - folded, "nothing skipped, nothing twice");
    }
}

//! How the projection is, and waiting for it. Both are answered whatever the health: it is where a halted stream is looked
//! at.

use core::time::Duration;

use loopledger_ledger::StreamHead;
use loopledger_service::feed::Outage;
use loopledger_types::{Position, Service, StreamId};
use loopledger_wire::HaltNotice;
use tokio::time::Instant;

use super::{Needs, Query, QueryError, Reader};
use crate::digests::Digest;
use crate::health::StreamHealth;

/// How long a status waits for digests.
const PATIENCE: Duration = Duration::from_millis(500);

#[derive(Debug, Clone, Copy)]
pub struct GetStatus;

#[derive(Debug, Clone)]
pub struct StatusAnswer {
    /// By service.
    pub streams: [StreamStatus; 5],
    /// Absent while the state still fills.
    pub digest: Option<Digest>,
    /// What an acknowledged write survives.
    pub durability: &'static str,
    /// Why the log cannot be reached, if it cannot.
    pub outage: Option<Outage>,
    pub open_hand_overs: usize,
    pub exceptions: u64,
    pub ledger_bytes: usize,
}

#[derive(Debug, Clone)]
pub struct StreamStatus {
    pub stream: StreamId,
    pub at: StreamHead,
    /// Void records since the start.
    pub voids: u64,
    pub health: StreamHealth,
    /// Why the stream's writer in this process is halted, if it is.
    pub writer_halt: Option<HaltNotice>,
    /// How long ago everything was read that was in the log then.
    pub age: Duration,
}

impl Query for GetStatus {
    type Answer = StatusAnswer;

    const NEEDS: Needs = Needs::Positions;

    async fn answer(self, reader: Reader<'_>) -> Result<Self::Answer, QueryError> {
        let Reader { shared, terms } = reader;
        // Usually it is ready, or will be in a moment. A state that goes on filling has no digest worth a second of
        // everybody's time.
        let deadline = terms.deadline;
        let soon = Instant::now().checked_add(PATIENCE).map_or(deadline, |soon| soon.min(deadline));
        let _ = shared.ready(soon).await;
        let health = shared.health.borrow().clone();
        let digest = if health.is_caught_up { Some(shared.digest(terms.asking.caller).await?) } else { None };
        let folded = reader.folded().await;
        let at = |service: Service| {
            let digested = digest.and_then(|digest| digest.heads.get(service.index()).copied());
            digested.unwrap_or_else(|| folded.ledger.head(service))
        };
        let contact = shared.feed.contact();
        let stream_status = |service: Service| StreamStatus {
            stream: shared.stream(service),
            at: at(service),
            voids: shared.voids.get(service.index()).map_or(0, crate::metrics::Number::get),
            health: shared.stream_health(&health, service),
            writer_halt: health.halted_writer(service).map(|halted| halted.notice.clone()),
            age: contact.age(shared.stream(service)),
        };
        Ok(StatusAnswer {
            streams: Service::ALL.map(stream_status),
            digest,
            durability: contact.durability(),
            outage: contact.outage(),
            open_hand_overs: folded.ledger.open_hand_over_count(),
            exceptions: folded.ledger.exception_count(),
            ledger_bytes: folded.ledger.bytes(),
        })
    }
}

/// Waiting alone: the terms say for what.
#[derive(Debug, Clone, Copy)]
pub struct Await;

#[derive(Debug, Clone)]
pub struct AwaitAnswer {
    pub heads: Vec<Position>,
}

impl Query for Await {
    type Answer = AwaitAnswer;

    const NEEDS: Needs = Needs::Positions;

    async fn answer(self, reader: Reader<'_>) -> Result<Self::Answer, QueryError> {
        Ok(AwaitAnswer { heads: reader.folded().await.positions() })
    }
}

//! The digests of the state at its heads: computed when asked for, once per heads.

use loopledger_ledger::StreamHead;
use loopledger_service::limits::Caller;
use loopledger_types::{Hash, Service};
use loopledger_wire::Failure;
use tokio::sync::Mutex;

use crate::beside::beside;
use crate::shared::Shared;

/// What the state was when its digests were computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest {
    /// By service.
    pub heads: [StreamHead; 5],
    pub ledger: Hash,
    pub state: Hash,
}

/// The last digests. The lock is held while they are computed, so they are computed once.
#[derive(Debug, Default)]
pub(crate) struct Digests(Mutex<Option<Digest>>);

impl Shared {
    /// Reads the whole state, some seconds for millions of commits, and keeps the fold waiting meanwhile; not queries.
    pub(crate) async fn digest(&self, caller: Caller) -> Result<Digest, Failure> {
        // Callers take turns: with every commit there is something new to compute.
        let _turn = self.digesting.take(caller).await;
        let mut last = self.digests.0.lock().await;
        let reading = self.read_long().await;
        let heads = Service::ALL.map(|service| reading.folded.ledger.head(service));
        if let Some(digest) = last.filter(|digest| digest.heads == heads) {
            return Ok(digest);
        }
        let computed = beside(async move {
            let ledger = reading.folded.ledger.ledger_digest();
            Digest { heads, ledger, state: reading.folded.ledger.state_digest(ledger) }
        });
        let digest = computed.await.map_err(|_| Failure::Internal { what: "computing the digests panicked" })?;
        *last = Some(digest);
        Ok(digest)
    }
}

//! Read your writes: waiting until positions, and what follows from them, are folded.

use core::time::Duration;

use loopledger_service::limits::Permit;
use loopledger_types::{Hash, Position, Service, StreamId};
use loopledger_wire::Failure;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::api::Terms;
use crate::halts::awaited_in_vain;
use crate::health::Health;
use crate::index::Known;
use crate::shared::{Folded, Sequences, Shared};

/// What callers are told to wait before they try again.
pub(crate) const RETRY_AFTER: Duration = Duration::from_millis(500);

impl Shared {
    /// Waits until queries are answered at all.
    pub(crate) async fn ready(&self, deadline: Instant) -> Result<(), Failure> {
        if self.health.borrow().is_serving() {
            return Ok(());
        }
        let mut health = self.health.subscribe();
        let settled = health.wait_for(|health| health.is_caught_up || health.halt().is_some() || health.is_stopped());
        match timeout_at(deadline, settled).await {
            Err(_) => Err(Failure::NotReady { retry_after: RETRY_AFTER }),
            Ok(Err(_)) => Err(Failure::ShuttingDown),
            Ok(Ok(health)) => refused(&health).map_or(Ok(()), Err),
        }
    }

    /// Waits until every position is folded, and with `consequences` every reaction that is due to it. Names what is
    /// behind when the deadline passes.
    pub(crate) async fn wait_for(&self, terms: &Terms) -> Result<(), Failure> {
        let positions = terms.at_least.as_slice();
        if let Some(other) = positions.iter().find(|position| position.stream.county != self.county) {
            return Err(Failure::NotServed { stream: other.stream });
        }
        for position in positions {
            self.wait_for_sequence(position.stream, position.sequence, terms).await?;
            self.check_hash(*position, terms.deadline).await?;
        }
        if terms.consequences && !positions.is_empty() {
            self.wait_for_consequences(terms).await?;
        }
        Ok(())
    }

    /// Waits until a list's heads are folded.
    pub(crate) async fn wait_for_sequences(&self, heads: &Sequences, terms: &Terms) -> Result<(), Failure> {
        for (service, sequence) in Service::ALL.into_iter().zip(*heads) {
            self.wait_for_sequence(self.stream(service), sequence, terms).await?;
        }
        Ok(())
    }

    async fn wait_for_sequence(&self, stream: StreamId, sequence: u64, terms: &Terms) -> Result<(), Failure> {
        let behind = |shared: &Self| {
            let have = shared.head(stream.service).sequence;
            (have < sequence).then_some(have)
        };
        if behind(self).is_none() {
            return Ok(());
        }
        let _permit = self.permit(terms)?;
        let mut waiting = Waiting::new(self);
        while let Some(have) = behind(self) {
            if let Some(halt) = waiting.halt_of(stream.service, sequence) {
                return Err(halt);
            }
            if !waiting.change(terms.deadline).await {
                return Err(Failure::UpstreamBehind { stream, wanted: sequence, have, retry_after: RETRY_AFTER });
            }
        }
        Ok(())
    }

    /// A permit of the caller to wait.
    fn permit(&self, terms: &Terms) -> Result<Permit, Failure> {
        self.waiting.take(terms.asking.caller).ok_or(Failure::QueueFull { retry_after: RETRY_AFTER })
    }

    async fn check_hash(&self, position: Position, deadline: Instant) -> Result<(), Failure> {
        let (service, sequence) = (position.stream.service, position.sequence);
        let hash: Hash = match self.index.find(service, sequence) {
            Known::Hash(hash) => hash,
            Known::InLog => {
                let wanted = core::iter::once((service, sequence));
                let read = timeout_at(deadline, self.hashes_of(wanted)).await;
                read.map_err(|_| Failure::DeadlineExceeded)??.position(service, sequence).hash
            }
            Known::NotYet => return Err(Failure::Internal { what: "a head ahead of the index" }),
        };
        if hash == position.hash { Ok(()) } else { Err(Failure::PositionNotInLog { position }) }
    }

    async fn wait_for_consequences(&self, terms: &Terms) -> Result<(), Failure> {
        let (mut waiting, mut permit) = (Waiting::new(self), None);
        loop {
            let folded = self.folded.read().await;
            let is_open =
                |position: &&Position| !folded.ledger.consequences_are_in(position.stream.service, position.sequence);
            let Some(open) = terms.at_least.iter().find(is_open).copied() else { return Ok(()) };
            if Instant::now() >= terms.deadline {
                return Err(self.awaited(&folded, open));
            }
            let in_vain = awaited_in_vain(&folded, &self.health.borrow(), open);
            drop(folded);
            // Kept until the end, once it was needed.
            if permit.is_none() {
                permit = Some(self.permit(terms)?);
            }
            if let Some(failure) = refused(&self.health.borrow()).or(in_vain) {
                return Err(failure);
            }
            // Woken or late: the state is looked at once more either way.
            waiting.change(terms.deadline).await;
        }
    }

    /// Whose answer is missing.
    fn awaited(&self, folded: &Folded, position: Position) -> Failure {
        let (service, sequence) = (position.stream.service, position.sequence);
        let open = folded.ledger.open_hand_overs();
        let of_it = open.iter().find(|open| open.root.service == service && open.root.sequence <= sequence);
        let awaited = of_it.and_then(|open| open.awaiting.first().copied()).unwrap_or(service);
        let have = folded.ledger.head(awaited).head.sequence;
        let wanted = have.saturating_add(1);
        Failure::UpstreamBehind { stream: self.stream(awaited), wanted, have, retry_after: RETRY_AFTER }
    }
}

/// Why nothing is answered at all.
fn refused(health: &Health) -> Option<Failure> {
    let halted = health.halt().map(crate::health::Halt::failure);
    halted.or_else(|| health.is_stopped().then_some(Failure::ShuttingDown))
}

/// Notices every change from its making on.
struct Waiting<'a> {
    shared: &'a Shared,
    heads: watch::Receiver<[loopledger_types::Head; 5]>,
    health: watch::Receiver<Health>,
}

impl<'a> Waiting<'a> {
    fn new(shared: &'a Shared) -> Self {
        Self { shared, heads: shared.heads.subscribe(), health: shared.health.subscribe() }
    }

    /// Waits for a change of heads or health; whether one came in time.
    async fn change(&mut self, deadline: Instant) -> bool {
        let changed = async {
            tokio::select! {
                biased;
                changed = self.heads.changed() => changed.is_ok(),
                changed = self.health.changed() => changed.is_ok(),
            }
        };
        timeout_at(deadline, changed).await.unwrap_or(false)
    }

    /// Why the stream will not come as far.
    fn halt_of(&self, service: Service, sequence: u64) -> Option<Failure> {
        let health = self.shared.health.borrow();
        match health.stream(service) {
            crate::StreamHealth::Halted(halt) => Some(halt.failure()),
            crate::StreamHealth::Stopped => Some(Failure::ShuttingDown),
            crate::StreamHealth::CatchingUp(_)
            | crate::StreamHealth::Serving
            | crate::StreamHealth::LogUnavailable { .. } => {
                let writer = health.halted_writer(service).filter(|halted| halted.is_beyond(sequence));
                writer.map(|halted| halted.notice.failure())
            }
        }
    }
}

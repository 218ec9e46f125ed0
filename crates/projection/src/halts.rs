//! Halted writers of the same process: what waits for their commits is answered at once, and not by its deadline.

use std::sync::Arc;

use loopledger_types::{Position, Service};
use loopledger_wire::Failure;

use crate::health::Health;
use crate::shared::{Folded, Shared};

/// Takes every change of the writers into the health, until the projection ends.
pub(crate) async fn watch(shared: Arc<Shared>) {
    let mut seen = 0;
    loop {
        seen = shared.feed.halts_changed(seen).await;
        let writers = Service::ALL.map(|service| shared.feed.halted(shared.stream(service)));
        shared.health.send_if_modified(|health| {
            let is_changed = health.writers != writers;
            health.writers = writers;
            is_changed
        });
    }
}

/// Why the consequences of a position will not come: one that is missing is due from a writer that is halted, and
/// everything that this writer wrote is folded.
pub(crate) fn awaited_in_vain(folded: &Folded, health: &Health, position: Position) -> Option<Failure> {
    if health.writers.iter().all(Option::is_none) {
        return None;
    }
    let open = folded.ledger.open_hand_overs();
    let (service, sequence) = (position.stream.service, position.sequence);
    let of_it = open.iter().filter(|open| open.root.service == service && open.root.sequence <= sequence);
    let awaited = of_it.flat_map(|open| &open.awaiting);
    let halted = awaited.filter_map(|service| {
        let halted = health.halted_writer(*service)?;
        (folded.ledger.head(*service).head.sequence >= halted.head).then_some(halted)
    });
    halted.map(|halted| halted.notice.failure()).next()
}

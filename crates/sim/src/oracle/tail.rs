//! Lost tails: no program that had read lost commits continues as if nothing had happened.

use core::time::Duration;

use loopledger_dice::Dice;
use loopledger_event_log::{EventLog as _, Offset};
use loopledger_service::writer::Health;
use tokio::time::sleep;

use super::SERVICES;
use crate::cluster::Cluster;
use crate::faults::junk::partition;
use crate::history::History;
use crate::node::AnyNode;

/// How long everybody has to notice.
const NOTICE_WITHIN: u32 = 100;

/// Cuts off the last commits of a stream while every process is down, on stores that know them.
pub(crate) async fn lose(cluster: &mut Cluster, dice: &mut Dice, history: &History) {
    for host in &mut cluster.hosts {
        host.shut_down(Duration::ZERO, history).await;
    }
    let service = *dice.pick(&SERVICES).expect("there are services");
    let partition = partition(&cluster.log, service);
    let mut reader = cluster.log.read(service.topic(), partition, Offset::START).expect("the log can be read");
    let mut offsets = Vec::new();
    while let Some(last) = reader.poll_now().ok().filter(|read| !read.is_empty()) {
        offsets.extend(last.into_iter().map(|record| record.offset));
    }
    // Far enough that a commit is among what is lost, whatever void records stand at the end.
    let from = offsets.len() * usize::try_from(40 + dice.below(50)).unwrap_or(0) / 100;
    let Some(to) = offsets.get(from) else { return };
    cluster.log.truncate(service.topic(), partition, *to).expect("a record begins there");
    history.fault("tail lost", format!("{service}: {} of {} records", offsets.len() - from, offsets.len()));
    cluster.start_all();
    for _ in 0..NOTICE_WITHIN {
        if unaware(cluster).is_empty() {
            return;
        }
        sleep(Duration::from_millis(100)).await;
    }
    for name in unaware(cluster) {
        history.violation(format!("{name} goes on after a loss in {service}"));
    }
}

/// Programs that have not halted.
fn unaware(cluster: &Cluster) -> Vec<String> {
    let halted = |health: &Health| matches!(health, Health::Halted(halt) if halt.reason() == "LOST_TAIL");
    let nodes = cluster.nodes().filter(|node| !node.health().is_some_and(|health| halted(&health)));
    let mut names: Vec<String> = nodes.map(AnyNode::name).collect();
    let lost = cluster.watcher().with(|projection| {
        let health = projection.health();
        let health = health.borrow();
        matches!(health.halt(), Some(loopledger_projection::Halt::LostTail { .. }))
    });
    if lost != Some(true) {
        names.push("projection".to_owned());
    }
    names
}

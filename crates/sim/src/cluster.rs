//! The processes of the county: which programs each runs, and how they are killed and started.

use core::time::Duration;
use std::sync::Arc;

use loopledger_dice::Dice;
use loopledger_domain::distribution::Distribution;
use loopledger_domain::procurement::Procurement;
use loopledger_domain::sales::Sales;
use loopledger_domain::station::Station;
use loopledger_event_log::MemoryLog;
use loopledger_service::feed::Feed;
use loopledger_service::writer::{Halt, Health};
use loopledger_types::Head;
use tokio::time::Instant;

use crate::faults::clock::JumpingClock;
use crate::faults::line::{Line, NetworkState};
use crate::history::History;
use crate::node::{AnyNode, HandlePool, Node, Store};
use crate::watcher::Watcher;

/// How long a clock has been right when an operator starts a program that has not gone on by itself: a writer looks at
/// its clock every second.
const OPERATOR_AFTER: Duration = Duration::from_secs(3);

const fn is_halted_by_clock(health: Option<&Health>) -> bool {
    matches!(health, Some(Health::Halted(Halt::Clock(_))))
}

/// Where the services are called.
#[derive(Debug, Clone)]
pub(crate) struct HandlePools {
    pub(crate) procurement: HandlePool<Procurement>,
    pub(crate) station: HandlePool<Station>,
    pub(crate) distribution: HandlePool<Distribution>,
    pub(crate) sales: HandlePool<Sales>,
}

impl HandlePools {
    fn new() -> Self {
        Self {
            procurement: HandlePool::new(),
            station: HandlePool::new(),
            distribution: HandlePool::new(),
            sales: HandlePool::new(),
        }
    }

    fn nodes(&self, place: usize) -> Vec<Box<dyn AnyNode>> {
        vec![
            Node::boxed(&self.procurement, place),
            Node::boxed(&self.station, place),
            Node::boxed(&self.distribution, place),
            Node::boxed(&self.sales, place),
        ]
    }
}

/// One process: what is in it lives and dies together, and reads the log through one feed.
pub(crate) struct Host {
    pub(crate) nodes: Vec<Box<dyn AnyNode>>,
    pub(crate) watcher: Option<Watcher>,
    pub(crate) network: Arc<NetworkState>,
    pub(crate) clock: Arc<JumpingClock>,
    /// `Some`: down until then.
    down_until: Option<Instant>,
    has_backup: bool,
    /// Started with `--accept-clock` from now on.
    accepts_clock: bool,
}

impl Host {
    fn new(nodes: Vec<Box<dyn AnyNode>>, watcher: Option<Watcher>, dice: &mut Dice) -> Self {
        let (network, clock) = (Arc::new(NetworkState::new(dice.fork())), Arc::new(JumpingClock::new()));
        Self {
            nodes,
            watcher,
            network,
            clock,
            down_until: Some(Instant::now()),
            has_backup: false,
            accepts_clock: false,
        }
    }

    /// A feed whose line neither takes time nor fails.
    pub(crate) fn plain_feed(log: &MemoryLog) -> Feed {
        Feed::new(Arc::new(log.producer()))
    }

    pub(crate) fn name(&self) -> String {
        let nodes = self.nodes.iter().map(|node| node.name());
        nodes.chain(self.watcher.iter().map(|_| "projection".to_owned())).collect::<Vec<_>>().join("+")
    }

    pub(crate) const fn is_down(&self) -> bool {
        self.down_until.is_some()
    }

    pub(crate) const fn has_backup(&self) -> bool {
        self.has_backup
    }

    pub(crate) fn start(&mut self, log: &MemoryLog, history: &History) {
        history.note(format!("start {}", self.name()));
        self.down_until = None;
        let feed = Feed::new(Arc::new(Line::new(log, Arc::clone(&self.network))));
        for node in &mut self.nodes {
            node.start(feed.clone(), self.clock.clone(), self.accepts_clock);
        }
        if let Some(watcher) = &mut self.watcher {
            watcher.start(feed, history.clone());
        }
    }

    /// Killed; back after `down`, on what is left of its stores.
    pub(crate) fn crash(&mut self, store: Store, down: Duration, history: &History) {
        self.nodes.iter_mut().for_each(|node| node.crash(history));
        if let Some(watcher) = &mut self.watcher {
            watcher.crash();
        }
        self.go_down(store, down);
    }

    /// Stopped in good order; back after `down`.
    pub(crate) async fn shut_down(&mut self, down: Duration, history: &History) {
        for node in &mut self.nodes {
            node.shut_down(history).await;
        }
        if let Some(watcher) = &mut self.watcher {
            watcher.shut_down().await;
        }
        self.go_down(Store::Kept, down);
    }

    fn go_down(&mut self, store: Store, down: Duration) {
        self.nodes.iter_mut().for_each(|node| node.replace_store(store));
        if let Some(watcher) = &mut self.watcher {
            watcher.replace_store(store);
        }
        self.down_until = Some(Instant::now() + down);
    }

    pub(crate) fn back_up(&mut self) {
        self.has_backup = true;
        self.nodes.iter_mut().for_each(|node| node.back_up());
        if let Some(watcher) = &mut self.watcher {
            watcher.back_up();
        }
    }
}

pub(crate) struct Cluster {
    pub(crate) log: MemoryLog,
    pub(crate) pools: HandlePools,
    pub(crate) hosts: Vec<Host>,
    history: History,
}

impl Cluster {
    /// All in one process, or each in its own, as the dice fall; beside it standbys of some of the services, which are
    /// called as often.
    pub(crate) fn new(log: MemoryLog, dice: &mut Dice, history: History) -> Self {
        let pools = HandlePools::new();
        let together = dice.chance(40);
        let mut hosts = Vec::new();
        if together {
            hosts.push(Host::new(pools.nodes(0), Some(Watcher::default()), dice));
        } else {
            hosts.extend(pools.nodes(0).into_iter().map(|node| Host::new(vec![node], None, dice)));
            hosts.push(Host::new(Vec::new(), Some(Watcher::default()), dice));
        }
        let standbys: Vec<_> = pools.nodes(1).into_iter().filter(|_| dice.chance(45)).collect();
        if together && !standbys.is_empty() {
            hosts.push(Host::new(standbys, None, dice));
        } else {
            hosts.extend(standbys.into_iter().map(|node| Host::new(vec![node], None, dice)));
        }
        Self { log, pools, hosts, history }
    }

    /// Starts what is down and due, and once more what does not go on by itself although its clock has been right.
    pub(crate) fn start_due(&mut self) {
        let now = Instant::now();
        for host in &mut self.hosts {
            if host.down_until.is_some_and(|until| until <= now) {
                host.start(&self.log, &self.history);
            }
            let is_halted = host.nodes.iter().any(|node| is_halted_by_clock(node.health().as_ref()));
            if is_halted && host.clock.right_for() >= OPERATOR_AFTER {
                self.history.fault("clock accepted", host.name());
                host.accepts_clock = true;
                host.crash(Store::Kept, Duration::ZERO, &self.history);
                host.start(&self.log, &self.history);
            }
        }
    }

    pub(crate) fn start_all(&mut self) {
        for host in &mut self.hosts {
            if host.is_down() {
                host.start(&self.log, &self.history);
            }
        }
    }

    pub(crate) fn nodes(&self) -> impl Iterator<Item = &dyn AnyNode> {
        self.hosts.iter().flat_map(|host| host.nodes.iter().map(|node| &**node))
    }

    pub(crate) fn watcher(&self) -> &Watcher {
        self.hosts.iter().find_map(|host| host.watcher.as_ref()).expect("there is one")
    }

    /// The heads of the four streams, once every writer has read, and answered, everything.
    pub(crate) fn at_rest(&self) -> Option<[Head; 4]> {
        let mut nodes = self.nodes().map(AnyNode::at_rest);
        let heads = nodes.next()??;
        nodes.all(|other| other == Some(heads)).then_some(heads)
    }

    /// A writer that halted: it never should, whatever strikes, unless its clock is wrong.
    pub(crate) fn halted(&self) -> Option<String> {
        self.nodes().find_map(|node| match node.health() {
            Some(Health::Halted(halt)) if !matches!(halt, Halt::Clock(_)) => {
                Some(format!("{} halted: {}: {halt}", node.name(), halt.reason()))
            }
            Some(Health::Halted(_) | Health::CatchingUp(_) | Health::Serving | Health::Stopped) | None => None,
        })
    }
}

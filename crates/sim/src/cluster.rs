//! The processes of the county: which programs each runs, and how they are killed and started.

use core::time::Duration;
use std::sync::Arc;

use loopledger_domain::distribution::Distribution;
use loopledger_domain::procurement::Procurement;
use loopledger_domain::sales::Sales;
use loopledger_domain::station::Station;
use loopledger_event_log::MemoryLog;
use loopledger_service::feed::Feed;
use loopledger_service::writer::{Halt, Health};
use loopledger_testkit::Dice;
use loopledger_types::Head;
use tokio::time::Instant;

use crate::faults::clock::JumpingClock;
use crate::faults::line::{Line, Weather};
use crate::history::History;
use crate::seat::{AnySeat, Desk, Seat, Store};
use crate::watcher::Watcher;

/// How long a clock has been right when an operator starts a program that has not gone on by itself: a writer looks at
/// its clock every second.
const OPERATOR_AFTER: Duration = Duration::from_secs(3);

const fn is_halted_by_clock(health: Option<&Health>) -> bool {
    matches!(health, Some(Health::Halted(Halt::Clock(_))))
}

/// Where the services are called.
#[derive(Debug, Clone)]
pub(crate) struct Desks {
    pub(crate) procurement: Desk<Procurement>,
    pub(crate) station: Desk<Station>,
    pub(crate) distribution: Desk<Distribution>,
    pub(crate) sales: Desk<Sales>,
}

impl Desks {
    fn new() -> Self {
        Self { procurement: Desk::new(), station: Desk::new(), distribution: Desk::new(), sales: Desk::new() }
    }

    fn seats(&self, place: usize) -> Vec<Box<dyn AnySeat>> {
        vec![
            Seat::boxed(&self.procurement, place),
            Seat::boxed(&self.station, place),
            Seat::boxed(&self.distribution, place),
            Seat::boxed(&self.sales, place),
        ]
    }
}

/// One process: what is in it lives and dies together, and reads the log through one feed.
pub(crate) struct Host {
    pub(crate) seats: Vec<Box<dyn AnySeat>>,
    pub(crate) watcher: Option<Watcher>,
    pub(crate) weather: Arc<Weather>,
    pub(crate) clock: Arc<JumpingClock>,
    /// `Some`: down until then.
    down_until: Option<Instant>,
    has_backup: bool,
    /// Started with `--accept-clock` from now on.
    accepts_clock: bool,
}

impl Host {
    fn new(seats: Vec<Box<dyn AnySeat>>, watcher: Option<Watcher>, dice: &mut Dice) -> Self {
        let (weather, clock) = (Arc::new(Weather::new(dice.fork())), Arc::new(JumpingClock::new()));
        Self {
            seats,
            watcher,
            weather,
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
        let seats = self.seats.iter().map(|seat| seat.name());
        seats.chain(self.watcher.iter().map(|_| "projection".to_owned())).collect::<Vec<_>>().join("+")
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
        let feed = Feed::new(Arc::new(Line::new(log, Arc::clone(&self.weather))));
        for seat in &mut self.seats {
            seat.start(feed.clone(), self.clock.clone(), self.accepts_clock);
        }
        if let Some(watcher) = &mut self.watcher {
            watcher.start(feed, history.clone());
        }
    }

    /// Killed; back after `down`, on what is left of its stores.
    pub(crate) fn crash(&mut self, store: Store, down: Duration, history: &History) {
        self.seats.iter_mut().for_each(|seat| seat.crash(history));
        if let Some(watcher) = &mut self.watcher {
            watcher.crash();
        }
        self.go_down(store, down);
    }

    /// Stopped in good order; back after `down`.
    pub(crate) async fn shut_down(&mut self, down: Duration, history: &History) {
        for seat in &mut self.seats {
            seat.shut_down(history).await;
        }
        if let Some(watcher) = &mut self.watcher {
            watcher.shut_down().await;
        }
        self.go_down(Store::Kept, down);
    }

    fn go_down(&mut self, store: Store, down: Duration) {
        self.seats.iter_mut().for_each(|seat| seat.replace_store(store));
        if let Some(watcher) = &mut self.watcher {
            watcher.replace_store(store);
        }
        self.down_until = Some(Instant::now() + down);
    }

    pub(crate) fn back_up(&mut self) {
        self.has_backup = true;
        self.seats.iter_mut().for_each(|seat| seat.back_up());
        if let Some(watcher) = &mut self.watcher {
            watcher.back_up();
        }
    }
}

pub(crate) struct Cluster {
    pub(crate) log: MemoryLog,
    pub(crate) desks: Desks,
    pub(crate) hosts: Vec<Host>,
    history: History,
}

impl Cluster {
    /// All in one process, or each in its own, as the dice fall; beside it standbys of some of the services, which are
    /// called as often.
    pub(crate) fn new(log: MemoryLog, dice: &mut Dice, history: History) -> Self {
        let desks = Desks::new();
        let together = dice.chance(40);
        let mut hosts = Vec::new();
        if together {
            hosts.push(Host::new(desks.seats(0), Some(Watcher::default()), dice));
        } else {
            hosts.extend(desks.seats(0).into_iter().map(|seat| Host::new(vec![seat], None, dice)));
            hosts.push(Host::new(Vec::new(), Some(Watcher::default()), dice));
        }
        let standbys: Vec<_> = desks.seats(1).into_iter().filter(|_| dice.chance(45)).collect();
        if together && !standbys.is_empty() {
            hosts.push(Host::new(standbys, None, dice));
        } else {
            hosts.extend(standbys.into_iter().map(|seat| Host::new(vec![seat], None, dice)));
        }
        Self { log, desks, hosts, history }
    }

    /// Starts what is down and due, and once more what does not go on by itself although its clock has been right.
    pub(crate) fn start_due(&mut self) {
        let now = Instant::now();
        for host in &mut self.hosts {
            if host.down_until.is_some_and(|until| until <= now) {
                host.start(&self.log, &self.history);
            }
            let is_halted = host.seats.iter().any(|seat| is_halted_by_clock(seat.health().as_ref()));
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

    pub(crate) fn seats(&self) -> impl Iterator<Item = &dyn AnySeat> {
        self.hosts.iter().flat_map(|host| host.seats.iter().map(|seat| &**seat))
    }

    pub(crate) fn watcher(&self) -> &Watcher {
        self.hosts.iter().find_map(|host| host.watcher.as_ref()).expect("there is one")
    }

    /// The heads of the four streams, once every writer has read, and answered, everything.
    pub(crate) fn at_rest(&self) -> Option<[Head; 4]> {
        let mut seats = self.seats().map(AnySeat::at_rest);
        let heads = seats.next()??;
        seats.all(|other| other == Some(heads)).then_some(heads)
    }

    /// A writer that halted: it never should, whatever strikes, unless its clock is wrong.
    pub(crate) fn halted(&self) -> Option<String> {
        self.seats().find_map(|seat| match seat.health() {
            Some(Health::Halted(halt)) if !matches!(halt, Halt::Clock(_)) => {
                Some(format!("{} halted: {}: {halt}", seat.name(), halt.reason()))
            }
            Some(Health::Halted(_) | Health::CatchingUp(_) | Health::Serving | Health::Stopped) | None => None,
        })
    }
}

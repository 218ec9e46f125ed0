//! One seed from beginning to end: set-up, commands under faults, recovery, and the oracle.

use core::time::Duration;

use loopledger_dice::Dice;
use loopledger_domain::Decider;
use loopledger_event_log::{FaultPlan, MemoryLog};
use loopledger_wire::Write;
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::client::{Manner, Said, Verdict, ask, ask_in_bulk};
use crate::cluster::{Cluster, HandlePools};
use crate::faults::junk::Intruder;
use crate::faults::{count_log, plan, strike};
use crate::history::{History, Report};
use crate::node::HandlePool;
use crate::oracle;
use crate::oracle::acks::{Existing, Uttered};
use crate::reader;
use crate::workload::{Command, WorkItem, Workload};

/// Commands of a season, besides the founding.
const COMMANDS: usize = 260;
/// Percent of steps in which several things are wanted at once, and how many at most.
const RUSHES: u64 = 25;
const RUSH_MAX: u64 = 12;
/// Percent of steps in which what is wanted is sent in bulk.
const BULK: u64 = 30;
/// Percent of steps after which nothing is asked for a while, and how long in milliseconds.
const LULLS: u64 = 5;
const LULL_MAX: u64 = 7_000;
/// Percent of steps in which something goes wrong.
const MISHAPS: u64 = 25;
/// Requests under way, beyond which clients send no more.
const UNDER_WAY_MAX: usize = 24;
/// Percent of steps in which a reader looks at the ledger.
const LOOKS: u64 = 12;
/// Percent of seeds that end with a log that lost its tail.
const LOSSES: u64 = 15;
/// Simulated time in which a seed ends, whatever waits for whom.
const END_WITHIN: Duration = Duration::from_hours(3);
/// Simulated time until every caller must have given up at the latest: their attempts are bounded, and so is each.
const ANSWERS_WITHIN: Duration = Duration::from_mins(20);
/// Simulated time until everything must have come to rest when nothing goes wrong any more.
const REST_WITHIN: Duration = Duration::from_mins(5);

/// Plays a seed.
pub fn run(seed: u64) -> Report {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime of one thread needs nothing of the machine");
    runtime.block_on(async {
        let mut simulation = Simulation::new(seed);
        let history = simulation.history.clone();
        let digest = timeout(END_WITHIN, simulation.play()).await.unwrap_or_else(|_| {
            history.violation("it does not end");
            Vec::new()
        });
        history.report(seed, digest)
    })
}

struct Simulation {
    dice: Dice,
    history: History,
    cluster: Cluster,
    intruder: Intruder,
    workload: Workload,
    items: Vec<WorkItem>,
    uttered: Vec<Uttered>,
    existing: Existing,
    under_way: usize,
    answers: mpsc::UnboundedReceiver<(usize, Said)>,
    callers: mpsc::UnboundedSender<(usize, Said)>,
}

impl Simulation {
    fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let history = History::new();
        let log = MemoryLog::with_faults(dice.roll(), plan(&mut dice));
        let cluster = Cluster::new(log, &mut dice, history.clone());
        let (callers, answers) = mpsc::unbounded_channel();
        Self {
            intruder: Intruder::new(&cluster.log),
            workload: Workload::new(dice.fork()),
            items: Vec::new(),
            uttered: Vec::new(),
            existing: Existing::default(),
            under_way: 0,
            dice,
            history,
            cluster,
            answers,
            callers,
        }
    }

    async fn play(&mut self) -> Vec<u8> {
        self.cluster.start_all();
        for round in 0.. {
            let items = self.workload.found(round);
            if items.is_empty() {
                break;
            }
            for item in items {
                self.utter(item, Manner::PATIENT);
            }
            self.until_under_way(0).await;
        }
        let acknowledged = |said: &Said| matches!(said.verdict, Verdict::Acknowledged(_));
        if !self.uttered.iter().all(|uttered| uttered.said.as_ref().is_some_and(acknowledged)) {
            self.history.violation("the founding went wrong");
        }
        let founded = self.uttered.len();
        while self.uttered.len() < founded + COMMANDS {
            self.step().await;
        }
        self.peace().await;
        if !self.rest().await {
            return Vec::new();
        }
        let digest = oracle::judge(&mut self.cluster, &self.uttered, &self.history).await;
        if !self.history.is_violated() && self.dice.chance(LOSSES) {
            oracle::tail::lose(&mut self.cluster, &mut self.dice, &self.history).await;
        }
        count_log(&self.cluster, &self.history);
        digest
    }

    async fn step(&mut self) {
        self.cluster.start_due();
        let rush = if self.dice.chance(RUSHES) { self.dice.below(RUSH_MAX) } else { 0 };
        let items: Vec<WorkItem> = (0..=rush).flat_map(|_| self.workload.next()).collect();
        if self.dice.chance(BULK) {
            self.utter_in_bulk(items);
        } else {
            for item in items {
                self.utter(item, Manner::MIXED);
            }
        }
        if self.dice.chance(LOOKS) {
            reader::look(&self.cluster, &mut self.dice, &self.workload, &self.history);
        }
        if self.dice.chance(MISHAPS) {
            strike(&mut self.cluster, &self.intruder, &mut self.dice, &self.history).await;
        }
        let longest = if self.dice.chance(LULLS) { LULL_MAX } else { 160 };
        let time = Duration::from_millis(self.dice.below(longest));
        self.pass(time).await;
        self.until_under_way(UNDER_WAY_MAX).await;
        if let Some(halted) = self.cluster.halted() {
            self.history.violation(halted);
        }
    }

    /// A caller of its own sends it until it is answered.
    fn utter(&mut self, item: WorkItem, manner: Manner) {
        let index = self.note(&item);
        match item.command {
            Command::Procurement(write) => self.call(|pools| &pools.procurement, vec![(index, write)], manner),
            Command::Station(write) => self.call(|pools| &pools.station, vec![(index, write)], manner),
            Command::Distribution(write) => self.call(|pools| &pools.distribution, vec![(index, write)], manner),
            Command::Sales(write) => self.call(|pools| &pools.sales, vec![(index, write)], manner),
        }
    }

    /// One caller per service sends all that is for it.
    fn utter_in_bulk(&mut self, items: Vec<WorkItem>) {
        let (mut procurement, mut station, mut distribution, mut sales) = (vec![], vec![], vec![], vec![]);
        for item in items {
            let index = self.note(&item);
            match item.command {
                Command::Procurement(write) => procurement.push((index, write)),
                Command::Station(write) => station.push((index, write)),
                Command::Distribution(write) => distribution.push((index, write)),
                Command::Sales(write) => sales.push((index, write)),
            }
        }
        self.call(|pools| &pools.procurement, procurement, Manner::MIXED);
        self.call(|pools| &pools.station, station, Manner::MIXED);
        self.call(|pools| &pools.distribution, distribution, Manner::MIXED);
        self.call(|pools| &pools.sales, sales, Manner::MIXED);
    }

    fn note(&mut self, item: &WorkItem) -> usize {
        let index = self.uttered.len();
        self.history.count("commands");
        self.history.note(format!("#{index} {} {}", item.command.text(), item.command.request_id()));
        self.uttered.push(Uttered { command: item.command.clone(), said: None });
        self.items.push(item.clone());
        self.under_way += 1;
        index
    }

    fn call<D: Decider>(
        &mut self,
        pool: impl Fn(&HandlePools) -> &HandlePool<D>,
        writes: Vec<(usize, Write<D::Command>)>,
        manner: Manner,
    ) {
        let (pool, mut dice) = (pool(&self.cluster.pools).clone(), self.dice.fork());
        let (callers, history) = (self.callers.clone(), self.history.clone());
        let (indexes, writes): (Vec<_>, Vec<_>) = writes.into_iter().unzip();
        tokio::spawn(async move {
            let said = match &*writes {
                [] => Vec::new(),
                [write] => vec![ask(&pool, write, manner, &mut dice, &history).await],
                writes => ask_in_bulk(&pool, writes, manner, &mut dice, &history).await,
            };
            // The season is over only when every caller is.
            indexes.into_iter().zip(said).for_each(|said| drop(callers.send(said)));
        });
    }

    /// Time passes; callers are heard.
    async fn pass(&mut self, time: Duration) {
        let until = Instant::now() + time;
        loop {
            tokio::select! {
                biased;
                Some((index, said)) = self.answers.recv() => self.hear(index, said),
                () = sleep_until(until) => return,
            }
        }
    }

    async fn until_under_way(&mut self, at_most: usize) {
        let until = Instant::now() + ANSWERS_WITHIN;
        while self.under_way > at_most {
            if Instant::now() > until {
                return self.history.violation("callers wait without end");
            }
            self.pass(Duration::from_millis(20)).await;
            self.cluster.start_due();
        }
    }

    fn hear(&mut self, index: usize, said: Said) {
        self.under_way -= 1;
        let item = &self.items[index];
        self.history.note(format!("#{index} {:?}{}", said.verdict, if said.doubtful { ", in doubt" } else { "" }));
        self.history.count(match said.verdict {
            Verdict::Acknowledged(_) => "acknowledged",
            Verdict::Refused(_) => "refused",
            Verdict::Reused(_) => "id was used",
            Verdict::GaveUp => "given up",
        });
        if let Verdict::Acknowledged(position) = said.verdict {
            self.workload.acknowledged(item, position);
            self.existing.acknowledged(&item.command, position, said.at);
        } else if let Verdict::Refused(Some(missing)) = &said.verdict
            && self.existing.is_denied(&item.command, missing, said.at)
        {
            self.history.violation(format!("the answer to #{index} said that {missing:?} does not exist"));
        }
        self.uttered[index].said = Some(said);
    }

    /// Nothing goes wrong any more, and everybody gets an answer.
    async fn peace(&mut self) {
        self.history.note("peace");
        self.cluster.log.set_faults(FaultPlan::NONE);
        for host in &self.cluster.hosts {
            host.network.clear();
            host.clock.set_right();
        }
        self.cluster.start_all();
        self.until_under_way(0).await;
    }

    /// Whether everything comes to rest: all is read, all is answered, nothing has halted.
    async fn rest(&mut self) -> bool {
        let until = Instant::now() + REST_WITHIN;
        let mut before = None;
        while Instant::now() < until {
            self.cluster.log.settle();
            self.cluster.start_due();
            if let Some(halted) = self.cluster.halted() {
                self.history.violation(halted);
                return false;
            }
            let heads = self.cluster.at_rest();
            if heads.is_some() && heads == before && self.cluster.watcher().routes().is_some() {
                self.cluster.nodes().for_each(|node| node.count(&self.history));
                return true;
            }
            before = heads;
            sleep(Duration::from_millis(100)).await;
        }
        self.history.violation("the county does not come to rest");
        false
    }
}

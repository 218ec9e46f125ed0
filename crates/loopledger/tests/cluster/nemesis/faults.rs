//! What goes wrong, one at a time. Each fault lasts until the callers have got on in spite of it, and is healed then.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use loopledger_dice::Dice;
use loopledger_testkit::wait::{PATIENCE, comes_true};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::account::Account;
use crate::deployment::{Deployment, PROGRAMS, WRITERS};
use crate::replica::Replica;
use crate::small_disk::SmallDisk;

/// The names of the two replicas of each program.
pub(crate) const NAMES: [&str; 2] = ["a", "b"];
/// Commands that are acknowledged in spite of a fault before it is healed, and before the next: at most so many.
const PROGRESS: usize = 120;
/// How long progress may take: a leader's change takes 7 s, a standby's reaction 5 s, a resend 12 s, and every second
/// call goes to a program that is paused and is given up after 4 s. A failure, not a pace: some 30 s on a machine that has
/// ten times as much to do as it can.
const PROGRESS_MAX: Duration = Duration::from_mins(2);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// SIGKILL of a program, started again on its store.
    Kill,
    /// SIGSTOP of a program, until its callers have given it up.
    Pause,
    /// A program started again on a copy of its store that was made long before.
    StaleStore,
    /// A program started again on no store.
    LostStore,
    /// A third replica of a service, at once with the two.
    Extra,
    /// The disk of a program's store runs full.
    FullDisk,
    /// SIGKILL of a broker that does not lead the partition of a service.
    KillBroker,
    /// SIGKILL of the one that does.
    KillLeader,
    /// SIGSTOP of the one that does, until another leads.
    PauseLeader,
}

impl Fault {
    /// Those that take no right of any kind.
    const OF_PROGRAMS: [Self; 5] = [Self::Kill, Self::Pause, Self::StaleStore, Self::LostStore, Self::Extra];
    pub(crate) const OF_BROKERS: [Self; 3] = [Self::KillBroker, Self::KillLeader, Self::PauseLeader];

    /// All that can be had here; says which cannot.
    pub(crate) fn of_programs() -> Vec<Self> {
        let mut faults = Self::OF_PROGRAMS.to_vec();
        match SmallDisk::mount(tempfile::tempdir().expect("a folder").path()) {
            Ok(_) => faults.push(Self::FullDisk),
            // Not by `print`: what a test that passes prints is not shown.
            Err(why) => {
                let fault = Self::FullDisk;
                let line =
                    format!("NOT IN THIS RUN: {fault:?} of the nemesis takes the right to mount a disk: {why}\n");
                std::io::stderr().write_all(line.as_bytes()).expect("standard error");
            }
        }
        faults
    }
}

pub(crate) struct Nemesis<'a> {
    deployment: &'a Deployment,
    account: &'a Account,
    pub(crate) dice: Dice,
    /// A copy of a store, and whose.
    copy: Option<(&'static str, &'static str, PathBuf)>,
    pub(crate) inflicted: Vec<Fault>,
}

impl<'a> Nemesis<'a> {
    pub(crate) const fn new(deployment: &'a Deployment, account: &'a Account, dice: Dice) -> Self {
        Self { deployment, account, dice, copy: None, inflicted: Vec::new() }
    }

    pub(crate) fn inflict(&mut self, fault: Fault) {
        let began = (Instant::now(), self.account.count());
        let what = match fault {
            Fault::Kill => self.kill(),
            Fault::Pause => self.pause(),
            Fault::StaleStore => self.stale_store(),
            Fault::LostStore => self.lost_store(),
            Fault::Extra => self.extra(),
            Fault::FullDisk => self.full_disk(),
            Fault::KillBroker => self.kill_broker(),
            Fault::KillLeader => self.kill_leader(),
            Fault::PauseLeader => self.pause_leader(),
        };
        self.inflicted.push(fault);
        self.progress();
        let commands = self.account.count() - began.1;
        println!("{fault:?} of {what}: {:.1} s, {commands} commands acknowledged", began.0.elapsed().as_secs_f32());
    }

    /// The callers get on.
    fn progress(&mut self) {
        let more = 1 + self.dice.index(PROGRESS);
        let gained = self.account.gains(more, PROGRESS_MAX);
        assert!(gained, "no progress within {PROGRESS_MAX:?}: {}", self.account.book().trouble);
    }

    fn program(&mut self) -> (&'static str, &'static str) {
        (*self.dice.pick(&PROGRAMS).unwrap(), *self.dice.pick(&NAMES).unwrap())
    }

    fn kill(&mut self) -> String {
        let (program, name) = self.program();
        let replica = self.deployment.get(program, name);
        replica.kill();
        self.progress();
        replica.restart();
        replica.await_ready();
        format!("{program} {name}")
    }

    fn pause(&mut self) -> String {
        let (program, name) = self.program();
        let replica = self.deployment.get(program, name);
        replica.pause();
        assert!(self.account.misses(PROGRESS_MAX), "no caller missed {program} {name}");
        self.progress();
        replica.resume();
        format!("{program} {name}")
    }

    /// Keeps a copy of a store, for later.
    pub(crate) fn keep_copy(&mut self) {
        let (program, name) = self.program();
        let replica = self.deployment.get(program, name);
        replica.kill();
        let copy = replica.data().with_extension("copy");
        if copy.exists() {
            std::fs::remove_dir_all(&copy).expect("the copy of an earlier round");
        }
        copy_folder(replica.data(), &copy);
        replica.restart();
        replica.await_ready();
        self.copy = Some((program, name, copy));
    }

    fn stale_store(&mut self) -> String {
        let (program, name, copy) = self.copy.clone().expect("a copy was kept");
        let replica = self.deployment.get(program, name);
        replica.kill();
        std::fs::remove_dir_all(replica.data()).expect("its store");
        copy_folder(&copy, replica.data());
        replica.restart();
        replica.await_ready();
        format!("{program} {name}")
    }

    fn lost_store(&mut self) -> String {
        let (program, name) = self.program();
        let replica = self.deployment.get(program, name);
        replica.kill();
        std::fs::remove_dir_all(replica.data()).expect("its store");
        self.progress();
        replica.restart();
        replica.await_ready();
        format!("{program} {name}")
    }

    fn extra(&mut self) -> String {
        let program = *self.dice.pick(&WRITERS).unwrap();
        self.deployment.add(program, "c", None);
        self.deployment.get(program, "c").await_ready();
        self.progress();
        self.deployment.remove(program, "c");
        program.to_owned()
    }

    /// A small file system is mounted in place of a store; the replica begins anew on it, and then it runs full, and has
    /// room again.
    fn full_disk(&mut self) -> String {
        let (program, name) = (*self.dice.pick(&WRITERS).unwrap(), *self.dice.pick(&NAMES).unwrap());
        let replica = self.deployment.get(program, name);
        replica.kill();
        let disk = SmallDisk::mount(replica.data()).expect("a disk, as one was mounted before");
        replica.restart();
        replica.await_ready();
        self.progress();
        disk.fill();
        self.await_store(&replica, true);
        self.progress();
        disk.clear();
        self.await_store(&replica, false);
        self.progress();
        replica.kill();
        drop(disk);
        replica.restart();
        replica.await_ready();
        format!("{program} {name}")
    }

    /// Whether a replica's store has failed shows, and it serves all the same.
    fn await_store(&self, replica: &Replica, has_failed: bool) {
        let shown = || replica.scrape().all("loopledger_store_failed").map(|(_, value)| value).sum::<f64>();
        self.until("a full disk is noticed, or that it has room", || (shown() > 0.0) == has_failed);
    }

    fn kill_broker(&mut self) -> String {
        let (leader, others) = self.leader();
        let broker = *self.dice.pick(&others).unwrap();
        self.while_dead(broker);
        format!("broker {broker}, not {leader}")
    }

    fn kill_leader(&mut self) -> String {
        let (leader, _) = self.leader();
        self.while_dead(leader);
        format!("broker {leader}")
    }

    fn while_dead(&mut self, broker: i32) {
        let (brokers, broker) = (&self.deployment.brokers, broker.to_string());
        brokers.run(&["kill", &broker]);
        self.progress();
        brokers.run(&["start", &broker, "--no-wait"]);
    }

    fn pause_leader(&mut self) -> String {
        let (leader, _) = self.leader();
        let (brokers, broker) = (&self.deployment.brokers, leader.to_string());
        brokers.run(&["pause", &broker]);
        self.progress();
        brokers.run(&["resume", &broker]);
        format!("broker {leader}")
    }

    /// The broker that leads the county's partition of some service, and the others.
    fn leader(&mut self) -> (i32, Vec<i32>) {
        // Two of three must be up to date.
        self.await_whole();
        let service = *self.dice.pick(&WRITERS).unwrap();
        let partitions = self.partitions();
        let (_, leader, replicas) = partitions.iter().find(|(topic, ..)| topic.contains(service)).expect("a topic");
        (*leader, replicas.iter().copied().filter(|broker| broker != leader).collect())
    }

    /// Every replica of every partition has caught up: the next broker may fail.
    pub(crate) fn await_whole(&self) {
        self.until("every broker has caught up", || self.partitions().iter().all(|(.., in_sync)| in_sync.len() == 3));
    }

    /// The county's partition of every topic: its leader, and the brokers that are in sync.
    fn partitions(&self) -> Vec<(String, i32, Vec<i32>)> {
        let brokers = self.deployment.brokers.bootstrap();
        let client: BaseConsumer = ClientConfig::new().set("bootstrap.servers", brokers).create().expect("a client");
        let metadata = client.fetch_metadata(None, PATIENCE).expect("brokers that answer");
        let ours = metadata.topics().iter().filter(|topic| topic.name().starts_with("loopledger."));
        let number = crate::deployment::partition();
        let partition = |topic: &rdkafka::metadata::MetadataTopic| {
            let found = topic.partitions().iter().find(|partition| partition.id() == number).expect("a partition");
            (topic.name().to_owned(), found.leader(), found.isr().to_vec())
        };
        ours.map(partition).collect()
    }

    fn until(&self, what: &str, condition: impl FnMut() -> bool) {
        assert!(comes_true(condition), "waited in vain until {what}\n{}", self.deployment.last_words());
    }
}

fn copy_folder(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status().expect("cp runs");
    assert!(copied.success());
}

//! Which faults strike, and when: chosen by the seeded generator, counted by kind.

pub(crate) mod clock;
pub(crate) mod junk;
pub(crate) mod line;

use core::time::Duration;

use loopledger_dice::Dice;
use loopledger_event_log::{FaultPlan, MemoryLog};

use crate::cluster::{Cluster, Host};
use crate::history::History;
use crate::node::Store;
use junk::Intruder;

/// Every kind of fault: each must strike in a hundred seeds.
pub const KINDS: &[&str] = &[
    // Of the log.
    "append delayed",
    "append duplicated",
    "append overtaken",
    "append failed, applied",
    "append failed, applied late",
    "append failed, not applied",
    "slow read",
    // Of the way to it.
    "line stalled",
    "line cut",
    // What the log carries.
    "garbage record",
    "oversized record",
    "record of another topic",
    "record of another county",
    "record once more",
    "record on another predecessor",
    "tail lost",
    // Of processes, their stores and clocks.
    "killed, store kept",
    "killed, store stale",
    "killed, store deleted",
    "killed while starting",
    "stopped in good order",
    "projection killed",
    "clock put forward",
    "clock put back",
    "clock accepted",
    // Of callers.
    "call abandoned",
    "deadline passed",
    "conflict of two writers",
    "reactions of a standby",
    "rebuild under way",
];

/// The longest that a line is cut, or stalls.
pub(crate) const CUT_MS_MAX: u64 = 4_000;

/// How often the log itself fails: now and then, or often.
pub(crate) fn plan(dice: &mut Dice) -> FaultPlan {
    let mut rate = |max: u64| u16::try_from(dice.below(max)).unwrap_or(0);
    FaultPlan {
        delayed: rate(90),
        duplicated: rate(60),
        failed_applied: rate(40),
        failed_applied_late: rate(40),
        failed_not_applied: rate(40),
        slow_read: rate(100),
    }
}

/// Counts what the log itself did.
pub(crate) fn count_log(cluster: &Cluster, history: &History) {
    let report = cluster.log.report();
    for (kind, count) in [
        ("append delayed", report.delayed),
        ("append duplicated", report.duplicated),
        ("append overtaken", report.reordered),
        ("append failed, applied", report.failed_applied),
        ("append failed, applied late", report.failed_applied_late),
        ("append failed, not applied", report.failed_not_applied),
        ("slow read", report.slow_reads),
    ] {
        history.add(kind, count);
    }
}

/// Strikes once.
pub(crate) async fn strike(cluster: &mut Cluster, intruder: &Intruder, dice: &mut Dice, history: &History) {
    let chosen = dice.below(u64::try_from(cluster.hosts.len()).unwrap_or(1));
    let host = &mut cluster.hosts[usize::try_from(chosen).unwrap_or(0)];
    let name = host.name();
    let time = Duration::from_millis(dice.below(CUT_MS_MAX));
    match dice.below(100) {
        0..14 => intruder.strike(dice, history),
        14..22 => {
            history.fault("line stalled", format!("{name} for {time:?}"));
            host.network.stall(time);
        }
        22..29 => {
            history.fault("line cut", format!("{name} for {time:?}"));
            host.network.cut(time);
        }
        29..36 => {
            let seconds = dice.between(1, 40 * 86_400);
            history.fault("clock put forward", format!("{name} by {seconds} s for {time:?}"));
            host.clock.jump(seconds, time);
        }
        36..43 => {
            let seconds = dice.between(1, 20 * 86_400);
            history.fault("clock put back", format!("{name} by {seconds} s for {time:?}"));
            host.clock.jump(-seconds, time);
        }
        43..55 => host.back_up(),
        _ => end(&cluster.log, host, dice, history).await,
    }
}

/// Ends a process, one way or the other.
async fn end(log: &MemoryLog, host: &mut Host, dice: &mut Dice, history: &History) {
    if host.is_down() {
        return;
    }
    // Mostly it is back soon; sometimes so late that a standby answers in its place.
    let longest = if dice.chance(80) { 1_500 } else { 12_000 };
    let down = Duration::from_millis(dice.below(longest));
    let store = match dice.below(100) {
        0..40 => Store::Kept,
        40..65 if host.has_backup() => Store::Stale,
        40..85 => Store::Deleted,
        _ => {
            history.fault("stopped in good order", host.name());
            return host.shut_down(down, history).await;
        }
    };
    history.fault(store.kind(), host.name());
    history.add("projection killed", u64::from(host.watcher.is_some()));
    host.crash(store, down, history);
    if dice.chance(30) {
        host.start(log, history);
        tokio::time::sleep(Duration::from_millis(dice.below(30))).await;
        history.fault("killed while starting", host.name());
        host.crash(Store::Kept, down, history);
    }
}

//! Two replicas of every program side by side, both written to at once, either killed at any moment.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use loopledger_dice::Dice;
use loopledger_scenario::play;

use crate::account::Account;
use crate::chain::Chain;
use crate::deployment::{Deployment, PROGRAMS};
use crate::nemesis::checker::check;
use crate::nemesis::faults::NAMES;
use crate::workload::Workload;

const SEED: u64 = 0x2_2e_91_1c;
const KILLS: usize = 8;
/// Commands acknowledged between a kill, a start and the next kill: at most so many.
const BETWEEN: usize = 120;
/// A replica that reacts in the other's place waits 5 s first.
const PROGRESS_MAX: Duration = Duration::from_mins(1);

#[test]
fn two_that_serve_the_same_county_lose_and_double_nothing() {
    let chain = disturbed(None);
    assert!(chain.voids.conflicts > 0, "they met: {:?}", chain.voids);
}

#[test]
fn a_hot_standby_writes_when_it_is_asked_and_reacts_when_no_other_replica_does() {
    disturbed(Some("none"));
}

/// A run with kills, in which the second replica serves `partitions`.
fn disturbed(partitions: Option<&'static str>) -> Chain {
    let _machine = crate::machine();
    println!("seed {SEED}");
    let deployment = Deployment::new(1);
    let [first, second] = NAMES;
    deployment.add_all(first, None);
    deployment.add_all(second, partitions);
    let account = Account::new();
    let runtime = crate::runtime();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            kill(&deployment, &account, Dice::new(SEED));
            is_over.store(true, Ordering::Relaxed);
        });
        let mut workload = Workload::new(&deployment, &account);
        runtime.block_on(workload.play(play(SEED, 100, 340), || is_over.load(Ordering::Relaxed)));
    });
    let book = account.book().clone();
    let (digest, chain) = runtime.block_on(check(&deployment, &book));
    println!(
        "{} commands acknowledged, {} sent again, {KILLS} kills, {:?}; ledger {digest}",
        book.acknowledged.len(),
        book.retries,
        chain.voids
    );
    // Whether a kill hits a call on its way is chance, and said above; that calls were made twice at once is not.
    assert!(book.twice > 0, "calls were made by two callers at once");
    assert_eq!(deployment.ends(), [], "only killed replicas have ended");
    chain
}

fn kill(deployment: &Deployment, account: &Account, mut dice: Dice) {
    for _ in 0..KILLS {
        let gained = account.gains(1 + dice.index(BETWEEN), PROGRESS_MAX);
        assert!(gained, "{}", account.book().trouble);
        let replica = deployment.get(dice.pick(&PROGRAMS).unwrap(), dice.pick(&NAMES).unwrap());
        replica.kill();
        let gained = account.gains(1 + dice.index(BETWEEN), PROGRESS_MAX);
        assert!(gained, "{}", account.book().trouble);
        replica.restart();
        replica.await_ready();
    }
}

//! Services, brokers and disks fail one after the other, by a seed, while callers play the demo. Afterwards nothing that
//! was acknowledged is lost, nothing is there twice, and everybody has the same ledger.
//!
//! A minute and a half by default; `LOOPLEDGER_NEMESIS_SECONDS` goes on for longer, `LOOPLEDGER_NEMESIS_SEED` repeats.
//! What is deliberately not here: a log that loses what it had acknowledged (see `kafka-log`).

pub(crate) mod checker;
pub(crate) mod faults;
mod report;

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use loopledger_dice::Dice;
use loopledger_proto::client::v1::RecordLine;
use loopledger_scenario::play;

use crate::account::Account;
use crate::deployment::{Deployment, client_output};
use crate::lines::to_json;
use crate::same_ledger::Embedded;
use crate::workload::Workload;
use faults::{Fault, NAMES, Nemesis};
use report::Report;

const SEED: u64 = 0x10_09_1e_d6;
/// More than any run plays: it ends when the faults do.
const HOUSEHOLDS: u32 = 200;
const WEEKS: i32 = 340;

#[test]
fn nothing_acknowledged_is_lost_or_doubled_whatever_is_killed_paused_or_full() {
    let _machine = crate::machine();
    let seed = setting("LOOPLEDGER_NEMESIS_SEED").unwrap_or(SEED);
    let lasts = Duration::from_secs(setting("LOOPLEDGER_NEMESIS_SECONDS").unwrap_or(0));
    println!("LOOPLEDGER_NEMESIS_SEED={seed}");
    let of_programs = Fault::of_programs();
    let deployment = Deployment::new(3);
    for name in NAMES {
        deployment.add_all(name, None);
    }
    let account = Account::new();
    let runtime = crate::runtime();
    let is_over = AtomicBool::new(false);
    let began = Instant::now();
    let (played, faults) = std::thread::scope(|scope| {
        let nemesis = scope.spawn(|| {
            // Also when it panics: else the callers would go on for ever.
            let _over = Over(&is_over);
            let mut nemesis = Nemesis::new(&deployment, &account, Dice::new(seed));
            torment(&mut nemesis, of_programs.clone(), began + lasts);
            nemesis.inflicted
        });
        let mut workload = Workload::new(&deployment, &account);
        runtime.block_on(workload.play(play(seed, HOUSEHOLDS, WEEKS), || is_over.load(Ordering::Relaxed)));
        let played = workload.played;
        match nemesis.join() {
            Ok(faults) => (played, faults),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    });
    deployment.await_ready();

    let book = account.book().clone();
    let (digest, chain) = runtime.block_on(checker::check(&deployment, &book));
    let ends = deployment.ends();
    println!(
        "{}",
        Report { seed, took: began.elapsed(), book: &book, chain: &chain, faults: &faults, ends: ends.len() }
    );
    println!("{ends:?}");
    for fault in Fault::OF_BROKERS.iter().chain(&of_programs) {
        assert!(faults.contains(fault), "{fault:?} did not occur");
    }
    assert!(book.retries > 0 && book.timeouts > 0 && book.twice > 0, "the callers noticed");
    assert!(chain.voids.conflicts > 0, "two writers of a stream met");
    assert_eq!(chain.voids.foreign, 0);
    assert_eq!(digest, undisturbed(deployment.folder(), &played), "the ledger is that of an undisturbed run");
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Every kind of fault once, and then again until it is `until`.
fn torment(nemesis: &mut Nemesis<'_>, mut of_programs: Vec<Fault>, until: Instant) {
    let mut of_brokers = Fault::OF_BROKERS;
    loop {
        nemesis.keep_copy();
        nemesis.dice.shuffle(&mut of_brokers);
        nemesis.dice.shuffle(&mut of_programs);
        // While a broker catches up programs fail.
        for (of_broker, of_programs) in of_brokers.iter().zip(of_programs.chunks(2)) {
            nemesis.inflict(*of_broker);
            for fault in of_programs {
                nemesis.inflict(*fault);
            }
        }
        if Instant::now() >= until {
            nemesis.await_whole();
            return;
        }
    }
}

/// The digest of the same lines on the embedded log, without faults.
fn undisturbed(folder: &std::path::Path, played: &[RecordLine]) -> String {
    let path = folder.join("played");
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path).expect("a file"));
    for line in played {
        writeln!(file, "{}", to_json(line)).expect("a line is written");
    }
    file.flush().expect("the file is written");
    let embedded = Embedded::start(folder);
    client_output(&embedded.url, &["record", "--quiet", path.to_str().expect("a path")]);
    embedded.ledger_digest().as_str().expect("a digest").to_owned()
}

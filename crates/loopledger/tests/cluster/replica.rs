//! One replica of one program as a process: kept running as an orchestrator would, and ended as a power cut would.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use loopledger_testkit::Exposition;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_loopledger");

/// How long a replica may take to be ready: a failure, not a pace.
const START_MAX: Duration = Duration::from_mins(2);
/// The pause before what ended by itself is started again.
const BACK_OFF: Duration = Duration::from_millis(300);
/// How much of what it said is shown when it fails.
const LAST_WORDS: usize = 2_000;

/// What a replica is started with.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) program: &'static str,
    /// Among the replicas of its program.
    pub(crate) name: String,
    pub(crate) brokers: String,
    pub(crate) data: PathBuf,
    pub(crate) partitions: Option<&'static str>,
    /// In its environment.
    pub(crate) variables: Vec<(&'static str, String)>,
}

/// A replica, killed when it goes out of scope.
pub(crate) struct Replica {
    inner: Arc<Inner>,
    keeper: Option<JoinHandle<()>>,
}

struct Inner {
    setup: Setup,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    wanted: bool,
    is_over: bool,
    child: Option<Child>,
    url: Option<String>,
    /// Where its metrics are.
    metrics: Option<String>,
    is_ready: bool,
    /// How it ended if it ended by itself.
    ends: Vec<String>,
}

impl Replica {
    pub(crate) fn start(setup: Setup) -> Self {
        std::fs::create_dir_all(&setup.data).expect("a folder");
        let state = Mutex::new(State { wanted: true, ..State::default() });
        let inner = Arc::new(Inner { setup, state, changed: Condvar::new() });
        let keeper = Arc::clone(&inner);
        Self { inner, keeper: Some(std::thread::spawn(move || keeper.keep())) }
    }

    pub(crate) fn setup(&self) -> &Setup {
        &self.inner.setup
    }

    pub(crate) fn data(&self) -> &Path {
        &self.inner.setup.data
    }

    /// Where it answers, if it runs.
    pub(crate) fn url(&self) -> Option<String> {
        self.inner.lock().url.clone()
    }

    /// Waits until it says that it is ready.
    pub(crate) fn await_ready(&self) -> String {
        let state = self.inner.wait("it is ready", |state| state.is_ready);
        state.url.clone().expect("the address is said before it is ready")
    }

    /// What it shows to Prometheus.
    pub(crate) fn scrape(&self) -> Exposition {
        let state = self.inner.wait("it says where its metrics are", |state| state.metrics.is_some());
        let address = state.metrics.clone().expect("waited for");
        drop(state);
        Exposition::scrape(&address)
    }

    /// The status code and the body of a page beside the metrics.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        let state = self.inner.wait("it says where its metrics are", |state| state.metrics.is_some());
        let address = state.metrics.clone().expect("waited for");
        drop(state);
        let mut connection = TcpStream::connect(address).expect("a connection");
        write!(connection, "GET {path} HTTP/1.1\r\nHost: loopledger\r\nConnection: close\r\n\r\n").expect("it is sent");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        let code = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
        (code, body.to_owned())
    }

    /// SIGKILL, and it stays dead until it is started again.
    pub(crate) fn kill(&self) {
        let mut state = self.inner.lock();
        state.wanted = false;
        if let Some(child) = &mut state.child {
            child.kill().expect("a child of ours");
        }
        drop(state);
        drop(self.inner.wait("it is dead", |state| state.child.is_none()));
    }

    /// SIGTERM: it finishes and stores what it has, and stays away until it is started again.
    pub(crate) fn end(&self) {
        self.inner.lock().wanted = false;
        self.signal("-TERM");
        drop(self.inner.wait("it has ended", |state| state.child.is_none()));
    }

    pub(crate) fn restart(&self) {
        self.inner.lock().wanted = true;
        self.inner.changed.notify_all();
    }

    /// SIGSTOP: it answers nothing and closes nothing.
    pub(crate) fn pause(&self) {
        self.signal("-STOP");
    }

    pub(crate) fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let state = self.inner.lock();
        // Not reaped while we hold the lock: the number is still its own.
        if let Some(child) = &state.child {
            let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill runs");
            assert!(sent.success());
        }
    }

    /// How it ended if it ended by itself, so far.
    pub(crate) fn ends(&self) -> Vec<String> {
        self.inner.lock().ends.clone()
    }

    /// The last of what it wrote to standard error.
    pub(crate) fn last_words(&self) -> String {
        self.inner.last_words()
    }

    /// Of a replica that does not run.
    pub(crate) fn forget_words(&self) {
        std::fs::remove_file(self.inner.words()).expect("it said something");
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.inner.lock().is_over = true;
        self.kill();
        self.inner.changed.notify_all();
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self, what: &str, condition: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let deadline = Instant::now() + START_MAX;
        let mut state = self.lock();
        while !condition(&state) {
            let left = deadline.saturating_duration_since(Instant::now());
            let (ends, setup) = (&state.ends, &self.setup);
            assert!(
                !left.is_zero(),
                "{} {}: waited until {what}; {ends:?}; {}",
                setup.program,
                setup.name,
                self.last_words()
            );
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state
    }

    /// Runs the program again and again, as long as that is wanted.
    fn keep(&self) {
        loop {
            let mut state = self.lock();
            while !state.wanted && !state.is_over {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if state.is_over {
                return;
            }
            let mut child = self.command().spawn().expect("the binary runs");
            let output = child.stdout.take().expect("piped");
            state.child = Some(child);
            drop(state);
            self.listen(output);
            let mut state = self.lock();
            let status = state.child.take().map(|mut child| child.wait().expect("it ends"));
            (state.url, state.metrics, state.is_ready) = (None, None, false);
            if state.wanted {
                state.ends.push(status.map(|status| status.to_string()).unwrap_or_default());
                state = self.changed.wait_timeout(state, BACK_OFF).unwrap_or_else(PoisonError::into_inner).0;
            }
            drop(state);
            self.changed.notify_all();
        }
    }

    /// Notes what it says of itself, until it ends.
    fn listen(&self, output: ChildStdout) {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let mut state = self.lock();
            if let Some((_, rest)) = line.split_once("gRPC ") {
                state.url = rest.split_whitespace().next().map(|address| format!("http://{address}"));
            }
            if let Some(address) = line.strip_prefix("指标 http://").and_then(|rest| rest.strip_suffix("/metrics")) {
                state.metrics = Some(address.to_owned());
            }
            // Everything serves, or what is halted is served as such.
            state.is_ready |= line.starts_with("就绪") || line.starts_with("有数据流已停止");
            drop(state);
            self.changed.notify_all();
        }
    }

    fn command(&self) -> Command {
        let setup = &self.setup;
        let mut command = Command::new(BINARY);
        command.args([
            "serve",
            setup.program,
            "--kafka",
            &setup.brokers,
            "--listen",
            "127.0.0.1:0",
            "--metrics",
            "127.0.0.1:0",
            "--data",
        ]);
        command.arg(&setup.data).args(setup.partitions.iter().flat_map(|set| ["--partitions", set]));
        command.env_remove("LOOPLEDGER_CRASH_POINT").env_remove("LOOPLEDGER_SERVER");
        command.envs(setup.variables.iter().map(|(name, value)| (name, value)));
        let words: File = OpenOptions::new().create(true).append(true).open(self.words()).expect("a file");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(words);
        command
    }

    /// What it writes to standard error: beside its data, which may be deleted or full.
    fn words(&self) -> PathBuf {
        self.setup.data.with_extension("stderr")
    }

    fn last_words(&self) -> String {
        let text = std::fs::read_to_string(self.words()).unwrap_or_default();
        text.chars().rev().take(LAST_WORDS).collect::<Vec<_>>().into_iter().rev().collect()
    }
}

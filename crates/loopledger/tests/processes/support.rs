//! Starting the binary, reading what it says, and ending it.

use std::fs::File;
use std::io::{BufRead, BufReader, Lines, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio};

use loopledger_testkit::Exposition;
use loopledger_types::{CountyCode, Key, partition_of};

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_loopledger");

/// How `up` says that everything serves, and that not everything does.
const READY: &str = "就绪";
const HALTED: &str = "有数据流已停止";

/// A running `up`, killed when it goes out of scope.
pub(crate) struct Server {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// Held open: it still has things to say.
    errors: Option<BufReader<ChildStderr>>,
    pub(crate) url: String,
    metrics: String,
}

impl Server {
    /// Starts `up` on a free port, and waits until it says that it is ready.
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_with(data, None).expect("the server starts")
    }

    /// The same on this address.
    pub(crate) fn start_at(data: &Path, listen: &str) -> Self {
        Self::start_on(data, listen, "127.0.0.1:0")
    }

    /// The same with its metrics on this one.
    pub(crate) fn start_on(data: &Path, listen: &str, metrics: &str) -> Self {
        Self::wait_for(up_on(data, listen, metrics), READY).expect("the server starts")
    }

    /// The same with so many file descriptors.
    pub(crate) fn start_with_descriptors(data: &Path, count: u32) -> Self {
        let up = up(data);
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("ulimit -n {count}; exec \"$0\" \"$@\"")])
            .arg(up.get_program())
            .args(up.get_args());
        for (name, value) in up.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.stdout(Stdio::piped());
        Self::wait_for(command, READY).expect("the server starts")
    }

    /// The same with a crash point; `None` if the server ended before it was ready (a point in the start itself).
    pub(crate) fn start_with(data: &Path, crash_point: Option<&str>) -> Option<Self> {
        let mut command = up(data);
        if let Some(point) = crash_point {
            command.env("LOOPLEDGER_CRASH_POINT", point);
        }
        Self::wait_for(command, READY)
    }

    /// The same with variables in its environment, and what it logs in a file.
    pub(crate) fn start_logging(data: &Path, variables: &[(&str, &str)], log: File) -> Self {
        let mut command = up(data);
        command.envs(variables.iter().copied()).stderr(log);
        Self::wait_for(command, READY).expect("the server starts")
    }

    /// Starts `up --demo`, and waits until it has begun to play.
    pub(crate) fn start_demo(data: &Path) -> Self {
        let mut command = up(data);
        command.arg("--demo");
        Self::wait_for(command, "托里县 2020年").expect("the demo begins")
    }

    /// Starts `up` as `change` has it, and waits until it says that it is ready.
    pub(crate) fn start_changed(data: &Path, change: impl FnOnce(&mut Command)) -> Self {
        let mut command = up(data);
        change(&mut command);
        Self::wait_for(command, READY).expect("the server starts")
    }

    /// Runs `command`, an `up`, until it says that it serves or that something is halted; `None` if it ended before.
    pub(crate) fn start_or_end(command: Command) -> Option<Self> {
        Self::wait_for_any(command, &[READY, HALTED])
    }

    /// Runs until a line of its output begins with `mark`; `None` if it ended before.
    fn wait_for(command: Command, mark: &str) -> Option<Self> {
        Self::wait_for_any(command, &[mark])
    }

    fn wait_for_any(mut command: Command, marks: &[&str]) -> Option<Self> {
        let mut child = command.spawn().expect("the binary runs");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let (mut url, mut metrics) = (None, None);
        while let Some(Ok(line)) = lines.next() {
            if let Some((_, rest)) = line.split_once("gRPC ") {
                let address = rest.split_whitespace().next().expect("an address");
                url = Some(format!("http://{address}"));
            }
            if let Some(address) = line.strip_prefix("指标 http://").and_then(|rest| rest.strip_suffix("/metrics")) {
                metrics = Some(address.to_owned());
            }
            assert!(marks != [HALTED] || !line.starts_with(READY), "nothing is halted");
            if marks.iter().any(|mark| line.starts_with(mark)) {
                let announced = "the addresses are said before it is ready";
                let (url, metrics) = (url.expect(announced), metrics.expect(announced));
                return Some(Self { child, lines, errors: None, url, metrics });
            }
        }
        let _ = child.wait();
        None
    }

    /// Starts `up`, and waits until it says that not everything serves; what it said on the standard error.
    pub(crate) fn start_halted(data: &Path) -> (Self, String) {
        Self::start_halted_changed(data, |_| {})
    }

    /// The same as `change` has it.
    pub(crate) fn start_halted_changed(data: &Path, change: impl FnOnce(&mut Command)) -> (Self, String) {
        let mut command = up(data);
        change(&mut command);
        command.stderr(Stdio::piped());
        let mut server = Self::wait_for(command, HALTED).expect("it says that something is halted");
        let mut errors = BufReader::with_capacity(65_536, server.child.stderr.take().expect("piped"));
        // All that it had to say is there by now, in one read of the pipe.
        let said = String::from_utf8_lossy(errors.fill_buf().expect("the pipe")).into_owned();
        server.errors = Some(errors);
        (server, said)
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// SIGINT, as Ctrl-C does; what it exits with.
    pub(crate) fn interrupt(self) -> Option<i32> {
        self.signal("-INT")
    }

    /// Sends a signal once and waits for the end; what it exits with.
    pub(crate) fn signal(mut self, signal: &str) -> Option<i32> {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().expect("kill runs");
        assert!(sent.success());
        while let Some(Ok(_)) = self.lines.next() {}
        self.child.wait().expect("it ends").code()
    }

    /// Runs a client command against it.
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        run_with(&self.url, args)
    }

    /// The address of the metrics.
    pub(crate) fn metrics(&self) -> &str {
        &self.metrics
    }

    /// The status code and the body of a page beside the metrics.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        get(&self.metrics, path)
    }

    /// The status code, the head and the body.
    pub(crate) fn ask(&self, method: &str, path: &str, accept: &str) -> (u16, String, String) {
        ask(&self.metrics, method, path, accept)
    }

    /// What it shows to Prometheus.
    pub(crate) fn scrape(&self) -> Exposition {
        let (code, body) = self.get("/metrics");
        assert_eq!(code, 200, "{body}");
        Exposition::parse(&body).unwrap_or_else(|error| panic!("{error}\n{body}"))
    }

    /// The `status` as JSON.
    pub(crate) fn status(&self) -> serde_json::Value {
        let output = self.run(&["status", "--format", "json"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    pub(crate) fn ledger_digest(&self) -> String {
        self.status()["ledger_digest"].as_str().expect("a digest").to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The status code and the body of a page.
pub(crate) fn get(address: &str, path: &str) -> (u16, String) {
    let (code, _, body) = ask(address, "GET", path, "application/openmetrics-text");
    (code, body)
}

/// The same with the head, in lower case.
fn ask(address: &str, method: &str, path: &str, accept: &str) -> (u16, String, String) {
    let mut connection = TcpStream::connect(address).expect("a connection");
    let rest = format!("Host: loopledger\r\nAccept: {accept}\r\nConnection: close\r\n\r\n");
    write!(connection, "{method} {path} HTTP/1.1\r\n{rest}").expect("it is sent");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let code = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    (code, head.to_ascii_lowercase(), body.to_owned())
}

/// `up` on free ports, with nothing in its environment that changes what it does.
pub(crate) fn up(data: &Path) -> Command {
    up_on(data, "127.0.0.1:0", "127.0.0.1:0")
}

fn up_on(data: &Path, listen: &str, metrics: &str) -> Command {
    let mut command = Command::new(BINARY);
    command.args(["up", "--listen", listen, "--metrics", metrics, "--data"]).arg(data);
    for name in ["LOOPLEDGER_CRASH_POINT", "LOOPLEDGER_LOG_FORMAT", "OTEL_EXPORTER_OTLP_ENDPOINT", "RUST_LOG"] {
        command.env_remove(name);
    }
    plain(&mut command).stdout(Stdio::piped());
    command
}

/// With nothing in its environment that chooses a language or a width.
pub(crate) fn plain(command: &mut Command) -> &mut Command {
    for name in ["LC_ALL", "LC_MESSAGES", "LANG", "COLUMNS", "PAGER"] {
        command.env_remove(name);
    }
    command
}

/// Runs a client command against `server`.
pub(crate) fn run_with(server: &str, args: &[&str]) -> Output {
    let mut command = Command::new(BINARY);
    plain(&mut command).args(args).env("LOOPLEDGER_SERVER", server).output().expect("the binary runs")
}

/// Writes the scenario as a file of commands; how many lines it has.
pub(crate) fn write_scenario(path: &Path, households: u32, weeks: u32) -> usize {
    let output = Command::new(BINARY)
        .args(["demo", "--households", &households.to_string(), "--weeks", &weeks.to_string(), "--write"])
        .arg(path)
        .output()
        .expect("the binary runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::read_to_string(path).expect("the file").lines().count()
}

/// Where a service keeps the store with its stream, below the data folder.
pub(crate) fn store_of(service: &str) -> String {
    format!("state/{service}/partition-{}", partition_of(Key(CountyCode::TUOLI), 64).0)
}

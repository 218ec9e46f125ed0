//! Starting the binary, reading what it says, and ending it.

use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio};

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_loopledger");

/// A running `up`, killed when it goes out of scope.
pub(crate) struct Server {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// Held open: it still has things to say.
    _errors: Option<BufReader<ChildStderr>>,
    pub(crate) url: String,
}

impl Server {
    /// Starts `up` on a free port, and waits until it says that it is ready.
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_with(data, None).expect("the server starts")
    }

    /// The same with a crash point; `None` if the server ended before it was ready (a point in the start itself).
    pub(crate) fn start_with(data: &Path, crash_point: Option<&str>) -> Option<Self> {
        let mut command = Command::new(BINARY);
        command.args(["up", "--listen", "127.0.0.1:0", "--data"]).arg(data).stdout(Stdio::piped());
        match crash_point {
            Some(point) => command.env("LOOPLEDGER_CRASH_POINT", point),
            None => command.env_remove("LOOPLEDGER_CRASH_POINT"),
        };
        let mut child = command.spawn().expect("the binary runs");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut url = None;
        while let Some(Ok(line)) = lines.next() {
            if let Some((_, rest)) = line.split_once("gRPC ") {
                let address = rest.split_whitespace().next().expect("an address");
                url = Some(format!("http://{address}"));
            }
            if line.starts_with("就绪") {
                let url = url.expect("the address is said before it is ready");
                return Some(Self { child, lines, _errors: None, url });
            }
        }
        let _ = child.wait();
        None
    }

    /// Starts `up`, and waits until it says that not everything serves; what it said on the standard error.
    pub(crate) fn start_halted(data: &Path) -> (Self, String) {
        let mut command = Command::new(BINARY);
        command.args(["up", "--listen", "127.0.0.1:0", "--data"]).arg(data);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
        let mut errors = BufReader::with_capacity(65_536, child.stderr.take().expect("piped"));
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut url = None;
        while let Some(Ok(line)) = lines.next() {
            assert!(!line.starts_with("就绪"), "nothing is halted");
            if let Some((_, rest)) = line.split_once("gRPC ") {
                let address = rest.split_whitespace().next().expect("an address");
                url = Some(format!("http://{address}"));
            }
            if line.starts_with("有数据流已停止") {
                break;
            }
        }
        // All that it had to say is there by now, in one read of the pipe.
        let said = String::from_utf8_lossy(errors.fill_buf().expect("the pipe")).into_owned();
        let url = url.expect("the address is said before it is ready");
        (Self { child, lines, _errors: Some(errors), url }, said)
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// SIGINT, as Ctrl-C does; what it exits with.
    pub(crate) fn interrupt(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-INT", &pid]).status().expect("kill runs");
        assert!(sent.success());
        while let Some(Ok(_)) = self.lines.next() {}
        self.child.wait().expect("it ends").code()
    }

    /// Runs a client command against it.
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        run_with(&self.url, args)
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

/// Runs a client command against `server`.
pub(crate) fn run_with(server: &str, args: &[&str]) -> Output {
    Command::new(BINARY).args(args).env("LOOPLEDGER_SERVER", server).output().expect("the binary runs")
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

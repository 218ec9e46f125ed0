//! The `loopledger` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    loopledger::run()
}

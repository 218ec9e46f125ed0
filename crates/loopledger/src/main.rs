//! The `loopledger` binary.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Five threads that pass commits on allocate and free in each other's arenas: glibc's malloc took a sixth of the time.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    loopledger::run()
}

//! What a program says while it runs: lines on standard error, chosen by `RUST_LOG`.

use tracing_subscriber::EnvFilter;

/// Starts logging for the whole process; `directives` hold where `RUST_LOG` is not set. A second call changes nothing.
pub fn init(directives: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(directives));
    let started = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
    // Somebody set a subscriber before us (a test harness): theirs stays.
    drop(started);
}

//! What a program says while it runs: lines on standard error, chosen by `RUST_LOG`, as text or as JSON.
//!
//! Lines name streams, sequences, reasons and errors, at no level what a request says, and from `INFO` up no request id
//! and no household: a test runs a county at the most talkative level and looks for them.

use std::env;

use tracing_subscriber::EnvFilter;

/// `text` (the default), or `json`: one object a line, with the fields beside the message.
const FORMAT: &str = "LOOPLEDGER_LOG_FORMAT";

/// Why logging did not start.
#[derive(Debug, thiserror::Error)]
#[error("{FORMAT} is '{0}', and must be text or json")]
pub struct UnknownFormat(String);

/// Starts logging for the whole process; `directives` hold where `RUST_LOG` is not set. A second call changes nothing.
pub fn init(directives: &str) -> Result<(), UnknownFormat> {
    loopledger_page_store::report_panics_in_one_line();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(directives));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // It would say with a panicking macro, and there, that it could not write to standard error.
    let lines = lines.log_internal_errors(false);
    let started = match env::var(FORMAT).as_deref() {
        Err(_) | Ok("" | "text") => lines.try_init(),
        Ok("json") => lines.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init(),
        Ok(other) => return Err(UnknownFormat(other.to_owned())),
    };
    // A subscriber was set before (by a test harness): it stays.
    drop(started);
    Ok(())
}

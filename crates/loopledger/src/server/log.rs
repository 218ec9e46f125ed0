//! Opening the log that the programs share.

use std::path::Path;
use std::sync::Arc;

use loopledger_event_log::{EventLog, FileLog, FileLogOptions};
use loopledger_service::writer::PointHook;

use crate::exit::Failure;

/// The embedded log in `data`; a torn tail is cut, and said.
pub(super) fn open_file(data: &Path, on_point: Option<PointHook>) -> Result<Arc<dyn EventLog>, Failure> {
    let directory = data.join("log");
    std::fs::create_dir_all(&directory)
        .map_err(|error| Failure::Refused(format!("{}: {error}", directory.display())))?;
    let options = FileLogOptions { on_point, ..FileLogOptions::default() };
    let (log, report) = FileLog::open(&directory, options).map_err(|error| Failure::refused("open the log", &error))?;
    for torn in &report.torn_tails {
        eprintln!("loopledger: a torn record was cut from the end of the log: {torn:?}");
    }
    Ok(Arc::new(log))
}

//! Standard output, or on a terminal the reader's pager before it.

use core::fmt;
use std::env;
#[cfg(not(test))]
use std::io::Write as _;
use std::io::{self, IsTerminal as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// Where output goes instead of standard output.
static PAGER: Mutex<Option<ChildStdin>> = Mutex::new(None);

/// A running pager; the command ends when its reader has done so.
#[derive(Debug)]
pub(crate) struct Pager(Option<Child>);

impl Pager {
    /// Starts `PAGER` (`less` if it is not set) if people sit at a terminal. A pager that cannot be started is done without.
    pub(crate) fn start(is_wanted: bool) -> Self {
        if !is_wanted || !io::stdout().is_terminal() || !io::stdin().is_terminal() {
            return Self(None);
        }
        let mut command = match env::var("PAGER") {
            Err(_) => Command::new("less"),
            Ok(pager) if ["", "cat"].contains(&pager.trim()) => return Self(None),
            Ok(pager) => {
                let mut command = Command::new("sh");
                command.args(["-c", &pager]);
                command
            }
        };
        // Ends by itself if all fits the screen, and leaves the text there.
        for (name, value) in [("LESS", "FRX"), ("LESSCHARSET", "utf-8")] {
            if env::var_os(name).is_none() {
                command.env(name, value);
            }
        }
        let Ok(mut child) = command.stdin(Stdio::piped()).spawn() else { return Self(None) };
        *PAGER.lock().unwrap_or_else(PoisonError::into_inner) = child.stdin.take();
        Self(Some(child))
    }

    /// Ends the text, and waits for its reader; whether there was one.
    pub(crate) fn finish(self) -> bool {
        drop(PAGER.lock().unwrap_or_else(PoisonError::into_inner).take());
        let Some(mut child) = self.0 else { return false };
        drop(child.wait());
        true
    }
}

#[cfg(not(test))]
pub(super) fn write(text: fmt::Arguments<'_>) -> io::Result<()> {
    match PAGER.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        Some(pager) => pager.write_fmt(text),
        None => io::stdout().lock().write_fmt(text),
    }
}

/// In unit tests output is kept for [`captured`].
#[cfg(test)]
#[expect(clippy::unnecessary_wraps, reason = "as the one above")]
pub(super) fn write(text: fmt::Arguments<'_>) -> io::Result<()> {
    CAPTURED.with_borrow_mut(|captured| captured.push_str(&text.to_string()));
    Ok(())
}

#[cfg(test)]
std::thread_local! {
    static CAPTURED: core::cell::RefCell<String> = const { core::cell::RefCell::new(String::new()) };
}

/// What a part of a test prints.
#[cfg(test)]
pub(crate) fn captured(print: impl FnOnce() -> Result<(), crate::exit::Failure>) -> String {
    CAPTURED.with_borrow_mut(String::clear);
    print().expect("it prints");
    CAPTURED.take()
}

//! Lines on standard output, or where the program sends them instead, and on standard error; texts without the control
//! characters that a terminal obeys.

mod safe;

use core::cell::RefCell;
use core::fmt;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

pub use safe::{json, json_line, neutral};

use crate::exit::Failure;

/// `println!` that fails where that one panics: on a closed pipe and on a full disk.
#[macro_export]
macro_rules! say {
    () => {
        $crate::output::line(format_args!(""))
    };
    ($($text:tt)*) => {
        $crate::output::line(format_args!($($text)*))
    };
}

/// `eprintln!` that does not panic where standard error is closed or full: what is lost is a message, not the work.
#[macro_export]
macro_rules! note {
    ($($text:tt)*) => {
        $crate::output::aside(format_args!($($text)*))
    };
}

/// Where output goes instead of standard output.
static REDIRECTED: Mutex<Option<Box<dyn Write + Send>>> = Mutex::new(None);

std::thread_local! {
    /// What [`captured`] has collected on this thread.
    static CAPTURED: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// From now on output goes there, or to standard output again; where it went before is closed.
pub fn redirect(to: Option<Box<dyn Write + Send>>) {
    *REDIRECTED.lock().unwrap_or_else(PoisonError::into_inner) = to;
}

/// What a part of this thread prints, as a text.
pub fn captured(part: impl FnOnce() -> Result<(), Failure>) -> Result<String, Failure> {
    let before = CAPTURED.replace(Some(String::new()));
    let ended = part();
    let text = CAPTURED.replace(before).unwrap_or_default();
    ended.map(|()| text)
}

/// Set by servers, for which a reader of their output that has gone is no reason to end.
static READERS_OPTIONAL: AtomicBool = AtomicBool::new(false);

/// From now on output that cannot be written is dropped.
pub fn go_on_without_readers() {
    READERS_OPTIONAL.store(true, Ordering::Relaxed);
}

/// See [`say!`](crate::say).
pub fn line(text: fmt::Arguments<'_>) -> Result<(), Failure> {
    write(format_args!("{text}\n"))
}

/// The same without an end of line.
pub fn write(text: fmt::Arguments<'_>) -> Result<(), Failure> {
    match print(text) {
        Err(_) if READERS_OPTIONAL.load(Ordering::Relaxed) => Ok(()),
        written => written.map_err(Failure::output),
    }
}

fn print(text: fmt::Arguments<'_>) -> io::Result<()> {
    let is_captured =
        CAPTURED.with_borrow_mut(|captured| captured.as_mut().map(|kept| fmt::write(kept, text)).is_some());
    if is_captured {
        return Ok(());
    }
    match REDIRECTED.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        Some(to) => to.write_fmt(text),
        None => io::stdout().lock().write_fmt(text),
    }
}

/// See [`note!`](crate::note).
pub fn aside(text: fmt::Arguments<'_>) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}

//! Panics of sled, which are answers like any other: caught, and said in one line instead of with a backtrace.

use core::any::Any;
use core::cell::Cell;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};
use std::sync::Once;

/// How the threads of stores are called, and sled's own.
pub(crate) const THREAD: &str = "state-store ";
const SLED_THREAD: &str = "sled-io-";

thread_local! {
    /// A panic of this thread is being waited for.
    static IS_CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// From now on a panic that a store catches is one line of the log. All others are reported as before.
pub fn report_panics_in_one_line() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| if is_ours() { log(info) } else { before(info) }));
    });
}

fn is_ours() -> bool {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or_default();
    IS_CAUGHT.get() || name.starts_with(THREAD) || name.starts_with(SLED_THREAD)
}

fn log(info: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let at = info.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(
        thread = thread.name().unwrap_or_default(),
        at,
        panic = text(info.payload()),
        "a panic in the state store was caught"
    );
}

/// Runs what may panic; gives the text of a panic.
pub(crate) fn catch<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    let before = IS_CAUGHT.replace(true);
    let result = catch_unwind(AssertUnwindSafe(run));
    IS_CAUGHT.set(before);
    result.map_err(|payload| text(&*payload))
}

/// What a panic said, in one line.
pub(crate) fn text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("without a text");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a panic was about an error of the system: sled unwraps some of them.
pub(crate) fn names_system_error(text: &str) -> bool {
    text.contains("Os { code:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_reported_in_one_line() {
        let error = std::io::Error::from_raw_os_error(24);
        let line = catch(|| panic!("called `unwrap()` on {error:?}")).unwrap_err();
        assert!(names_system_error(&line), "{line}");
        assert_eq!(catch(|| panic!("two\nlines")).unwrap_err(), "two lines");
        assert!(!names_system_error("two lines"));
        assert_eq!(catch(|| 5), Ok(5));
    }
}

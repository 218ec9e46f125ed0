//! Ctrl-C, SIGTERM and SIGHUP.

use loopledger_client::note;
use tokio_util::sync::CancellationToken;

/// A token that is cancelled at the first signal to end. Listens from now on without a gap: a signal that
/// arrives before a handler is registered is lost, if a shell has started the program in the background. Must be called within a tokio runtime.
///
/// SIGHUP, which comes when a terminal closes, stops it cleanly too, unless its parent process had it ignored, as `nohup` does.
pub(super) fn stop_on_signals() -> CancellationToken {
    let (signalled, stop) = (signalled(), CancellationToken::new());
    let stopped = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = signalled => {
                note!("loopledger: ending");
                stop.cancel();
            }
            () = stop.cancelled() => {}
        }
    });
    stopped
}

#[cfg(unix)]
fn signalled() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (interrupt, terminate) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    let hang_up = if ignores_hang_up() { None } else { signal(SignalKind::hangup()).ok() };
    async move {
        let hang_up_received = async {
            match hang_up {
                Some(mut hang_up) => drop(hang_up.recv().await),
                None => std::future::pending().await,
            }
        };
        match (interrupt, terminate) {
            (Ok(mut interrupt), Ok(mut terminate)) => tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                () = hang_up_received => {}
            },
            // The system's own way of ending it is left.
            _ => std::future::pending().await,
        }
    }
}

/// Whether SIGHUP was ignored before the program began, where /proc tells.
#[cfg(unix)]
fn ignores_hang_up() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| mask_has_hang_up(&status))
}

/// The mask has a bit for each signal; SIGHUP is the first.
#[cfg(unix)]
fn mask_has_hang_up(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

#[cfg(not(unix))]
async fn signalled() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_signal_that_was_ignored_before_differs_from_one_that_was_not() {
        assert!(mask_has_hang_up("Name:\tx\nSigIgn:\t0000000000001001\n"));
        assert!(!mask_has_hang_up("SigIgn:\t0000000000001000\n"));
        assert!(!mask_has_hang_up("Name:\tx\n"));
    }
}

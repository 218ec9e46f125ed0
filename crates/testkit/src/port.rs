//! A free port that is known before the server listens on it.

use std::net::TcpListener;
use std::ops::Range;
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Below the ports that `scripts/kafka` gives to brokers, and below the range of outgoing connections.
const PORTS: Range<u16> = 10_000..20_000;

/// How many ports this process has tried.
static TRIED: AtomicUsize = AtomicUsize::new(0);

/// A free port of the loopback. No port is given twice to one process: tests that run side by side would otherwise
/// take each other's while a server is being started again. Processes begin at different ports.
///
/// # Panics
/// If all were tried.
pub fn free_port() -> u16 {
    let begin = usize::try_from(process::id() & 0x1fff).expect("13 bits");
    loop {
        let tried = TRIED.fetch_add(1, Ordering::Relaxed);
        assert!(tried < PORTS.len(), "every port of {PORTS:?} was tried");
        let port = PORTS.cycle().nth(begin.wrapping_add(tried)).expect("PORTS has ports");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_is_given_twice() {
        let first = free_port();
        assert!((0..100).all(|_| free_port() != first), "{first}");
    }
}

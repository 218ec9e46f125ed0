//! A free port that is known before the server listens on it.

use std::net::TcpListener;

/// A free port of the loopback, below the range of outgoing connections.
///
/// # Panics
/// If there is none.
pub fn free_port() -> u16 {
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    (20_000..32_000).rev().find(is_free).expect("one of 12,000 ports is free")
}

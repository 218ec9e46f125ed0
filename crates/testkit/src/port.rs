//! A place to listen on that has to be known before anybody listens.

use std::net::TcpListener;

/// A port of the loopback that nobody listens on, below those that connections take theirs from.
///
/// # Panics
/// If there is none.
pub fn free_port() -> u16 {
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    (20_000..32_000).rev().find(is_free).expect("one of 12,000 ports is free")
}

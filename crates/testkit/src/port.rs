//! Ports for the programs that a test starts.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

/// Where the search begins; the ports below belong to well-known services.
const FIRST: u32 = 10_000;

/// Returns a port of the loopback address that nobody listens on, another one at every call.
///
/// It lies below the range from which the kernel takes the source ports of outgoing connections: a port from there,
/// free when it was asked for, may be the end of somebody's connection when the program comes to listen on it.
pub fn free() -> u16 {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let span = end() - FIRST;
    // Test programs that run side by side begin at different places.
    let offset = std::process::id().wrapping_mul(101);
    (0..span)
        .map(|_| FIRST + offset.wrapping_add(CALLS.fetch_add(1, Ordering::Relaxed)) % span)
        .filter_map(|port| u16::try_from(port).ok())
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .unwrap()
}

/// Returns where the search ends: before the ports of outgoing connections, or with the last port on a machine that
/// gives those nearly all there are.
fn end() -> u32 {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let first = range.split_whitespace().next().and_then(|port| port.parse().ok());
    first.filter(|first| *first > FIRST).unwrap_or(1 << 16)
}

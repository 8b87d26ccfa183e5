//! Free ports on loopback for servers that are stopped and started again while others come and go.

use std::{
    net::TcpListener,
    ops::Range,
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Context as _, Result};

/// Below those that systems give to outgoing connections (from 32768 on Linux, 49152 elsewhere): a client cannot take
/// the port of a server that has not started yet, or that is about to start again.
const RANGE: Range<u32> = 10_000..32_000;
/// Spreads processes with neighbouring ids over the range.
const STRIDE: u32 = 7_919;

/// How many this process has looked at: none is given twice before the range is used up.
static LOOKED_AT: AtomicU32 = AtomicU32::new(0);

/// A port that was free a moment ago, and that this process was not given before.
pub fn free_port() -> Result<u16> {
    let size = RANGE.end - RANGE.start;
    let begin = process::id().wrapping_mul(STRIDE);
    (0..size)
        .map(|_| begin.wrapping_add(LOOKED_AT.fetch_add(1, Ordering::Relaxed)) % size + RANGE.start)
        .filter_map(|port| u16::try_from(port).ok())
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .context("no free port on 127.0.0.1: close some programs")
}

/// Several ports, all different.
pub fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let mut ports = [0; N];
    for port in &mut ports {
        *port = free_port()?;
    }
    Ok(ports)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ports_are_free_different_and_no_clients() {
        let first = free_port().unwrap();
        // One that is in use is passed over, also the next time round.
        let held = TcpListener::bind(("127.0.0.1", first)).unwrap();
        let ports = free_ports::<100>().unwrap();
        assert_eq!(ports.iter().collect::<HashSet<_>>().len(), ports.len());
        assert!(!ports.contains(&first), "{held:?}");
        assert!(ports.iter().all(|port| RANGE.contains(&u32::from(*port))), "{ports:?}");
    }
}

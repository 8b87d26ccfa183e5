//! Free ports on loopback.

use std::net::TcpListener;

use anyhow::{Context as _, Result};

/// A port that was free a moment ago, chosen by the system.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no free port on 127.0.0.1: close some programs")?;
    Ok(listener.local_addr()?.port())
}

/// Several ports, all different: each is held until the last one is found.
pub fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let mut held = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("no free port on 127.0.0.1: close some programs")?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}

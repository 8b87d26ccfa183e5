//! A process that asks another one how it is: for images in which there is nothing else to ask with.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, ensure};
use ureq::tls::TlsConfig;

/// How long it may take: a little longer than the parts behind the answer.
const PATIENCE: Duration = Duration::from_secs(8);

/// Asks `/health/ready` of the process that listens on this address of this machine; `https` if it speaks TLS.
///
/// # Errors
/// When there is no answer, or the answer is not 200; the message has what was said.
pub fn ask(host: IpAddr, port: u16, https: bool) -> anyhow::Result<()> {
    let address = SocketAddr::new(reachable(host), port);
    let scheme = if https { "https" } else { "http" };
    let agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(PATIENCE))
        .proxy(None)
        // It is this machine, and the certificate has the name that others know it by.
        .tls_config(TlsConfig::builder().disable_verification(true).build())
        .build()
        .new_agent();
    let asked = agent.get(format!("{scheme}://{address}/health/ready")).call();
    let mut answer = asked.with_context(|| format!("no answer from {address}"))?;
    let body = answer.body_mut().read_to_string().unwrap_or_default();
    ensure!(answer.status().as_u16() == 200, "not ready: {body}");
    Ok(())
}

/// Who listens on every address is asked on the local one.
fn reachable(host: IpAddr) -> IpAddr {
    match host {
        IpAddr::V4(host) if host.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(host) if host.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        host => host,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    fn answered(answer: &'static str) -> anyhow::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 1024]).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
        });
        let result = ask(Ipv4Addr::UNSPECIFIED.into(), port, false);
        server.join().unwrap();
        result
    }

    #[test]
    fn only_a_200_is_healthy() {
        answered("HTTP/1.1 200 OK\r\n\r\n{}").unwrap();
        let error = answered("HTTP/1.1 503 Service Unavailable\r\n\r\ndatabase: down").unwrap_err();
        assert_eq!(error.to_string(), "not ready: database: down");
        assert!(answered("").is_err());
    }
}

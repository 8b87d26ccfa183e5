//! A process that asks another one how it is: for images in which there is nothing else to ask with.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, ensure};

/// How long each step may take: a little longer than the parts behind the answer.
const PATIENCE: Duration = Duration::from_secs(4);

/// Asks `/health/ready` of the process that listens on this address of this machine.
///
/// # Errors
/// When there is no answer, or the answer is not 200; the message has what was said.
pub fn ask(host: IpAddr, port: u16) -> anyhow::Result<()> {
    let address = SocketAddr::new(reachable(host), port);
    let answer = get(address).with_context(|| format!("no answer from {address}"))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.lines().next().unwrap_or_default();
    ensure!(status.split(' ').nth(1) == Some("200"), "not ready: {body}");
    Ok(())
}

fn get(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = format!("GET /health/ready HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
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
        let result = ask(Ipv4Addr::UNSPECIFIED.into(), port);
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
